"""Running a whole graph on plain arrays: no arena, no plan, nothing to overlap."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    HardSwish,
    Logistic,
    LogSoftmax,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    Quantize,
    ReduceMax,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
    StridedSlice,
    Transpose,
)
from tinyml_course.mcu.inputs import to_integers
from tinyml_course.mcu.reference import clamping, moving, operators, rescaling, squashing

REFERENCE: dict[type[Operator], Callable[..., NDArray[Any]]] = {
    Conv2D: operators.conv_2d,
    DepthwiseConv2D: operators.depthwise_conv_2d,
    FullyConnected: operators.fully_connected,
    Add: operators.add,
    AveragePool2D: operators.average_pool_2d,
    MaxPool2D: operators.max_pool_2d,
    Reshape: operators.reshape,
    Mul: rescaling.mul,
    Mean: rescaling.mean,
    Quantize: rescaling.quantize,
    Dequantize: rescaling.dequantize,
    Relu: rescaling.relu,
    Relu6: clamping.relu6,
    HardSwish: clamping.hard_swish,
    ReduceMax: clamping.reduce_max,
    Softmax: squashing.softmax,
    LogSoftmax: squashing.log_softmax,
    Logistic: squashing.logistic,
    Pad: moving.pad,
    Transpose: moving.transpose,
    Concatenation: moving.concatenation,
    StridedSlice: moving.strided_slice,
    ResizeNearestNeighbor: moving.resize_nearest_neighbor,
}
"""The reference function of every operator."""


def run(graph: Graph, x: NDArray[Any]) -> NDArray[Any]:
    """Output of ``graph`` for one image, int8 unless the graph declares another type.

    Args:
        graph: with one input and one output.
        x: int8 in the input's shape, or float, which is quantized first.
    """
    return run_all(graph, x)[graph.output.name]


def run_all(graph: Graph, x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Every activation of ``graph`` for one image, by name."""
    values: dict[str, NDArray[Any]] = {t.name: t.values() for t in graph.constants()}
    values[graph.input.name] = to_integers(graph, x)
    for operator in graph.operators:
        function = REFERENCE.get(type(operator))
        if function is None:
            raise UnsupportedOperatorError(f"{operator.kind} {operator.name} has no reference")
        inputs = [values[name] for name in operator.inputs]
        values[operator.outputs[0]] = function(graph, operator, inputs)
    return {tensor.name: values[tensor.name] for tensor in graph.activations()}
