"""Cross-layer equalization: ranges evened out without data (Nagel et al. 2019, section 4.1)."""

import numpy as np
import torch
from torch import Tensor

from tinyml_course.errors import CompressionError
from tinyml_course.graph.torch_importer.float_layers import WEIGHTED, FloatLayer
from tinyml_course.quantization.network import QuantizableNetwork
from tinyml_course.quantization.weight_quantizer import inner_axes, output_axis

SCALABLE = ("NONE", "RELU")
"""Activations with ``f(s x) = s f(x)`` for positive ``s``."""


def relu6_to_relu(network: QuantizableNetwork) -> int:
    """Let activations grow beyond 6, so that their layers can be equalized; returns how many.

    The network computes something else wherever an activation was cut off at 6.
    """
    clipped = [layer for layer in network.weighted() if layer.activation == "RELU6"]
    for layer in clipped:
        layer.activation = "RELU"
    return len(clipped)


def equalizable_pairs(network: QuantizableNetwork) -> list[tuple[FloatLayer, FloatLayer]]:
    """Neighbours of which the first may be scaled down and the second up, channel by channel.

    The second must be the only one who reads the first, and what is between them must scale.
    """
    pairs = []
    for first in network.weighted():
        readers = network.readers(first.name)
        if first.activation in SCALABLE and len(readers) == 1 and not network.is_output(first.name):
            (second,) = readers
            if second.kind in WEIGHTED:
                pairs.append((first, second))
    return pairs


def equalize(network: QuantizableNetwork, rounds: int = 40, tolerance: float = 1e-3) -> int:
    """Give each channel between two layers the same range on both sides; in place.

    A channel's ranges ``r1``, ``r2`` become their geometric mean (equation 11 of the paper):
    ``s = sqrt(r1 / r2)``, what makes the channel is divided by it, what reads it is multiplied. The
    network computes the same. Pairs overlap, so it takes rounds.

    Args:
        network: not calibrated yet: its maps change their scales.
        rounds: at most so many.
        tolerance: stop when no channel changes by more than this share.

    Returns:
        Rounds that it took.

    Raises:
        CompressionError: the network has been calibrated.
    """
    if network.quantized:
        raise CompressionError("equalize before calibrate: it changes the ranges of maps")
    pairs = equalizable_pairs(network)
    with torch.no_grad():
        for done in range(1, rounds + 1):
            change = max((_equalize_pair(network, *pair) for pair in pairs), default=0.0)
            if change < tolerance:
                return done
    return rounds


def _equalize_pair(network: QuantizableNetwork, first: FloatLayer, second: FloatLayer) -> float:
    weight, after = network.weight(first.name), network.weight(second.name)
    r1 = weight.abs().amax(inner_axes(first))
    r2 = after.abs().movedim(input_axis(second), -1).flatten(0, -2).amax(0)
    # A channel that is dead on one side has no range to share.
    scale = torch.where((r1 > 0) & (r2 > 0), (r1 / r2).sqrt(), torch.ones_like(r1))
    _scale_down(network, first, second, scale)
    return float((scale - 1).abs().max())


def _scale_down(
    network: QuantizableNetwork, first: FloatLayer, second: FloatLayer, scale: Tensor
) -> None:
    """Divide what makes each channel by its scale, multiply what reads it."""
    weight, after = network.weight(first.name), network.weight(second.name)
    weight.data = weight / _along(scale, weight, output_axis(first))
    bias = network.bias(first.name)
    bias.data = bias / scale
    after.data = after * _along(scale, after, input_axis(second))
    if first.normal is not None:
        mean, deviation = first.normal
        factor = scale.double().numpy()
        first.normal = mean / factor, deviation / factor


def unequalize(network: QuantizableNetwork, most: float, seed: int) -> None:
    """Give each channel between two layers a factor of chance, which the reader undoes; in place.

    The reverse of `equalize`, to see what it is good for: the network computes the same.

    Args:
        network: not calibrated yet: its maps change their scales.
        most: factors lie between ``1 / most`` and ``most``, evenly on a logarithmic scale.
        seed: of the factors.

    Raises:
        CompressionError: the network has been calibrated, or ``most`` is below 1.
    """
    if network.quantized:
        raise CompressionError("unequalize before calibrate: it changes the ranges of maps")
    if not most >= 1:
        raise CompressionError(f"factors of at most {most}: 1 or more is wanted")
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for first, second in equalizable_pairs(network):
            channels = network.bias(first.name).numel()
            factors = most ** rng.uniform(-1, 1, channels)
            _scale_down(network, first, second, torch.from_numpy(1 / factors).float())


def input_axis(layer: FloatLayer) -> int:
    """Where the input channels are in a weight of the graph's layout."""
    return 1 if layer.kind == "linear" else 3


def _along(scale: Tensor, weight: Tensor, axis: int) -> Tensor:
    shape = [1] * weight.ndim
    shape[axis] = -1
    return scale.reshape(shape)
