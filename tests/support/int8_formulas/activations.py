"""RELU and RELU6 as operators of their own."""

from typing import Any

from int8_formulas.scalars import activation_range, clamp, finish, quantize_multiplier
from int8_formulas.tensors import flat, input_quantization, output_quantization
from tinyml_course.graph import Graph


def relu(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    """``ReluQuantized``: rescaled, then clamped."""
    scale_in, zero_in = input_quantization(graph, operator)
    scale_out, zero_out = output_quantization(graph, operator)
    constants = quantize_multiplier(scale_in / scale_out)
    limits = activation_range("RELU", scale_out, zero_out)
    return [finish(value - zero_in, constants, zero_out, limits) for value in flat(inputs[0])]


def relu6(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    """``Relu6Quantized``: clamped between the input's integers for 0 and 6."""
    limits = activation_range("RELU6", *input_quantization(graph, operator))
    return [clamp(value, limits) for value in flat(inputs[0])]
