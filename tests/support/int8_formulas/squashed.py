"""SOFTMAX, LOG_SOFTMAX and LOGISTIC (``softmax.h``, ``log_softmax.h``, ``logistic.h``)."""

from typing import Any

from int8_formulas import fixed_point
from int8_formulas.fixed_point import INT32, Fixed, exp_on_negative, logarithm, reciprocal
from int8_formulas.scalars import (
    INT8,
    clamp,
    float32,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from int8_formulas.tensors import flat, input_quantization
from tinyml_course.graph import Graph

DIFFERENCE_BITS, SUM_BITS, LOG_BITS, LOGISTIC_BITS = 5, 12, 4, 4


class Differences:
    """``beta scale (x - max)`` in fixed point, as far down as the integer bits reach."""

    def __init__(self, scale: float, beta: float) -> None:
        # PreprocessSoftmaxScaling caps the product where a difference of 1 leaves nothing.
        real = min(beta * scale * 2 ** (31 - DIFFERENCE_BITS), 2.0**31 - 1)
        assert real > 1
        self.multiplier, self.shift = quantize_multiplier(real)
        self.least = -_radius(DIFFERENCE_BITS, self.shift)

    def __call__(self, difference: int) -> Fixed:
        constants = self.multiplier, self.shift
        return Fixed(multiply_by_quantized_multiplier(difference, *constants), DIFFERENCE_BITS)

    def exponentials(self, row: list[int]) -> list[Fixed | None]:
        """Of every element's distance to the largest; ``None`` where it is out of reach."""
        largest = max(row)
        differences = [x - largest for x in row]
        return [exp_on_negative(self(d)) if d >= self.least else None for d in differences]


def _radius(integer_bits: int, left_shift: int) -> int:
    """``CalculateInputRadius``."""
    return (2**integer_bits - 1) * 2 ** (31 - integer_bits) // 2**left_shift


def _sum(exponentials: list[Fixed | None]) -> Fixed:
    total = Fixed(0, SUM_BITS)
    for term in exponentials:
        total = total + term.rescale(SUM_BITS) if term is not None else total
    return total


def _rows(nested: Any) -> list[list[int]]:
    """The innermost lists."""
    return [row for n in nested for row in _rows(n)] if isinstance(nested[0], list) else [nested]


def softmax(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    scale, _ = input_quantization(graph, operator)
    differences = Differences(scale, float32(operator.beta))

    def outputs(row: list[int]) -> list[int]:
        exponentials = differences.exponentials(row)
        factor, bits_over_unit = reciprocal(_sum(exponentials))
        # From 31 bits behind the point to 8.
        return [
            clamp(rounding_divide_by_pot((factor * term).raw, bits_over_unit + 23) - 128, INT8)
            if term is not None
            else -128
            for term in exponentials
        ]

    return [output for row in _rows(inputs[0]) for output in outputs(row)]


def log_softmax(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    scale, _ = input_quantization(graph, operator)
    differences = Differences(scale, 1.0)
    # PreprocessLogSoftmaxScalingExp: from fixed point back to steps of the input.
    steps = quantize_multiplier(2 ** (31 - differences.shift) / differences.multiplier)

    def outputs(row: list[int]) -> list[int]:
        log_of_sum = logarithm(_sum(differences.exponentials(row)), DIFFERENCE_BITS)
        lowest = multiply_by_quantized_multiplier(log_of_sum.raw + INT32[0], *steps)
        largest, bound = max(row), max(differences.least - 1, lowest)

        def output(difference: int) -> int:
            if difference <= bound:
                return -128
            result = differences(difference) - log_of_sum
            steps_of_output = rounding_divide_by_pot(result.raw, 31 - DIFFERENCE_BITS - LOG_BITS)
            return clamp(steps_of_output + 127, INT8)

        return [output(x - largest) for x in row]

    return [output for row in _rows(inputs[0]) for output in outputs(row)]


def logistic(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    scale, zero_in = input_quantization(graph, operator)
    multiplier, shift = quantize_multiplier(scale * 2 ** (31 - LOGISTIC_BITS))
    # CalculateInputRadius shifts by this, which C leaves undefined below 0.
    assert shift >= 0
    radius = _radius(LOGISTIC_BITS, shift)

    def output(x: int) -> int:
        if x <= -radius:
            return -128
        if x >= radius:
            return 127
        scaled = Fixed(multiply_by_quantized_multiplier(x, multiplier, shift), LOGISTIC_BITS)
        return clamp(rounding_divide_by_pot(fixed_point.logistic(scaled).raw, 31 - 8) - 128, INT8)

    return [output(x - zero_in) for x in flat(inputs[0])]
