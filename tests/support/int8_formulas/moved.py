"""RESHAPE, PAD, TRANSPOSE, CONCATENATION, STRIDED_SLICE, RESIZE_NEAREST_NEIGHBOR: only places.

Each says for an output index which input element stands there.
"""

import math
from fractions import Fraction
from typing import Any

from int8_formulas.scalars import float32, round_half_away
from int8_formulas.tensors import at, flat, indices, output_quantization, shape_of
from tinyml_course.graph import Graph


def reshape(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    return flat(inputs[0])


def pad(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (source,) = inputs
    shape = shape_of(source)
    border = operator.value
    if border is None:
        _, border = output_quantization(graph, operator)
    before = [pair[0] for pair in operator.paddings]
    padded = [sum(pair) + n for pair, n in zip(operator.paddings, shape, strict=True)]
    result = []
    for index in indices(padded):
        place = [i - b for i, b in zip(index, before, strict=True)]
        inside = all(0 <= i < n for i, n in zip(place, shape, strict=True))
        result.append(at(source, place) if inside else border)
    return result


def transpose(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (source,) = inputs
    shape = shape_of(source)
    # Output axis i is input axis permutation[i]: an input axis looks for where it went.
    went = [operator.permutation.index(axis) for axis in range(len(shape))]
    moved = [shape[axis] for axis in operator.permutation]
    return [at(source, [index[axis] for axis in went]) for index in indices(moved)]


def concatenation(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    axis = operator.axis
    shape = list(shape_of(inputs[0]))
    shape[axis] = sum(shape_of(source)[axis] for source in inputs)
    result = []
    for index in indices(shape):
        place = list(index)
        for source in inputs:
            if place[axis] < shape_of(source)[axis]:
                result.append(at(source, place))
                break
            place[axis] -= shape_of(source)[axis]
    return result


def strided_slice(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (source,) = inputs
    steps = list(zip(operator.begin, operator.strides, strict=True))
    return [
        at(source, [first + i * step for (first, step), i in zip(steps, index, strict=True)])
        for index in indices(operator.size)
    ]


def _nearest(place: int, size_in: int, size_out: int, corners: bool, half_pixel: bool) -> int:
    """``GetNearestNeighbor``, every step in single precision."""
    if corners and size_out > 1:
        scale = float32((size_in - 1) / (size_out - 1))
    else:
        scale = float32(size_in / size_out)
    real = Fraction(float32((place + (0.5 if half_pixel else 0.0)) * scale))
    return min(round_half_away(real) if corners else math.floor(real), size_in - 1)


def resize_nearest_neighbor(graph: Graph, operator: Any, inputs: list[Any]) -> list[int]:
    (source,) = inputs
    _, height, width, channels = shape_of(source)
    mode = operator.align_corners, operator.half_pixel_centers
    rows, columns = operator.size
    return [
        at(source, [0, _nearest(y, height, rows, *mode), _nearest(x, width, columns, *mode), c])
        for y, x, c in indices([rows, columns, channels])
    ]
