"""CONV_2D and DEPTHWISE_CONV_2D."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyml_course.graph.counting import conv_macs
from tinyml_course.graph.operators.base import (
    Shape,
    check_weights,
    register,
)
from tinyml_course.graph.operators.windows import WindowOperator
from tinyml_course.graph.tensor import Tensor


@register("CONV_2D")
@dataclass(frozen=True)
class Conv2D(WindowOperator):
    """Inputs: map, weight ``(C_out, K_h, K_w, C_in)``, bias ``(C_out,)``."""

    def kernel(self, inputs: Sequence[Tensor]) -> tuple[int, int]:
        """``(K_h, K_w)``, read off the weight."""
        return inputs[1].shape[1], inputs[1].shape[2]

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``(1, H_out, W_out, C_out)``."""
        source, weight = inputs[0], inputs[1]
        if len(weight.shape) != 4 or weight.shape[3] != source.shape[-1]:
            raise self.fail(f"weight {weight.shape} does not read {source.shape[-1]} channels")
        return (1, *self.window_output(inputs), weight.shape[0])

    def macs(self, inputs: Sequence[Tensor]) -> int:
        """``H_out W_out C_out K_h K_w C_in``."""
        c_out, k_h, k_w, c_in = inputs[1].shape
        return conv_macs(self.window_output(inputs), c_in, c_out, (k_h, k_w))

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Weights as their type prescribes, int32 bias."""
        check_weights(self, inputs[0], inputs[1], inputs[2], output, channel_axis=0)


@register("DEPTHWISE_CONV_2D")
@dataclass(frozen=True)
class DepthwiseConv2D(WindowOperator):
    """Inputs: map, weight ``(1, K_h, K_w, C_out)``, bias ``(C_out,)``.

    ``C_out`` is a multiple of ``C_in``; output channel ``c`` reads input channel
    ``c // multiplier``.
    """

    def kernel(self, inputs: Sequence[Tensor]) -> tuple[int, int]:
        """``(K_h, K_w)``, read off the weight."""
        return inputs[1].shape[1], inputs[1].shape[2]

    def multiplier(self, inputs: Sequence[Tensor]) -> int:
        """Output channels per input channel."""
        return inputs[1].shape[3] // inputs[0].shape[3]

    def output_shape(self, inputs: Sequence[Tensor]) -> Shape:
        """``(1, H_out, W_out, C_out)``."""
        source, weight = inputs[0], inputs[1]
        if len(weight.shape) != 4 or weight.shape[0] != 1 or weight.shape[3] % source.shape[-1]:
            raise self.fail(
                f"weight {weight.shape} must be (1, K_h, K_w, multiple of {source.shape[-1]})"
            )
        return (1, *self.window_output(inputs), weight.shape[3])

    def macs(self, inputs: Sequence[Tensor]) -> int:
        """``H_out W_out C_out K_h K_w``."""
        _, k_h, k_w, c_out = inputs[1].shape
        c_in = inputs[0].shape[3]
        return conv_macs(self.window_output(inputs), c_in, c_out, (k_h, k_w), groups=c_in)

    def check(self, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Weights as their type prescribes, int32 bias."""
        check_weights(self, inputs[0], inputs[1], inputs[2], output, channel_axis=3)
