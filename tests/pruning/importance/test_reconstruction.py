"""ThiNet's greedy choice and least squares, against trying all and against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import WeightError, reconstructed_weight, thinet_order


@given(st.integers(0, 99))
def test_each_removal_is_the_cheapest_that_is_left(seed: int) -> None:
    contributions = np.random.default_rng(seed).normal(size=(20, 6))
    order = thinet_order(contributions)
    assert sorted(order.tolist()) == list(range(6))
    gone: list[int] = []
    for channel in order:
        errors = {
            c: (contributions[:, [*gone, c]].sum(1) ** 2).sum() for c in range(6) if c not in gone
        }
        assert errors[int(channel)] == pytest.approx(min(errors.values()))
        gone.append(int(channel))


def test_what_cancels_out_goes_together() -> None:
    """Two channels that undo each other matter less than one small channel."""
    x = np.random.default_rng(0).normal(size=(50, 1))
    tiny = np.hstack([0.5 * x, -0.5 * x, np.ones((50, 1))])
    assert thinet_order(tiny).tolist() == [0, 1, 2]


def test_weights_are_the_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    expected = np.linalg.lstsq(x, y, rcond=None)[0].T
    assert reconstructed_weight(x, y, ridge=0) == pytest.approx(expected)
    assert reconstructed_weight(x, y) == pytest.approx(expected, rel=1e-3, abs=1e-5)  # the ridge


def test_outputs_that_follow_exactly_are_found() -> None:
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(40, 5)), rng.normal(size=(3, 5))
    assert reconstructed_weight(x, x @ w.T, ridge=0) == pytest.approx(w)


def test_bad_input_is_refused() -> None:
    with pytest.raises(WeightError, match="3 inputs, 4 outputs"):
        reconstructed_weight(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(WeightError, match="give a ridge above 0"):
        reconstructed_weight(np.ones((3, 2)), np.ones((3, 2)), ridge=0)
    with pytest.raises(WeightError, match="no weights"):
        thinet_order(np.ones((0, 2)))
