"""TRANSPOSE: the same numbers with the axes in another order."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("TRANSPOSE")
@dataclass(frozen=True)
class Transpose(Operator):
    """Axes reordered, as ``numpy.transpose`` does.

    Attributes:
        permutation: output axis ``i`` is input axis ``permutation[i]``.
    """

    permutation: tuple[int, ...] = ()

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The input's lengths, reordered."""
        shape = inputs[0].shape
        if sorted(self.permutation) != list(range(len(shape))):
            raise self.fail(f"{self.permutation} is not an order of {len(shape)} axes")
        return tuple(shape[axis] for axis in self.permutation)

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)
