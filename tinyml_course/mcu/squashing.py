"""The integer constants of SOFTMAX, LOG_SOFTMAX and LOGISTIC: exponentials, a table.

An int8 input has 256 values, so whatever depends on one input alone is computed once.
"""

import math
from dataclasses import dataclass

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.operators import Logistic, LogSoftmax, Softmax
from tinyml_course.mcu.exponential import (
    divide_by_power_of_two,
    exp_on_negative,
    logistic,
    multiply,
)

SOFTMAX_INPUT_BITS = 5
"""Integer bits of a scaled difference: exp(-16) is still counted, exp(-32) is not."""

SOFTMAX_SUM_BITS = 12
"""Integer bits of the sum of exponentials."""

LOG_SOFTMAX_OUTPUT_BITS = 4
"""Integer bits of the result: 255/16 is just below 16."""

LOGISTIC_INPUT_BITS = 4
LOGISTIC_OUTPUT_BITS = 8


def softmax_exponentials(graph: Graph, operator: Softmax) -> tuple[int, ...]:
    """``exp(beta scale (x - max))`` with no integer bits, by ``max - x`` from 0.

    What lies beyond the end (at most 255) counts as 0.

    Raises:
        GraphError: beta or the scale is so small that every class gets the same.

    Source: TF-Lite Micro, kernels/softmax_common.cc and internal/reference/softmax.h.
    """
    # beta is a float32 in the file and on the target.
    differences, _ = _differences(graph, operator, float(np.float32(operator.beta)))
    return _exponentials(differences)


@dataclass(frozen=True)
class LogSoftmaxConstants:
    """What LOG_SOFTMAX looks up by ``max - x`` from 0, and when it saturates.

    Attributes:
        differences: ``x - max`` with `SOFTMAX_INPUT_BITS` integer bits; beyond their end an input
            counts as infinitely far below the largest.
        exponentials: of the differences, no integer bits.
        reverse: multiplier and shift from such a difference back to int8 steps.
    """

    differences: tuple[int, ...]
    exponentials: tuple[int, ...]
    reverse: tuple[int, int]


def log_softmax_constants(graph: Graph, operator: LogSoftmax) -> LogSoftmaxConstants:
    """The tables of a LOG_SOFTMAX.

    Raises:
        GraphError: the scale is so small that every class gets the same.

    Source: TF-Lite Micro, kernels/log_softmax.cc and internal/reference/log_softmax.h.
    """
    differences, step = _differences(graph, operator, 1.0)
    return LogSoftmaxConstants(
        differences, _exponentials(differences), quantize_multiplier(1 / step)
    )


def _differences(
    graph: Graph, operator: Softmax | LogSoftmax, beta: float
) -> tuple[tuple[int, ...], float]:
    """``beta scale (x - max)`` in fixed point by ``max - x``, and what a step of 1 is there."""
    scale, _ = graph.inputs_of(operator)[0].scale_and_zero_point()
    real = beta * float(scale) * (1 << (31 - SOFTMAX_INPUT_BITS))
    if not real > 1:
        raise operator.fail(f"beta {beta} times scale {scale} is below 2**-26")
    if real >= 2**30:  # a distance of 1 already leaves nothing
        return (0,), 2.0**31 - 1
    factor, shift = quantize_multiplier(real)
    reach = min(_radius(SOFTMAX_INPUT_BITS, shift), 255)
    scaled = tuple(multiply(-difference << shift, factor) for difference in range(reach + 1))
    return scaled, factor * 2.0 ** (shift - 31)


def _exponentials(differences: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(exp_on_negative(difference, SOFTMAX_INPUT_BITS) for difference in differences)


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
