"""MEAN and REDUCE_MAX: whole axes become one number."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import (
    Operator,
    Shape,
    check_activation,
    check_one_type,
    check_same_quantization,
    register,
)
from tinyml_course.graph.tensor import Tensor


@dataclass(frozen=True)
class Reduction(Operator):
    """Some axes reduced to one number each.

    Attributes:
        axes: what is reduced, each at least 1: axis 0 is the batch.
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


@register("MEAN")
@dataclass(frozen=True)
class Mean(Reduction):
    """The average over some axes, rescaled; over height and width it is global average pooling."""

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """One type, in and out; scale and zero point may differ."""
        check_activation(self, inputs[0])
        check_activation(self, output)
        check_one_type(self, inputs[0], output)


@register("REDUCE_MAX")
@dataclass(frozen=True)
class ReduceMax(Reduction):
    """The largest value over some axes; over height and width it is global max pooling."""

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)
