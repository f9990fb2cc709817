"""The numbers of a graph of one layer, as plain arrays: to compute it again by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError
from tinyml_course.graph import Graph


@dataclass(frozen=True, eq=False)
class OneLayer:
    """A convolution or linear layer, as it is deployed.

    Attributes:
        weight: int8 ``(C_out, K, K, C_in)``; a linear layer is a convolution with K = 1.
        bias: int32 ``(C_out,)``.
        input_scale: step of the input's grid.
        input_zero_point: of the input.
        weight_scale: float32 ``(C_out,)``.
        output_scale: step of the output's grid.
        output_zero_point: of the output.
    """

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    input_scale: float
    input_zero_point: int
    weight_scale: NDArray[np.float32]
    output_scale: float
    output_zero_point: int


def one_layer(graph: Graph) -> OneLayer:
    """The numbers of the only layer with weights.

    Args:
        graph: int8, with one convolution or linear layer.

    Raises:
        CompressionError: it has none, or several, or a depthwise one.
    """
    found = [o for o in graph.operators if type(o).__name__ in ("Conv2D", "FullyConnected")]
    if len(found) != 1:
        raise CompressionError(f"{len(found)} convolutions and linear layers; one is wanted")
    source, weight, bias = graph.inputs_of(found[0])
    scale_in, zero_in = source.scale_and_zero_point()
    scale_out, zero_out = graph.output_of(found[0]).scale_and_zero_point()
    integers: NDArray[Any] = weight.values()
    if integers.ndim == 2:
        integers = integers[:, None, None, :]
    assert weight.quantization is not None
    return OneLayer(
        integers,
        bias.values(),
        float(scale_in),
        zero_in,
        weight.quantization.scale,
        float(scale_out),
        zero_out,
    )
