"""Learned step size quantization (LSQ, Esser et al. 2020): the grid is trained with the weights."""

import torch
from torch import Tensor, nn

from tinyml_course.graph.quantization import weight_limit
from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.fake_quantization import fake_quantize
from tinyml_course.quantization.gradient_scale import scale_gradient
from tinyml_course.quantization.weight_quantizer import WeightQuantizer, inner_axes, output_axis


class LearnedStep(WeightQuantizer):
    """Symmetric weights with a learned step for each output channel.

    The gradient of the step (equation 3 of the paper) comes out of the straight-through estimator:
    ``round(w / s) - w / s`` inside the grid, its end outside. It is scaled by
    ``1 / sqrt(weights * limit)`` (section 2.2), so that steps and weights learn at one pace.

    Args:
        weight: to start from: ``2 mean|w| / sqrt(limit)`` (section 2.1).
        layer: whose weight it is.
        bits: 2 to 8.
    """

    def __init__(self, weight: Tensor, layer: FloatLayer, bits: int) -> None:
        super().__init__()
        self.bits, self.limit = bits, weight_limit(bits)
        mean = weight.detach().abs().mean(inner_axes(layer), keepdim=True)
        start = 2 * mean / self.limit**0.5
        self.step = nn.Parameter(torch.where(start > 0, start, torch.ones_like(start)))
        self.factor = (weight[0].numel() * self.limit) ** -0.5
        if output_axis(layer):  # depthwise weights have their channels last
            self.factor = (weight[..., 0].numel() * self.limit) ** -0.5

    def scales(self, weight: Tensor, layer: FloatLayer) -> Tensor:  # noqa: ARG002
        """The steps as learned so far; never 0 or less."""
        return self.step.clamp_min(torch.finfo(torch.float32).tiny)

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The weight on its grid."""
        step = scale_gradient(self.scales(weight, layer), self.factor)
        return fake_quantize(weight, step, 0, -self.limit, self.limit)
