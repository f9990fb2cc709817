"""What convolutions and pools share: a kernel that slides with a stride over a padded map."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.counting import conv_output_size
from tinyml_course.graph.operators.base import (
    Activation,
    Operator,
    check_activation_function,
)
from tinyml_course.graph.tensor import Tensor

Padding = tuple[tuple[int, int], tuple[int, int]]
NO_PADDING: Padding = ((0, 0), (0, 0))


@dataclass(frozen=True)
class WindowOperator(Operator):
    """A window over ``(1, H, W, C)``.

    Attributes:
        stride: ``(vertical, horizontal)``.
        padding: ``((top, bottom), (left, right))`` rows and columns of the input's zero point.
            TF-Lite's SAME and VALID and torch's symmetric padding all become this one form.
        activation: clamp fused into the operator.
    """

    stride: tuple[int, int] = (1, 1)
    padding: Padding = NO_PADDING
    activation: Activation = "NONE"

    def kernel(self, inputs: Sequence[Tensor]) -> tuple[int, int]:
        """``(K_h, K_w)`` of the window."""
        raise NotImplementedError

    def window_output(self, inputs: Sequence[Tensor]) -> tuple[int, int]:
        """``(H_out, W_out)``."""
        source = inputs[0]
        if len(source.shape) != 4:
            raise self.fail(f"{source.name} must be (1, H, W, C), it is {source.shape}")
        check_activation_function(self, self.activation)
        if min(map(min, self.padding)) < 0:
            raise self.fail(f"padding {self.padding} must not be negative")
        kernel = self.kernel(inputs)
        height, width = source.shape[1:3]
        try:
            return (
                conv_output_size(height, kernel[0], self.stride[0], sum(self.padding[0])),
                conv_output_size(width, kernel[1], self.stride[1], sum(self.padding[1])),
            )
        except ValueError as error:
            raise self.fail(str(error)) from error


def same_padding(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> Padding:
    """TF-Lite's SAME: ``ceil(size / stride)`` outputs, the odd row below and to the right."""
    pads = []
    for n, k, s in zip(size, kernel, stride, strict=True):
        total = max((-(-n // s) - 1) * s + k - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads[0], pads[1]
