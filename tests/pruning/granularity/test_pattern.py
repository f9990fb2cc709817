"""Patterns: a fixed set, the best of it for each kernel, found by trying all."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import SparsityError, all_patterns, pattern_mask, select_patterns
from tinyml_course.pruning.counts import Floats


def kernels(seed: int, shape: tuple[int, int] = (5, 4)) -> Floats:
    return np.random.default_rng(seed).normal(size=(*shape, 3, 3))


@pytest.mark.parametrize("entries", range(1, 10))
def test_all_patterns_are_those_that_hold_the_middle(entries: int) -> None:
    patterns = all_patterns(entries)
    assert len(patterns) == comb(8, entries - 1)
    assert (patterns.sum((1, 2)) == entries).all()
    assert patterns[:, 1, 1].all()
    assert len({pattern.tobytes() for pattern in patterns}) == len(patterns)


@given(st.integers(0, 99), st.integers(1, 8), st.integers(2, 6))
def test_every_kernel_gets_the_pattern_that_keeps_the_most(
    seed: int, count: int, entries: int
) -> None:
    w = kernels(seed)
    patterns = select_patterns(w, count, entries)
    mask = pattern_mask(w, patterns)
    for kernel, own in zip(w.reshape(-1, 3, 3), mask.reshape(-1, 3, 3), strict=True):
        retained = [(kernel**2)[pattern].sum() for pattern in patterns]
        assert any(np.array_equal(own, pattern) for pattern in patterns)
        assert (kernel**2)[own].sum() == pytest.approx(max(retained))  # sums in another order
    assert mask.sum() == w.size // 9 * entries
    assert np.array_equal(pattern_mask(w * mask, patterns), mask)


@given(st.integers(0, 99))
def test_the_selected_are_the_most_frequent_natural_patterns(seed: int) -> None:
    """Counted kernel by kernel: the middle and the three largest others."""
    w = kernels(seed, (8, 8))
    counted: dict[tuple[int, ...], int] = {}
    for kernel in np.abs(w.reshape(-1, 9)):
        others = sorted((i for i in range(9) if i != 4), key=lambda i: -kernel[i])[:3]
        places = tuple(sorted([4, *others]))
        counted[places] = counted.get(places, 0) + 1
    chosen = [tuple(np.flatnonzero(p.reshape(-1)).tolist()) for p in select_patterns(w, 6, 4)]
    frequencies = [counted.get(places, 0) for places in chosen]
    every = [tuple(sorted([4, *c])) for c in combinations([i for i in range(9) if i != 4], 3)]
    best = sorted((counted.get(places, 0) for places in every), reverse=True)[:6]
    assert frequencies == best


def test_one_pattern_for_all() -> None:
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    w = kernels(0) * cross
    (chosen,) = select_patterns(w, 1, 5)
    assert np.array_equal(chosen, cross)
    assert np.array_equal(pattern_mask(w, chosen[None])[0, 0], cross)


def test_of_equals_the_first_pattern_is_taken() -> None:
    patterns = all_patterns(2)[[3, 1]]
    assert np.array_equal(pattern_mask(np.ones((1, 1, 3, 3)), patterns)[0, 0], patterns[0])


def test_bad_input_is_refused() -> None:
    w = kernels(0)
    with pytest.raises(SparsityError, match=r"\(C_out, C_in, 3, 3\), got \(2, 2, 5, 5\)"):
        select_patterns(np.ones((2, 2, 5, 5)))
    with pytest.raises(SparsityError, match="1 to 9 weights, got 10; nearest: 9"):
        select_patterns(w, 4, 10)
    with pytest.raises(SparsityError, match=r"56 patterns of 4 weights, 57 were .*nearest is 56"):
        select_patterns(w, 57, 4)
    with pytest.raises(SparsityError, match="P >= 1"):
        pattern_mask(w, np.ones((0, 3, 3), bool))
    mixed = np.stack([all_patterns(4)[0], all_patterns(5)[0]])
    with pytest.raises(SparsityError, match=r"keep \[4, 5\] weights"):
        pattern_mask(w, mixed)
