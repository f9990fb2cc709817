"""Fake quantization: floats that lie on the integers' grid, and a gradient that ignores the steps.

The straight-through estimator (Bengio et al. 2013; Jacob et al. 2018, section 3): rounding passes
the gradient on, saturation stops it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from tinyml_course.graph.quantization import Quantization, integer_limits, weight_limit
from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.weight_quantizer import WeightQuantizer, inner_axes


class _RoundThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        """To the nearest integer, halves away from zero as the deployed network rounds."""
        # The same to the bit as trunc(x + copysign(0.5, x)), but torch's trunc takes ten times as
        # long as its floor: half of all the time of a network on grids.
        return x.abs().add_(0.5).floor_().copysign_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004
        """The gradient as it is."""
        return gradients[0]


def round_through(x: Tensor) -> Tensor:
    """The nearest integers, with the gradient of the identity."""
    rounded: Tensor = _RoundThrough.apply(x)  # type: ignore[no-untyped-call]
    return rounded


def fake_quantize(
    x: Tensor, scale: Tensor | float, zero_point: int, least: int, most: int
) -> Tensor:
    """What is left of ``x`` after it has been integers: ``scale (q - zero_point)``.

    Its gradient is 1 where ``x`` lies inside the range and 0 where it saturates.

    Args:
        x: float, any shape.
        scale: one, or one a channel, broadcast to ``x``; learned ones get their gradient too.
        zero_point: the integer that stands for 0.
        least: smallest integer.
        most: largest integer.
    """
    integers = round_through(x / scale) + zero_point
    return (integers.clamp(least, most) - zero_point) * scale


class FakeQuantizedActivation(nn.Module):
    """A map on the grid of its quantization."""

    def __init__(self, quantization: Quantization) -> None:
        super().__init__()
        self.quantization = quantization

    def forward(self, x: Tensor) -> Tensor:
        """``x`` on the grid."""
        scale, zero_point = self.quantization.item()
        return fake_quantize(x, float(scale), zero_point, *integer_limits())


class LinearWeightQuantizer(WeightQuantizer):
    """Symmetric weights, their scales from the largest magnitude of each output channel.

    Args:
        bits: 2 to 8.
        per_channel: one scale for each output channel; else one for all.
    """

    def __init__(self, bits: int, per_channel: bool = True) -> None:
        super().__init__()
        self.bits, self.per_channel = bits, per_channel
        self.limit = weight_limit(bits)

    def scales(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """Steps of the grid, broadcast to the weight; without gradient."""
        magnitude = weight.detach().abs()
        if self.per_channel:
            magnitude = magnitude.amax(inner_axes(layer), keepdim=True)
        else:
            magnitude = magnitude.amax().expand([1] * weight.ndim)
        # A channel without weights has no step; any will do.
        return torch.where(magnitude > 0, magnitude, torch.ones_like(magnitude)) / self.limit

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The weight on its grid."""
        return fake_quantize(weight, self.scales(weight, layer), 0, -self.limit, self.limit)
