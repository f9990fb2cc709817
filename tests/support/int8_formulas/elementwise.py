"""ADD and MUL, with operands that broadcast."""

from collections.abc import Iterator
from typing import Any

from int8_formulas.scalars import (
    finish,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from int8_formulas.tensors import (
    Index,
    at,
    fused_limits,
    indices,
    input_quantization,
    output_quantization,
    shape_of,
)
from tinyml_course.graph import Graph


def _pairs(first: Any, second: Any) -> Iterator[tuple[int, int]]:
    """The two numbers behind each output; the shorter shape gets axes of length 1 in front."""
    shapes = [shape_of(first), shape_of(second)]
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    lengths = [max(pair) for pair in zip(*padded, strict=True)]

    def operand(nested: Any, shape: Index, index: Index) -> int:
        own = [0 if n == 1 else i for n, i in zip(shape, index[rank - len(shape) :], strict=True)]
        return at(nested, own)

    for index in indices(lengths):
        yield operand(first, shapes[0], index), operand(second, shapes[1], index)


def add(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (first_scale, first_zero), (second_scale, second_zero) = (
        input_quantization(graph, operator, which) for which in range(2)
    )
    scale_out, zero_out = output_quantization(graph, operator)
    left_shift = 20
    twice_largest = 2 * max(first_scale, second_scale)
    first, second = (quantize_multiplier(s / twice_largest) for s in (first_scale, second_scale))
    last = quantize_multiplier(twice_largest / ((1 << left_shift) * scale_out))
    limits = fused_limits(graph, operator)
    result = []
    for a, b in _pairs(*inputs):
        scaled_a = multiply_by_quantized_multiplier((a - first_zero) * (1 << left_shift), *first)
        scaled_b = multiply_by_quantized_multiplier((b - second_zero) * (1 << left_shift), *second)
        result.append(finish(scaled_a + scaled_b, last, zero_out, limits))
    return result


def mul(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (first_scale, first_zero), (second_scale, second_zero) = (
        input_quantization(graph, operator, which) for which in range(2)
    )
    scale_out, zero_out = output_quantization(graph, operator)
    constants = quantize_multiplier(first_scale * second_scale / scale_out)
    limits = fused_limits(graph, operator)
    return [
        finish((a - first_zero) * (b - second_zero), constants, zero_out, limits)
        for a, b in _pairs(*inputs)
    ]
