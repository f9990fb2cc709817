"""RESIZE_NEAREST_NEIGHBOR: pixels repeated or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.operators.base import Operator, Shape, check_same_quantization, register
from tinyml_course.graph.tensor import Tensor


@register("RESIZE_NEAREST_NEIGHBOR")
@dataclass(frozen=True)
class ResizeNearestNeighbor(Operator):
    """Every output pixel is a copy of one input pixel.

    Attributes:
        size: ``(H_out, W_out)``.
        align_corners: whether the centres of the corner pixels stay where they are.
        half_pixel_centers: whether a pixel's centre lies half a pixel from its edge.
    """

    size: tuple[int, int] = (1, 1)
    align_corners: bool = False
    half_pixel_centers: bool = False

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``(1, H_out, W_out, C)``."""
        shape = inputs[0].shape
        if len(shape) != 4:
            raise self.fail(f"{inputs[0].name} must be (1, H, W, C), it is {shape}")
        if len(self.size) != 2 or min(self.size) < 1:
            raise self.fail(f"size must be two numbers of at least 1, got {self.size}")
        return (1, *self.size, shape[3])

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Scale and zero point stay."""
        check_same_quantization(self, inputs[0], output)
