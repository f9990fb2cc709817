"""The integer constants of SOFTMAX and LOGISTIC: exponentials of every difference, a table.

An int8 input has 256 values, so whatever depends on one input alone is computed once.
"""

import math

import numpy as np

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.operators import Logistic, Softmax
from tinyml_course.mcu.exponential import (
    ONE,
    divide_by_power_of_two,
    exp_on_negative,
    logistic,
    multiply,
)

SOFTMAX_INPUT_BITS = 5
"""Integer bits of a scaled difference: exp(-16) is still counted, exp(-32) is not."""

SOFTMAX_SUM_BITS = 12
"""Integer bits of the sum of exponentials."""

LOGISTIC_INPUT_BITS = 4
LOGISTIC_OUTPUT_BITS = 8


def softmax_exponentials(graph: Graph, operator: Softmax) -> tuple[int, ...]:
    """``exp(beta scale (x - max))`` with no integer bits, by ``max - x`` from 0.

    What lies beyond the end (at most 255) counts as 0.

    Raises:
        GraphError: beta or the scale is so small that every class gets the same.

    Source: TF-Lite Micro, kernels/softmax_common.cc and internal/reference/softmax.h.
    """
    scale, _ = graph.inputs_of(operator)[0].scale_and_zero_point()
    # beta is a float32 in the file and on the target.
    real = float(np.float32(operator.beta)) * float(scale) * (1 << (31 - SOFTMAX_INPUT_BITS))
    if not real > 1:
        raise GraphError(
            f"SOFTMAX {operator.name}: beta {operator.beta} times scale {scale} is below 2**-26"
        )
    if real >= 2**30:  # a distance of 1 already leaves nothing
        return (ONE,)
    factor, shift = quantize_multiplier(real)
    reach = _radius(SOFTMAX_INPUT_BITS, shift)
    return tuple(
        exp_on_negative(multiply(-difference << shift, factor), SOFTMAX_INPUT_BITS)
        for difference in range(min(reach, 255) + 1)
    )


def logistic_table(graph: Graph, operator: Logistic) -> tuple[int, ...]:
    """The output for each input -128..127.

    Source: TF-Lite Micro, kernels/logistic_common.cc and internal/reference/integer_ops/logistic.h.
    """
    scale, zero_point = graph.inputs_of(operator)[0].scale_and_zero_point()
    factor, shift = quantize_multiplier(float(scale) * (1 << (31 - LOGISTIC_INPUT_BITS)))
    radius = _radius(LOGISTIC_INPUT_BITS, shift)

    def output(x: int) -> int:
        if abs(x) >= radius:
            return 127 if x > 0 else -128
        raw = divide_by_power_of_two(multiply(x << max(shift, 0), factor), max(-shift, 0))
        unit = logistic(raw, LOGISTIC_INPUT_BITS)
        return min(divide_by_power_of_two(unit, 31 - LOGISTIC_OUTPUT_BITS) - 128, 127)

    return tuple(output(x - zero_point) for x in range(-128, 128))


def _radius(integer_bits: int, shift: int) -> int:
    """The largest input that a left shift by ``shift`` keeps within ``integer_bits``."""
    return math.floor(((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits - shift))
