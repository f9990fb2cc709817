"""Multiply-accumulates of a whole network."""

from collections.abc import Sequence

from tinyml_course.graph.counting import conv_macs, linear_macs
from tinyml_course.memory_gap.network import Layer


def network_macs(network: Sequence[Layer]) -> int:
    """Multiply-accumulates of one inference: convolutions, depthwise and linear layers.

    Adding, pooling and reshaping multiply nothing by a weight and count as 0, as in the papers.

    Args:
        network: the layers.
    """
    total = 0
    for layer in network:
        source, output = layer["input_shape"], layer["output_shape"]
        if layer["kind"] == "linear":
            total += linear_macs(source[-1], output[-1])
        elif layer["kind"] in ("conv", "depthwise"):
            size = (output[0], output[1])
            total += conv_macs(size, source[2], output[2], layer["kernel"], layer["groups"])
    return total
