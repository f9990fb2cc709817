"""Operators that only move numbers, against the scalar formulas of TF-Lite."""

from itertools import permutations, product

import numpy as np
import pytest
from formula_checks import assert_formula
from random_graphs import random_image

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    Concatenation,
    Operator,
    Pad,
    ResizeNearestNeighbor,
    StridedSlice,
    Transpose,
)


def one_moving(
    kind: type[Operator], shape: tuple[int, ...], zero_point: int = -5, **attributes: object
) -> tuple[Graph, np.ndarray]:
    """A graph of one operator, and an image in which neighbours differ."""
    b = GraphBuilder("moving")
    x = b.input(shape, Quantization.per_tensor(0.1, zero_point))
    graph = b.finish(b.apply(kind, "moved", [x], **attributes))
    return graph, random_image(graph, np.random.default_rng(sum(shape)))


@pytest.mark.parametrize("value", [None, -128, 0, 127])
@pytest.mark.parametrize(
    ("shape", "paddings"),
    [
        ((1, 3, 4, 2), ((0, 0), (1, 2), (3, 0), (0, 0))),
        ((1, 3, 4, 2), ((0, 0), (0, 1), (0, 0), (2, 1))),
        ((1, 1, 1, 1), ((0, 0), (2, 2), (2, 2), (1, 1))),
        ((1, 6, 3), ((0, 0), (0, 0), (4, 5))),
        ((1, 7), ((0, 0), (3, 0))),
        ((1, 2, 2, 3), ((0, 0), (0, 0), (0, 0), (0, 0))),
    ],
)
def test_pads(
    shape: tuple[int, ...], paddings: tuple[tuple[int, int], ...], value: int | None
) -> None:
    for zero_point in (-128, 31, 127):
        graph, image = one_moving(Pad, shape, zero_point, paddings=paddings, value=value)
        assert_formula(graph, image)


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (1, 3, 1, 5), (1, 5, 7), (1, 6)])
def test_transposes(shape: tuple[int, ...]) -> None:
    for permutation in permutations(range(len(shape))):
        if shape[permutation[0]] == 1:  # a batch of one
            assert_formula(*one_moving(Transpose, shape, permutation=permutation))


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("lengths", [(2, 1), (1, 4, 2), (3, 3, 1, 2), (2, 2)])
def test_concatenations(axis: int, lengths: tuple[int, ...]) -> None:
    """Slices of one map, of several lengths and from several places, the map itself at the end."""
    shape = (1, 4, 5, 4)
    b = GraphBuilder("joined")
    x = b.input(shape, Quantization.per_tensor(0.1, 127))
    parts = []
    for number, length in enumerate(lengths):
        begin, size = [0, 0, 0, 0], list(shape)
        begin[axis], size[axis] = shape[axis] - length, length
        attributes = {"begin": tuple(begin), "size": tuple(size), "strides": (1, 1, 1, 1)}
        parts.append(b.apply(StridedSlice, f"part{number}", [x], **attributes))
    graph = b.finish(b.apply(Concatenation, "joined", [*parts, x, parts[0]], axis=axis))
    assert_formula(graph, random_image(graph, np.random.default_rng(axis)))


@pytest.mark.parametrize("seed", range(30))
def test_strided_slices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (1, *(int(n) for n in rng.integers(1, 9, rng.integers(1, 4))))
    begin, size, strides = [0], [1], [1]
    for length in shape[1:]:
        first, last = (int(n) for n in rng.integers(0, length, 2))
        step = int(rng.integers(1, 4))
        begin.append(first)
        size.append(abs(last - first) // step + 1)
        strides.append(step if last >= first else -step)
    ones = [axis for axis, n in enumerate(size) if axis and n == 1]
    shrink = tuple(axis for axis in ones if rng.random() < 0.5)
    attributes = {"begin": tuple(begin), "size": tuple(size), "strides": tuple(strides)}
    assert_formula(*one_moving(StridedSlice, shape, **attributes, shrink_axes=shrink))


@pytest.mark.parametrize("stride", [-1, -2, -3, 2, 3])
def test_slices_that_end_at_either_end(stride: int) -> None:
    for length in range(1, 8):
        size = -(-length // abs(stride))
        begin = length - 1 if stride < 0 else 0
        attributes = {"begin": (0, begin, 0), "size": (1, size, 2), "strides": (1, stride, 1)}
        assert_formula(*one_moving(StridedSlice, (1, length, 2), **attributes))


MODES = [
    {"align_corners": corners, "half_pixel_centers": half_pixel}
    for corners, half_pixel in product([False, True], repeat=2)
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (4, 3), (8, 10), (5, 2), (3, 17), (9, 1)])
def test_resizes(size: tuple[int, int], mode: dict[str, bool]) -> None:
    for shape in ((1, 4, 5, 3), (1, 1, 7, 2), (1, 9, 1, 1)):
        assert_formula(*one_moving(ResizeNearestNeighbor, shape, size=size, **mode))


@pytest.mark.parametrize("mode", MODES)
def test_every_short_line_is_resized_to_every_other(mode: dict[str, bool]) -> None:
    """Many places fall on an edge or a half, where single precision decides."""
    for before, after in product((2, 3, 7, 8, 14, 49), (3, 5, 7, 23, 24, 46, 47, 98)):
        b = GraphBuilder("line")
        x = b.input((1, 1, before, 1), Quantization.per_tensor(0.1))
        graph = b.finish(b.apply(ResizeNearestNeighbor, "line", [x], size=(1, after), **mode))
        assert_formula(graph, np.arange(before, dtype=np.int8).reshape(graph.input.shape))
