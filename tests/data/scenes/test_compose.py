"""What stands in a scene, by law over many."""

import sys

import numpy as np
import pytest

from tinyml_course.data.scenes import compose, visible_person
from tinyml_course.data.scenes.compose import (
    LEAST,
    LOOKALIKES,
    MOST,
    SEEN,
    Composition,
    _beside,
    _seen,
)
from tinyml_course.data.scenes.compose import Spot as At
from tinyml_course.data.scenes.scene import LEAST_RESOLUTION
from tinyml_course.data.scenes.shapes import block, place

MODULE = sys.modules["tinyml_course.data.scenes.compose"]
COMPOSITIONS = [compose((0, 7, index)) for index in range(400)]


@pytest.mark.parametrize("resolution", [LEAST_RESOLUTION, 64])
def test_a_person_is_seen_in_every_scene_that_has_one(resolution: int) -> None:
    areas = [visible_person(c, resolution).sum() for c in COMPOSITIONS]
    # The least of a person: half of a slim one, a fifth of the picture high, a 20th of that wide.
    assert min(areas) >= 0.5 * LEAST * LEAST / 5 * resolution**2
    assert min(areas) >= 4  # pixels
    assert max(areas) <= 0.5 * resolution**2


def test_at_least_half_of_a_person_is_in_the_picture_with_nothing_in_front() -> None:
    assert min(_seen(c) for c in COMPOSITIONS) >= SEEN


def test_a_scene_that_hides_its_person_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "SEEN", 0.0)
    first = [compose((0, 7, index)) for index in range(400)]
    hidden = [index for index, c in enumerate(first) if _seen(c) < SEEN]
    assert hidden
    for index, (c, kept) in enumerate(zip(first, COMPOSITIONS, strict=True)):
        same = np.array_equal(c.subjects[1], kept.subjects[1])
        assert same == (index not in hidden)


def test_what_stands_in_front_hides_and_what_stands_behind_does_not() -> None:
    wall = place([block((0.5, -1), (0.5, 2), 2, 2, (1, 1, 1))])
    free = COMPOSITIONS[0]._replace(before=())
    assert not visible_person(free._replace(before=(wall,)), 64).any()
    np.testing.assert_array_equal(
        visible_person(free._replace(behind=(wall,)), 64), visible_person(free, 64)
    )
    assert visible_person(free, 64).any()


def test_persons_are_of_all_sizes_and_everywhere() -> None:
    spots = np.array([c.spot for c in COMPOSITIONS])
    sizes, x, feet = spots[:, 2], spots[:, 0], spots[:, 1]
    assert LEAST <= sizes.min() <= LEAST + 0.1
    assert MOST - 0.05 <= sizes.max() <= MOST
    # The larger of two uniform numbers is below a half in a quarter of the cases; of 400 the
    # standard deviation is 0.022, and this is four of them.
    assert np.mean(sizes < (LEAST + MOST) / 2) == pytest.approx(0.25, abs=0.09)
    for left in np.arange(0.1, 0.9, 0.1):
        assert np.mean((left <= x) & (x < left + 0.1)) > 0.125 - 4 * 0.0166
    assert feet.max() - feet.min() > 0.4


def test_the_nearer_is_the_lower() -> None:
    """Of two that stand on one ground."""
    spots = np.array([c.spot for c in COMPOSITIONS])
    assert np.corrcoef(spots[:, 1], spots[:, 2])[0, 1] > 0.4


def test_every_lookalike_is_met() -> None:
    names = [c.lookalike for c in COMPOSITIONS]
    # 21 of each are expected; none at all has a chance of 4e-10.
    assert set(names) == {make.__name__ for make in LOOKALIKES}
    assert len(LOOKALIKES) == len(set(LOOKALIKES))


def test_a_negative_holds_nothing_of_the_person() -> None:
    """Person and lookalike stand apart: their own shapes, the same feet."""
    for c in COMPOSITIONS:
        assert not any(layer is c.subjects[1] for layer in (*c.behind, *c.before))
        assert c.subjects[0].tobytes() != c.subjects[1].tobytes()
        # Within the width of a thing: a washing line is nearly as wide as it is high.
        middle = [(s[:, [0, 2]].min() + s[:, [0, 2]].max()) / 2 for s in c.subjects]
        assert abs(middle[0] - middle[1]) < 0.5 * c.spot.size


def test_most_lookalikes_share_a_colour_with_their_person() -> None:
    def colours(layer: np.ndarray) -> set[bytes]:
        return {row[7:10].tobytes() for row in layer[1:]}

    shared = [bool(colours(c.subjects[0]) & colours(c.subjects[1])) for c in COMPOSITIONS]
    assert np.mean(shared) > 0.8


def test_things_in_front_of_the_subject_are_moved_aside() -> None:
    subject = At(0.4, 0.8, 0.5)
    assert _beside(At(0.4, 0.7, 0.3), subject).x == 0.4  # behind
    moved = _beside(At(0.4, 0.9, 0.3), subject)
    assert abs(moved.x - subject.x) == pytest.approx(0.3 * 0.8)
    far = At(0.9, 0.9, 0.3)
    assert _beside(far, subject) == far


def test_the_order_is_from_back_to_front() -> None:
    def foot(layer: np.ndarray) -> float:
        return float(layer[0, 1])  # of the shadow, which comes first

    def in_order(c: Composition) -> bool:
        feet = [foot(layer) for layer in c.behind]
        return feet == sorted(feet) and all(f <= foot(c.subjects[0]) for f in feet)

    assert all(in_order(c) for c in COMPOSITIONS)


def test_the_same_key_gives_the_same_composition_and_another_another() -> None:
    again = compose((0, 7, 3))
    for kept, other in zip(COMPOSITIONS[3].subjects, again.subjects, strict=True):
        assert kept.tobytes() == other.tobytes()
    assert len({c.subjects[1].tobytes() for c in COMPOSITIONS}) == len(COMPOSITIONS)
