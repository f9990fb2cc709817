"""The float64 requantization against the integer one, where a double could round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.mcu.kernels.rescaler import BLOCK_ELEMENTS, Rescaler

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.one_of(st.just(0), st.integers(2**30, 2**31 - 1))


def expected(sums: np.ndarray, multiplier: object, shift: object, zero_point: int) -> np.ndarray:
    scaled = multiply_by_quantized_multiplier(sums, multiplier, shift)
    return np.clip(scaled + zero_point, -128, 127)


@given(st.lists(INT32, min_size=1, max_size=50), MULTIPLIERS, st.integers(-31, 0))
def test_any_int32_and_any_right_shift(sums: list[int], multiplier: int, shift: int) -> None:
    column = np.array(sums)[:, None]
    rescale = Rescaler(multiplier, shift, 5, (-128, 127))
    np.testing.assert_array_equal(rescale(column), expected(column, multiplier, shift, 5))


@given(st.lists(st.integers(-(2**15), 2**15), min_size=1), MULTIPLIERS, st.integers(1, 15))
def test_left_shifts(sums: list[int], multiplier: int, shift: int) -> None:
    column = np.array(sums)[:, None]
    rescale = Rescaler(multiplier, shift, 0, (-128, 127))
    np.testing.assert_array_equal(rescale(column), expected(column, multiplier, shift, 0))


@pytest.mark.parametrize("shift", [-1, -7, -20, -31])
def test_halves_of_both_roundings_go_where_the_integers_go(shift: int) -> None:
    """Multiplier 2**30 halves exactly: every other sum is a tie of the first rounding."""
    half = 1 << -shift  # a tie of the second rounding after the first has halved
    near = np.arange(-6, 7)
    sums = np.concatenate([near, near + half, near - half, near + 3 * half, near - 3 * half])
    column = np.clip(sums, -(2**31), 2**31 - 1)[:, None]
    rescale = Rescaler(2**30, shift, 0, (-128, 127))
    np.testing.assert_array_equal(rescale(column), expected(column, 2**30, shift, 0))


def test_channels_offsets_and_blocks() -> None:
    rng = np.random.default_rng(0)
    rows, channels = 2 * BLOCK_ELEMENTS // 7 + 3, 7
    sums = rng.integers(-(2**22), 2**22, (rows, channels))
    multiplier = rng.integers(2**30, 2**31, channels)
    shift = rng.integers(-18, -10, channels)
    offset = rng.integers(-1000, 1000, channels)
    rescale = Rescaler(multiplier, shift, -3, (-128, 127), offset)
    # As float32, which is how they come out of a matrix product.
    result = rescale(sums.astype(np.float32))
    np.testing.assert_array_equal(result, expected(sums + offset, multiplier, shift, -3))
    assert len(np.unique(result)) > 100


def test_limits_are_the_fused_activation() -> None:
    sums = np.arange(-300, 300)[:, None]
    result = Rescaler(2**30, 1, 10, (10, 70))(sums)
    np.testing.assert_array_equal(result[:, 0], np.clip(np.arange(-290, 310), 10, 70))
