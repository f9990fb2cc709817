"""QUANTIZE, DEQUANTIZE, MEAN, MUL and RELU: one multiplier between two scales."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Dequantize, Mean, Mul, Quantize, Relu
from tinyml_course.mcu.reference.operators import Arrays, Bytes
from tinyml_course.mcu.reference.rounding import Int64, requantize
from tinyml_course.mcu.requantization import (
    activation_limits,
    mean_constants,
    mul_constants,
    rescale_constants,
)


def quantize(graph: Graph, operator: Quantize, inputs: Arrays) -> NDArray[Any]:
    """Real numbers divided by the scale and rounded; integers rescaled. Saturated."""
    output = graph.output_of(operator)
    scale, zero_point = output.scale_and_zero_point()
    if inputs[0].dtype == np.float32:
        quotient = (inputs[0] / scale).astype(np.float64)
        integers = np.sign(quotient) * np.floor(np.abs(quotient) + 0.5)
    else:
        integers = _rescale(
            _centred(graph, operator, inputs, 0), rescale_constants(graph, operator)
        )
    info = np.iinfo(output.dtype)
    saturated: NDArray[Any] = np.clip(integers + zero_point, info.min, info.max)
    return saturated.astype(output.dtype)


def dequantize(graph: Graph, operator: Dequantize, inputs: Arrays) -> NDArray[np.float32]:
    """``scale * (x - zero point)`` in float32."""
    scale, _ = graph.inputs_of(operator)[0].scale_and_zero_point()
    return scale * _centred(graph, operator, inputs, 0).astype(np.float32)


def mean(graph: Graph, operator: Mean, inputs: Arrays) -> Bytes:
    """The sum, times a multiplier that holds both scales and the count."""
    total = _centred(graph, operator, inputs, 0).sum(
        axis=operator.axes, keepdims=operator.keep_dims
    )
    return _finish(graph, operator, _rescale(total, mean_constants(graph, operator)))


def mul(graph: Graph, operator: Mul, inputs: Arrays) -> Bytes:
    """The product of the centred integers, rescaled."""
    product = _centred(graph, operator, inputs, 0) * _centred(graph, operator, inputs, 1)
    scaled = _rescale(product, mul_constants(graph, operator))
    return _finish(graph, operator, scaled, operator.activation)


def relu(graph: Graph, operator: Relu, inputs: Arrays) -> Bytes:
    """Rescaled to the output, then clamped at its zero."""
    scaled = _rescale(_centred(graph, operator, inputs, 0), rescale_constants(graph, operator))
    return _finish(graph, operator, scaled, "RELU")


def _centred(graph: Graph, operator: Operator, inputs: Arrays, index: int) -> Int64:
    zero_point = graph.inputs_of(operator)[index].scale_and_zero_point()[1]
    return inputs[index].astype(np.int64) - zero_point


def _rescale(x: Int64, constants: tuple[int, int]) -> Int64:
    multiplier, shift = constants
    return requantize(x, np.int64(multiplier), np.int64(shift))


def _finish(graph: Graph, operator: Operator, scaled: Int64, activation: str = "NONE") -> Bytes:
    output = graph.output_of(operator)
    low, high = activation_limits(activation, output)
    return np.clip(scaled + output.scale_and_zero_point()[1], low, high).astype(output.dtype)
