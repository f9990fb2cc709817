"""Float arithmetic in the kernels is exact integer arithmetic, whatever the weights."""

from typing import Any

import int8_formulas as formulas
import numpy as np
import pytest
from executors import EXECUTORS
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Operator
from tinyml_course.mcu.kernels import KERNELS, make_kernel
from tinyml_course.mcu.kernels.base import EXACT_FLOAT32, exact_matrix


@pytest.mark.parametrize(("taps", "dtype"), [(1032, np.float32), (1033, np.float64)])
def test_single_precision_is_used_only_where_it_is_exact(taps: int, dtype: Any) -> None:
    """128 * 127 * 1032 < 2**24 <= 128 * 127 * 1033, with the extreme weight everywhere."""
    weight = np.full((2, taps), -127, np.int8)
    weight[0] = 1
    matrix = exact_matrix(weight, np.int8)
    assert matrix.dtype == dtype
    assert np.array_equal(matrix, weight)


@pytest.mark.parametrize(("taps", "dtype"), [(258, np.float32), (259, np.float64)])
def test_the_bound_of_uint8_takes_its_wider_range(taps: int, dtype: Any) -> None:
    """255 * 255 * 258 < 2**24 <= 255 * 255 * 259: a byte less a zero point, at both extremes."""
    weight = np.full((2, taps), -255, np.int16)
    weight[0] = 1
    matrix = exact_matrix(weight, np.uint8)
    assert matrix.dtype == dtype
    assert np.array_equal(matrix, weight)


@given(st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_the_largest_possible_sum_is_an_integer_of_the_chosen_type(taps: int, seed: int) -> None:
    weight = np.random.default_rng(seed).integers(-127, 128, (3, taps)).astype(np.int8)
    matrix = exact_matrix(weight, np.int8)
    largest = 128 * int(np.abs(weight.astype(int)).sum(axis=1).max())
    limit = EXACT_FLOAT32 if matrix.dtype == np.float32 else 2**53
    assert largest < limit


def layer(kind: type[Operator], shape: tuple[int, ...], size: tuple[int, int], c_in: int) -> Graph:
    """All weights 127 but one, scales such that a sum that is off by one shows.

    The bias takes the bulk of the largest sum away; one unit of it is one unit of the output.
    """
    weight = np.full(shape, 127, np.int8)
    channels = shape[3] if kind is DepthwiseConv2D else shape[0]
    taps = weight.size // channels
    weight.reshape(-1)[:channels] = 126 if kind is DepthwiseConv2D else 127
    b = GraphBuilder("large")
    x = b.input((1, *size, c_in), Quantization.per_tensor(1.0, 0))
    bias = np.full(channels, -127 * 127 * taps, np.int32)
    y = b.weighted(
        kind, "layer", x, weight, np.ones(channels, np.float32), bias, Quantization.per_tensor(1.0)
    )
    return b.finish(y)


@pytest.mark.parametrize(
    ("kind", "shape", "size", "c_in"),
    [
        (Conv2D, (2, 3, 3, 150), (3, 3), 150),  # sum of |w| = 171,450 > 2**17
        (Conv2D, (2, 1, 1, 1500), (2, 1), 1500),
        (FullyConnected, (3, 4000), (1, 1), 4000),
        (DepthwiseConv2D, (1, 40, 40, 2), (40, 40), 2),  # 1600 taps: float32 would not do
    ],
)
def test_sums_beyond_single_precision_are_exact(
    kind: type[Operator], shape: tuple[int, ...], size: tuple[int, int], c_in: int
) -> None:
    graph = layer(kind, shape, size, c_in)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(6):
        image = np.full(graph.input.shape, 127, np.int8)
        flat = image.reshape(-1)
        # One input a little lower: the output falls by 127 times as much, or not at all.
        flat[rng.integers(flat.size)] -= rng.integers(0, 2)
        weight = graph.tensors["layer/weight"].values().astype(np.int64)
        assert 127 * np.abs(weight).sum() // graph.output.shape[-1] > EXACT_FLOAT32
        expected = formulas.evaluate(graph, image)[graph.output.name]
        for name, execute in EXECUTORS.items():
            assert np.array_equal(execute(graph, image), expected), name
        seen |= set(expected.ravel().tolist())
    assert len(seen) > 1  # the test sees single units


def test_every_executor_knows_every_operator_of_the_other() -> None:
    from tinyml_course.mcu.reference import REFERENCE

    assert set(REFERENCE) == set(KERNELS)


def test_an_operator_without_kernel_is_named() -> None:
    class Strange(Conv2D):
        kind = "STRANGE"

    graph = layer(Conv2D, (1, 1, 1, 1), (1, 1), 1)
    with pytest.raises(
        UnsupportedOperatorError, match=r"STRANGE odd has no kernel; there are .*ADD"
    ):
        make_kernel(graph, Strange("odd", (), ()), {})
