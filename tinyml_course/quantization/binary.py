"""Weights of one bit: signs, and a scale a channel (XNOR-Net, Rastegari et al. 2016)."""

import torch
from torch import Tensor

from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.weight_quantizer import WeightQuantizer, inner_axes


class BinaryWeights(WeightQuantizer):
    """``-a`` and ``a``, ``a`` being the mean magnitude: the nearest such weight (section 3.1).

    0 counts as positive. The gradient goes straight through where ``|w| <= 1`` and stops beyond
    (BinaryConnect's hard tanh, Courbariaux et al. 2015), so that latent weights do not run away.
    """

    bits = 1

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The binary weight."""
        latent = weight.clamp(-1, 1)
        signs = torch.where(weight.detach() >= 0, 1.0, -1.0)
        return latent + (self.scales(weight, layer) * signs - latent).detach()

    def scales(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The ``a`` of each channel."""
        mean = weight.detach().abs().mean(inner_axes(layer), keepdim=True)
        return torch.where(mean > 0, mean, torch.ones_like(mean))
