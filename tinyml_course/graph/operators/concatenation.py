"""CONCATENATION: several maps side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("CONCATENATION")
@dataclass(frozen=True)
class Concatenation(Operator):
    """The inputs one after the other along one axis.

    Attributes:
        axis: at least 1: axis 0 is the batch.
    """

    axis: int = 1

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """The inputs' common shape, with the sum of their lengths along the axis."""
        first = inputs[0].shape
        if not 1 <= self.axis < len(first):
            raise self.fail(f"axis {self.axis} must lie in 1..{len(first) - 1} for {first}")
        others = {(*t.shape[: self.axis], *t.shape[self.axis + 1 :]) for t in inputs}
        if len(others) != 1 or any(len(t.shape) != len(first) for t in inputs):
            shapes = ", ".join(str(t.shape) for t in inputs)
            raise self.fail(f"shapes {shapes} may only differ along axis {self.axis}")
        total = sum(t.shape[self.axis] for t in inputs)
        return (*first[: self.axis], total, *first[self.axis + 1 :])

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Every input has the output's scale and zero point: bytes are copied, not rescaled."""
        for tensor in inputs:
            if tensor.is_constant:
                raise self.fail(f"{tensor.name} is a constant; only activations are joined")
            check_same_quantization(self, tensor, output)
