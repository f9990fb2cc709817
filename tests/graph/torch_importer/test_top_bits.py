"""Weights of few bits in the top bits of their bytes, where they stand for the same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinyml_course.graph.torch_importer.top_bits import in_top_bits

SCALE = np.array([0.5, 0.25, 1.0], np.float32)
FREE = np.zeros(3)


@given(arrays(np.int8, (3, 4), elements=st.integers(-127, 127)))
def test_they_stand_for_the_same_numbers(weight: np.ndarray) -> None:
    moved, scale = in_top_bits(weight, SCALE, FREE, 0)
    np.testing.assert_array_equal(moved * scale[:, None], weight * SCALE[:, None])
    largest = int(np.abs(moved.astype(int)).max())
    assert largest == 0 or 64 <= largest <= 127  # one bit more would not fit


@pytest.mark.parametrize("bits", range(2, 9))
def test_a_grid_of_so_many_bits(bits: int) -> None:
    limit = 2 ** (bits - 1) - 1
    weight = np.array([[limit, -limit], [0, 1], [-1, 0]], np.int8)
    moved, scale = in_top_bits(weight, SCALE, FREE, 0)
    np.testing.assert_array_equal(moved, weight.astype(int) * 2 ** (8 - bits))
    np.testing.assert_array_equal(scale, SCALE / 2 ** (8 - bits))


def test_channels_may_lie_on_the_last_axis() -> None:
    weight = np.array([[1, 0, -1]], np.int8)
    moved, scale = in_top_bits(weight, SCALE, np.array([0.0, 1e3, 0.0]), 1)
    np.testing.assert_array_equal(moved, [[64, 0, -64]])
    np.testing.assert_array_equal(scale, [SCALE[0] / 64, 1e3, SCALE[2] / 64])


def test_a_scale_does_not_fall_below_what_its_bias_needs() -> None:
    """By steps of two, for all channels together; one of zeros does not count."""
    weight = np.array([[3, -3], [1, 2], [0, 0]], np.int8)
    least = np.array([0.1, 0.0, 1.0])
    moved, scale = in_top_bits(weight, SCALE, least, 0)
    np.testing.assert_array_equal(moved, weight * 4)  # 0.5 / 8 would be below 0.1
    np.testing.assert_array_equal(scale, [0.125, 0.0625, 1.0])
