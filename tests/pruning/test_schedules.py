"""Schedules: they begin and end where they should and never go back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import SparsityError, cubic_sparsity, round_sparsities


@given(st.floats(0, 1), st.floats(0, 1), st.integers(-5, 50), st.integers(1, 60))
def test_the_cubic_schedule_rises_from_its_beginning_to_its_end(
    a: float, b: float, begin: int, length: int
) -> None:
    initial, final = sorted((a, b))
    end = begin + length
    values = [
        cubic_sparsity(step, begin=begin, end=end, final=final, initial=initial)
        for step in range(begin - 3, end + 4)
    ]
    assert values[:4] == pytest.approx([initial] * 4)
    assert values[-4:] == [final] * 4
    assert all(y >= x - 1e-12 for x, y in pairwise(values))  # rounding
    assert all(0 <= value <= 1 + 1e-12 for value in values)
    steps = [y - x for x, y in pairwise(values[3:-3])]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(steps))


def test_half_way_an_eighth_is_missing() -> None:
    """Zhu and Gupta, equation 1, at the middle of the way: (1 - 1/2)^3."""
    assert cubic_sparsity(50, begin=0, end=100, final=0.8) == pytest.approx(0.7)
    assert cubic_sparsity(15, begin=10, end=20, final=0.9, initial=0.5) == pytest.approx(0.85)


@given(st.floats(0, 0.99), st.integers(1, 12))
def test_every_round_prunes_the_same_share_of_what_is_left(final: float, rounds: int) -> None:
    sparsities = [0.0, *round_sparsities(final, rounds)]
    assert len(sparsities) == rounds + 1
    assert sparsities[-1] == final
    kept = [(1 - b) / (1 - a) for a, b in pairwise(sparsities)]
    assert kept == pytest.approx([(1 - final) ** (1 / rounds)] * rounds)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"final": 1.2}, "outside of 0..1"),
        ({"initial": -0.1}, "outside of 0..1"),
        ({"initial": 0.9}, "initial 0.9 above final 0.8"),
        ({"end": 0}, "must end after step 0"),
    ],
)
def test_a_bad_cubic_schedule_is_refused(changes: dict[str, float], told: str) -> None:
    arguments = {"begin": 0, "end": 10, "final": 0.8, "initial": 0.0} | changes
    with pytest.raises(SparsityError, match=told):
        cubic_sparsity(3, **arguments)  # type: ignore[arg-type]


def test_bad_rounds_are_refused() -> None:
    with pytest.raises(SparsityError, match="below 1"):
        round_sparsities(1.0, 3)
    with pytest.raises(SparsityError, match="rounds must be at least 1, got 0"):
        round_sparsities(0.5, 0)
    with pytest.raises(SparsityError, match="outside"):
        round_sparsities(-0.5, 2)
