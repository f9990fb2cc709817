"""AVERAGE_POOL_2D and MAX_POOL_2D. The window keeps scale and zero point."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Shape, check_same_quantization, register
from tinyml_course.graph.operators.windows import WindowOperator
from tinyml_course.graph.tensor import Tensor


@dataclass(frozen=True)
class Pool(WindowOperator):
    """A window without weights.

    Attributes:
        size: ``(K_h, K_w)``. Padded positions are left out, also from the divisor of a mean.
    """

    size: tuple[int, int] = (1, 1)

    def kernel(self, inputs: Sequence[Tensor]) -> tuple[int, int]:  # noqa: ARG002
        """``(K_h, K_w)``."""
        return self.size

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``(1, H_out, W_out, C)``."""
        for i, (before, after) in enumerate(self.padding):
            if max(before, after) >= self.size[i]:
                raise self.fail(f"padding {self.padding} leaves windows without any input")
        return (1, *self.window_output(inputs), inputs[0].shape[3])

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)


@register("AVERAGE_POOL_2D")
@dataclass(frozen=True)
class AveragePool2D(Pool):
    """Mean of each window, rounded half away from zero in integers."""


@register("MAX_POOL_2D")
@dataclass(frozen=True)
class MaxPool2D(Pool):
    """Largest value of each window."""
