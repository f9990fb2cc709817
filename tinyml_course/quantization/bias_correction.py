"""Bias correction: the mean that quantized weights add is taken off (Nagel et al. 2019, 4.2)."""

import math

import torch
from torch import Tensor

from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.network import QuantizableNetwork
from tinyml_course.quantization.operations import weighted

MEAN_KEEPERS = ("average_pool", "flatten", "reshape")
"""Layers behind which a channel has the mean it had before."""


def correct_biases(network: QuantizableNetwork, images: Tensor | None = None) -> list[str]:
    """Take off the bias of each layer what its quantized weight adds on the mean; in place.

    Args:
        network: with weight quantizers.
        images: ``(N, C, H, W)`` to take the means from (the paper's appendix D, empirical). Without
            images they follow from the batch norm that was folded into the layer before: normal,
            clipped by the activation (appendix C). Borders of padding are not counted.

    Returns:
        The layers that were corrected. Without images, those whose input no batch norm describes
        are left alone.
    """
    corrected = []
    with torch.no_grad():
        wanted = {} if images is None else _float_means(network, images)
        for layer in network.weighted():
            if network.weight_quantizer(layer.name) is None:
                continue
            shift = (
                _shift_on_images(network, layer, images, wanted)
                if images is not None
                else _expected_shift(network, layer)
            )
            if shift is not None:
                bias = network.bias(layer.name)
                bias.data = bias - shift
                corrected.append(layer.name)
    return corrected


def _float_means(network: QuantizableNetwork, images: Tensor) -> dict[str, Tensor]:
    """Mean of each channel of every weighted layer before its activation, unquantized."""
    means = {}
    with network.in_float():
        maps = network.maps(images)
        for layer in network.weighted():
            weight, bias = network.weight(layer.name), network.bias(layer.name)
            y = weighted(layer, maps[layer.inputs[0]], weight, bias)
            means[layer.name] = y.mean([axis for axis in range(y.ndim) if axis != 1])
    return means


def _shift_on_images(
    network: QuantizableNetwork, layer: FloatLayer, images: Tensor, wanted: dict[str, Tensor]
) -> Tensor:
    """Mean of each channel before its activation, by the layers quantized so far, and in float."""
    seen = network.maps(images)[layer.inputs[0]]
    got = weighted(layer, seen, network.used_weight(layer.name), network.bias(layer.name))
    axes = [axis for axis in range(got.ndim) if axis != 1]
    return got.mean(axes) - wanted[layer.name]


def _expected_shift(network: QuantizableNetwork, layer: FloatLayer) -> Tensor | None:
    """Error of the weight times the mean of what it reads."""
    mean = _expected_input(network, layer)
    if mean is None:
        return None
    error = network.used_weight(layer.name) - network.weight(layer.name)
    if layer.kind == "depthwise":
        return error.sum((0, 1, 2)) * mean
    if layer.kind == "linear" and error.shape[1] != len(
        mean
    ):  # a map was flattened, pixel by pixel
        mean = mean.repeat(error.shape[1] // len(mean))
    return (error * mean).flatten(1).sum(1)


def _expected_input(network: QuantizableNetwork, layer: FloatLayer) -> Tensor | None:
    """Mean of each input channel; ``None`` where no batch norm says it."""
    source = network.layers.get(layer.inputs[0])
    while source is not None and source.kind in MEAN_KEEPERS:
        source = network.layers.get(source.inputs[0])
    if source is None or source.normal is None:
        return None
    mean, deviation = (torch.from_numpy(values).float() for values in source.normal)
    low, high = {
        "NONE": (-math.inf, math.inf),
        "RELU": (0.0, math.inf),
        "RELU6": (0.0, 6.0),
    }[source.activation]
    return clipped_normal_mean(mean, deviation, low, high)


def clipped_normal_mean(mean: Tensor, deviation: Tensor, low: float, high: float) -> Tensor:
    """Mean of a normal distribution whose values are clipped (the paper's appendix C).

    Args:
        mean: of the distribution, any shape.
        deviation: its standard deviation, not negative.
        low: least value, or ``-inf``.
        high: largest value, or ``inf``.
    """
    spread = deviation.clamp_min(1e-12)
    a, b = (low - mean) / spread, (high - mean) / spread
    below, above = _cumulative(a), 1 - _cumulative(b)
    inside = mean * (1 - below - above) + spread * (_density(a) - _density(b))
    outside = (low * below if math.isfinite(low) else 0.0) + (
        high * above if math.isfinite(high) else 0.0
    )
    return inside + outside


def _density(x: Tensor) -> Tensor:
    return torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)


def _cumulative(x: Tensor) -> Tensor:
    return (1 + torch.erf(x / math.sqrt(2))) / 2
