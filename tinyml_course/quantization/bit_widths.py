"""Mixed precision of a network: the tables of bytes and costs that `bit_budget` chooses from."""

from collections.abc import Mapping, Sequence

import torch

from tinyml_course.quantization.fake_quantization import LinearWeightQuantizer
from tinyml_course.quantization.linear import linear_bytes
from tinyml_course.quantization.network import QuantizableNetwork
from tinyml_course.quantization.weight_quantizer import output_axis

CHOICES = (2, 4, 8)


def weight_bytes(
    network: QuantizableNetwork, choices: Sequence[int] = CHOICES
) -> dict[str, dict[int, int]]:
    """Flash of each layer's packed weights and their scales, by number of bits."""
    return {
        layer.name: {
            bits: linear_bytes(
                network.weight(layer.name).numel(),
                bits,
                network.weight(layer.name).shape[output_axis(layer)],
            )
            for bits in choices
        }
        for layer in network.weighted()
    }


def hessian_costs(
    network: QuantizableNetwork, traces: Mapping[str, float], choices: Sequence[int] = CHOICES
) -> dict[str, dict[int, float]]:
    """What bits cost in loss: mean curvature times squared error (HAWQ-V2, equation 11).

    Args:
        network: whose weights they are.
        traces: as `hessian_traces` gives them; noise below 0 counts as 0.
        choices: numbers of bits.
    """
    costs: dict[str, dict[int, float]] = {}
    with torch.no_grad():
        for layer in network.weighted():
            weight = network.weight(layer.name)
            costs[layer.name] = {
                bits: max(traces[layer.name], 0.0)
                * float((LinearWeightQuantizer(bits)(weight, layer) - weight).square().sum())
                for bits in choices
            }
    return costs
