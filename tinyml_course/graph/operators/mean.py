"""MEAN: an average over whole axes, rescaled to the output."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_int8_activation, register
from tinyml_course.graph.tensor import Tensor


@register("MEAN")
@dataclass(frozen=True)
class Mean(Operator):
    """The average over some axes; over height and width it is global average pooling.

    Attributes:
        axes: averaged over, each at least 1: axis 0 is the batch.
        keep_dims: whether they stay, with length 1.
    """

    axes: tuple[int, ...] = ()
    keep_dims: bool = False

    def count(self, inputs: Sequence[Tensor]) -> int:
        """Elements behind one output."""
        count = 1
        for axis in self.axes:
            count *= inputs[0].shape[axis]
        return count

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """Without the axes, or with length 1 in their place."""
        shape = inputs[0].shape
        if not self.axes or len(set(self.axes)) != len(self.axes):
            raise self.fail(f"axes must be given and differ, got {self.axes}")
        if any(not 1 <= axis < len(shape) for axis in self.axes):
            raise self.fail(f"axes {self.axes} must lie in 1..{len(shape) - 1} for {shape}")
        if self.keep_dims:
            return tuple(1 if i in self.axes else n for i, n in enumerate(shape))
        return tuple(n for i, n in enumerate(shape) if i not in self.axes)

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """int8 with one scale, in and out; the two may differ."""
        check_int8_activation(self, inputs[0])
        check_int8_activation(self, output)
