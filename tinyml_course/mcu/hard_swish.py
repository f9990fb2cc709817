"""HARD_SWISH in 16-bit fixed point, as TF-Lite computes it: 256 inputs, so a table.

Source: TF-Lite, kernels/internal/reference/hard_swish.h; TF-Lite Micro,
kernels/hard_swish_common.cc.
"""

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.operators import HardSwish
from tinyml_course.mcu.exponential import divide_by_power_of_two

INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1
HIGH_BITS = 7
"""A centred byte is shifted left by this, to fill an int16."""

GATE_SCALE = np.float32(3.0) / np.float32(32768.0)
"""At this scale 3 is the end of an int16."""


def hard_swish_table(graph: Graph, operator: HardSwish) -> tuple[int, ...]:
    """The output for each input, from the smallest of its type to the largest."""
    limits = np.iinfo(graph.output_of(operator).dtype)
    scale, zero_point = graph.inputs_of(operator)[0].scale_and_zero_point()
    scale_out, zero_point_out = graph.output_of(operator).scale_and_zero_point()
    fine_scale = np.float32(1 / 128) * scale
    # Both quotients are taken in float32.
    output_multiplier, output_shift = _multiplier(fine_scale / scale_out)
    gate_multiplier, gate_shift = _multiplier(fine_scale / GATE_SCALE)

    def output(x: int) -> int:
        value = _saturate((x - zero_point) << HIGH_BITS)
        gate = _gate(value, gate_multiplier, gate_shift)
        product = gate * _multiply(value, output_multiplier)
        # C's division by 2**15 truncates; rounding here would add to the bias of _multiply.
        truncated = abs(product) >> 15
        shifted = divide_by_power_of_two(truncated if product >= 0 else -truncated, -output_shift)
        return min(max(shifted + zero_point_out, int(limits.min)), int(limits.max))

    return tuple(output(x) for x in range(limits.min, limits.max + 1))


def _gate(value: int, multiplier: int, shift: int) -> int:
    """``min(max(x + 3, 0), 6) / 6`` in 0..32767, saturated by the shifts on the way."""
    if shift > 0:
        value = _saturate(value << (shift - 1))
    value = _multiply(value, multiplier)
    if shift > 0:
        value = _saturate(value << 1)
    if shift < 0:
        value = divide_by_power_of_two(value, -shift)
    return (value + (1 << 15)) >> 1


def _multiplier(real: np.float32) -> tuple[int, int]:
    """A real multiplier as an int16 and a shift (DownScaleInt32ToInt16Multiplier)."""
    multiplier, shift = quantize_multiplier(float(real))
    return min((multiplier + (1 << 15)) >> 16, INT16_MAX), shift


def _multiply(a: int, b: int) -> int:
    """High half of ``2 a b`` of two int16, rounded to nearest."""
    return _saturate((a * b + (1 << 14)) >> 15)


def _saturate(value: int) -> int:
    return min(max(value, INT16_MIN), INT16_MAX)
