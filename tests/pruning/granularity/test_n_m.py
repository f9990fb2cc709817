"""N:M: in every group exactly N stay, and they are the largest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import SparsityError, WeightError, nm_mask

ratios = st.integers(1, 8).flatmap(lambda m: st.tuples(st.integers(1, m), st.just(m)))


@given(ratios, st.integers(0, 2), st.integers(0, 99))
def test_every_group_keeps_its_largest_n(ratio: tuple[int, int], axis: int, seed: int) -> None:
    n, m = ratio
    shape = [3, 2, 5]
    shape[axis] = 3 * m
    w = np.random.default_rng(seed).integers(-3, 4, shape).astype(float)
    mask = nm_mask(w, n, m, axis)
    groups = np.moveaxis(mask, axis, -1).reshape(-1, m)
    values = np.abs(np.moveaxis(w, axis, -1).reshape(-1, m))
    assert (groups.sum(1) == n).all()
    for kept, value in zip(groups, values, strict=True):
        if n < m:
            assert value[kept].min() >= value[~kept].max()
    assert np.array_equal(nm_mask(w * mask, n, m, axis), mask)


def test_neighbours_are_input_channels() -> None:
    w = np.zeros((1, 4, 1, 2))
    w[0, :, 0, 0] = [4, 3, 2, 1]
    w[0, :, 0, 1] = [1, 2, 3, 4]
    assert nm_mask(w, 2, 4)[0, :, 0].T.tolist() == [
        [True, True, False, False],
        [False, False, True, True],
    ]


def test_of_equals_the_first_goes_first() -> None:
    assert nm_mask(np.ones((1, 4)), 2, 4).tolist() == [[False, False, True, True]]


def test_in_large_groups_too() -> None:
    """Any sort is stable for a handful of numbers; for hundreds only a stable one is."""
    w = np.random.default_rng(0).integers(-2, 3, (2, 600)).astype(np.float32)
    for row, kept in zip(w, nm_mask(w, 100, 300), strict=True):
        for group, mask in zip(row.reshape(2, 300), kept.reshape(2, 300), strict=True):
            gone = sorted(range(300), key=lambda i: (abs(group[i]), i))[:200]
            assert np.flatnonzero(~mask).tolist() == sorted(gone)


def test_importance_decides_where_it_is_given() -> None:
    importance = np.array([[9.0, 1, 2, 8]])
    assert nm_mask(np.ones((1, 4)), 2, 4, importance=importance).tolist() == [[True, 0, 0, True]]


@pytest.mark.parametrize(
    ("n", "m", "told"),
    [(5, 4, "is 4:4"), (0, 4, "is 1:4"), (-1, 2, "is 1:2"), (1, 0, "is 1:1")],
)
def test_what_cannot_be_kept_is_refused_with_the_nearest(n: int, m: int, told: str) -> None:
    with pytest.raises(SparsityError, match=told):
        nm_mask(np.ones((4, 4)), n, m)


def test_channels_that_do_not_divide_are_refused_with_groups_that_do() -> None:
    with pytest.raises(SparsityError, match=r"30 weights, .*groups of 4; groups of 3 or 5 do"):
        nm_mask(np.ones((2, 30)), 2, 4)
    with pytest.raises(SparsityError, match="have no axis 2"):
        nm_mask(np.ones((2, 4)), 2, 4, axis=2)
    with pytest.raises(WeightError, match="no weights"):
        nm_mask(np.ones((2, 0)), 2, 4)
