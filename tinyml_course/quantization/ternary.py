"""Weights of three values: TWN (Li et al. 2016) and TTQ (Zhu et al. 2017)."""

from typing import Any

import torch
from torch import Tensor, nn

from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.weight_quantizer import WeightQuantizer, inner_axes

TWN_THRESHOLD = 0.7
"""Of the mean magnitude (equation 6 of TWN)."""
TTQ_THRESHOLD = 0.05
"""Of the largest magnitude (section 3.1 of TTQ)."""


class TernaryWeights(WeightQuantizer):
    """``-a``, 0 and ``a``, with the ``a`` nearest to the weights; one for each output channel.

    A weight below 0.7 times the mean magnitude becomes 0, ``a`` is the mean magnitude of the others
    (equations 5 and 6 of TWN). The gradient goes straight through.
    """

    bits = 2

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The ternary weight."""
        ternary = weight.detach().sign() * self._is_large(weight, layer)
        # Forward: scale times sign; backward: the identity.
        return weight + (self.scales(weight, layer) * ternary - weight).detach()

    def scales(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        """The ``a`` of each channel."""
        large = self._is_large(weight, layer)
        magnitude, axes = weight.detach().abs(), inner_axes(layer)
        total = (magnitude * large).sum(axes, keepdim=True)
        mean = total / large.sum(axes, keepdim=True).clamp_min(1)
        return torch.where(mean > 0, mean, torch.ones_like(mean))

    def _is_large(self, weight: Tensor, layer: FloatLayer) -> Tensor:
        magnitude = weight.detach().abs()
        return magnitude > TWN_THRESHOLD * magnitude.mean(inner_axes(layer), keepdim=True)


class _Trained(torch.autograd.Function):
    """``wp`` above the threshold, ``-wn`` below it, 0 between."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        threshold = TTQ_THRESHOLD * weight.abs().max()
        above, below = weight > threshold, weight < -threshold
        ctx.save_for_backward(above, below, positive, negative)
        return positive * above - negative * below

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Equations 7 and 8 of TTQ, the sums of 7 over the number of weights in them."""
        above, below, positive, negative = ctx.saved_tensors
        (gradient,) = gradients
        between = ~(above | below)
        latent = gradient * (positive * above + negative * below + between)
        up, down = above.sum().clamp_min(1), below.sum().clamp_min(1)
        return latent, (gradient * above).sum() / up, -(gradient * below).sum() / down


class TrainedTernaryWeights(WeightQuantizer):
    """``-wn``, 0 and ``wp``, both learned, one pair for a layer.

    Their gradients are means over the weights that take them, so that the learning rate of weights
    suits them too. The two values differ, so there is no even grid: the graph holds them as int8.

    Args:
        weight: to start from; both begin as the mean magnitude of what is not 0.
    """

    bits = 2

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        magnitude = weight.detach().abs()
        large = magnitude[magnitude > TTQ_THRESHOLD * magnitude.max()]
        start = float(large.mean()) if large.numel() else 1.0
        self.positive = nn.Parameter(torch.tensor(start))
        self.negative = nn.Parameter(torch.tensor(start))

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:  # noqa: ARG002
        """The ternary weight."""
        ternary: Tensor = _Trained.apply(  # type: ignore[no-untyped-call]
            weight, self.positive, self.negative
        )
        return ternary
