"""QUANTIZE, DEQUANTIZE and MEAN: from one scale to another."""

from fractions import Fraction
from typing import Any

from int8_formulas.pools import groups
from int8_formulas.scalars import (
    INT8,
    UINT8,
    c_divide,
    clamp,
    finish,
    float32,
    quantize_multiplier,
    round_half_away,
)
from int8_formulas.tensors import flat, input_quantization, output_quantization
from tinyml_course.graph import Graph


def quantize(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    """``AffineQuantize`` of real numbers, ``Requantize`` of 8-bit integers."""
    scale_out, zero_out = output_quantization(graph, operator)
    limits = {"int8": INT8, "uint8": UINT8}[graph.output_of(operator).dtype]
    values = flat(inputs[0])
    if graph.inputs_of(operator)[0].dtype == "float32":
        # A single-precision quotient: the double one has bits enough to be rounded once more.
        steps = (round_half_away(Fraction(float32(value / scale_out))) for value in values)
        return [clamp(step + zero_out, limits) for step in steps]
    scale_in, zero_in = input_quantization(graph, operator)
    constants = quantize_multiplier(scale_in / scale_out)
    return [finish(value - zero_in, constants, zero_out, limits) for value in values]


def dequantize(graph: Graph, operator: Any, inputs: list[Any]) -> list[float]:
    """One product in single precision: the double one is exact."""
    scale, zero_point = input_quantization(graph, operator)
    return [float32(scale * (value - zero_point)) for value in flat(inputs[0])]


def mean_constants(ratio: float, count: int) -> tuple[int, int]:
    """``QuantizedMeanOrSum``: the multiplier is divided by the count, with as many bits to spare.

    Its shift grows by the bits that the count has behind its first one, unless the right shift of
    the product would become too large.
    """
    multiplier, shift = quantize_multiplier(ratio)
    bits = max(b for b in range(33) if 2**b <= count)
    bits = min(bits, 31 + shift)
    return c_divide(multiplier * 2**bits, count), shift - bits


def mean(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    scale_in, zero_in = input_quantization(graph, operator)
    scale_out, zero_out = output_quantization(graph, operator)
    result = []
    for values in groups(inputs[0], operator.axes):
        constants = mean_constants(scale_in / scale_out, len(values))
        result.append(finish(sum(values) - zero_in * len(values), constants, zero_out, INT8))
    return result
