"""The numbers of one layer of a graph, as plain arrays: to compute it again by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError, lookup
from tinyml_course.graph import Graph, Operator, Tensor
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected


@dataclass(frozen=True, eq=False)
class OneLayer:
    """A convolution, depthwise or linear layer, as it is deployed.

    Attributes:
        source: name of the map that it reads.
        input_shape: ``(H, W, C_in)`` of that map; a vector is a map of one place.
        weight: int8 ``(C_out, K, K, C_in)``; a linear layer has K = 1, a depthwise one C_in = 1.
        bias: int32 ``(C_out,)``.
        input_scale: step of the input's grid.
        input_zero_point: of the input.
        weight_scale: float32 ``(C_out,)``.
        output_scale: step of the output's grid.
        output_zero_point: of the output.
        stride: of rows and columns.
        padding: rows and columns added on each side.
        groups: 1, or for a depthwise layer the number of channels, which stand each for itself.
    """

    source: str
    input_shape: tuple[int, int, int]
    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    input_scale: float
    input_zero_point: int
    weight_scale: NDArray[np.float32]
    output_scale: float
    output_zero_point: int
    stride: int
    padding: int
    groups: int


def one_layer(graph: Graph, name: str) -> OneLayer:
    """The numbers of a layer with weights.

    Args:
        graph: int8.
        name: of the layer.

    Raises:
        UnknownNameError: no layer with weights has this name.
        CompressionError: its strides or paddings differ from side to side, or a depthwise layer
            makes several channels of one.
    """
    kinds = (Conv2D, DepthwiseConv2D, FullyConnected)
    weighted = {o.name: o for o in graph.operators if isinstance(o, kinds)}
    operator = lookup("layer with weights", name, weighted)
    source, weight, bias = graph.inputs_of(operator)
    scale_in, zero_in = source.scale_and_zero_point()
    scale_out, zero_out = graph.output_of(operator).scale_and_zero_point()
    stride, padding = _window(operator)
    integers = _kernels(operator, weight)
    groups = len(integers) if isinstance(operator, DepthwiseConv2D) else 1
    shape = (1, 1, *source.shape[1:])[-3:]
    if integers.shape[3] * groups != shape[2]:
        raise CompressionError(f"{name} makes {len(integers)} channels of {shape[2]}")
    assert weight.quantization is not None
    return OneLayer(
        source.name,
        (shape[0], shape[1], shape[2]),
        integers,
        bias.values(),
        float(scale_in),
        zero_in,
        weight.quantization.scale,
        float(scale_out),
        zero_out,
        stride,
        padding,
        groups,
    )


def _window(operator: Operator) -> tuple[int, int]:
    """Stride and padding, the same on all sides."""
    if isinstance(operator, FullyConnected):
        return 1, 0
    assert isinstance(operator, (Conv2D, DepthwiseConv2D))
    strides = set(operator.stride)
    paddings = {side for sides in operator.padding for side in sides}
    if len(strides) > 1 or len(paddings) > 1:
        raise CompressionError(
            f"{operator.name} has strides {operator.stride} and paddings {operator.padding}; one "
            "number for all sides is wanted"
        )
    return strides.pop(), paddings.pop()


def _kernels(operator: Operator, weight: Tensor) -> NDArray[Any]:
    """Weights ``(C_out, K, K, C_in)``."""
    integers: NDArray[Any] = weight.values()
    if isinstance(operator, DepthwiseConv2D):
        return integers.transpose(3, 1, 2, 0)
    return integers.reshape(len(integers), *(1, 1, *integers.shape[1:])[-3:])
