"""HARD_SWISH in 16-bit fixed point (``reference/hard_swish.h``, ``hard_swish_common.cc``)."""

from typing import Any

from int8_formulas.scalars import (
    INT8,
    c_divide,
    clamp,
    float32,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from int8_formulas.tensors import flat, input_quantization, output_quantization
from tinyml_course.graph import Graph

INT16 = (-(2**15), 2**15 - 1)


def _high_mul_16(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of two int16."""
    if a == b == INT16[0]:
        return INT16[1]
    nudge = 2**14 if a * b >= 0 else 1 - 2**14
    return c_divide(a * b + nudge, 2**15)


def _multiplier_16(real: float) -> tuple[int, int]:
    """DownScaleInt32ToInt16Multiplier of a quantized multiplier, and its exponent."""
    q, exponent = quantize_multiplier(real)
    # Below, int16 masks of 16 and more ones are -1 in C and the right shift no longer rounds.
    assert exponent > -16
    return min((q + 2**15) // 2**16, INT16[1]), exponent


def hard_swish(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    """``x`` times a gate that rises from 0 to 1 between -3 and 3.

    The gate is ``x`` on a scale on which 3 is 2**15, saturated to int16 (so -1..1), then halved
    and moved up by a half.
    """
    scale_in, zero_in = input_quantization(graph, operator)
    scale_out, zero_out = output_quantization(graph, operator)
    fine_scale = float32(scale_in / 128)
    to_output, output_exponent = _multiplier_16(float32(fine_scale / scale_out))
    to_gate, gate_exponent = _multiplier_16(float32(fine_scale / float32(3 / 2**15)))
    assert output_exponent <= 0

    def gate(fine: int) -> int:
        left, right = max(gate_exponent, 0), max(-gate_exponent, 0)
        if left:
            # All but the last bit of the left shift first: what saturates here does so below.
            fine = clamp(fine * 2 ** (left - 1), INT16)
        fine = _high_mul_16(fine, to_gate)
        if left:
            fine = clamp(fine * 2, INT16)
        return (rounding_divide_by_pot(fine, right) + 2**15) // 2

    def output(value: int) -> int:
        fine = (value - zero_in) * 128
        product = c_divide(gate(fine) * _high_mul_16(fine, to_output), 2**15)
        return clamp(rounding_divide_by_pot(product, -output_exponent) + zero_out, INT8)

    return [output(value) for value in flat(inputs[0])]
