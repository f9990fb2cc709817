"""Lookalikes and places: all of them can be drawn, stand on the ground, and are no persons."""

import numpy as np
import pytest

from tinyml_course.data.scenes import living, made, places
from tinyml_course.data.scenes.colours import dress
from tinyml_course.data.scenes.compose import LOOKALIKES, Maker
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import place

NAMES = [make.__name__ for make in LOOKALIKES]


@pytest.mark.parametrize("make", LOOKALIKES, ids=NAMES)
def test_a_lookalike_is_as_high_as_a_person_and_stands_where_one_would(make: Maker) -> None:
    tops, lows = [], []
    for index in range(60):
        table = place(make(Draws((index,)), dress(Draws((index, 1)))))
        assert table.shape[1] == 13
        assert ((table[:, 7:10] >= 0) & (table[:, 7:10] <= 1)).all()
        assert (table[:, 4:7] >= 0).all()
        reach = table[:, 6]
        tops.append(float(-np.minimum(table[:, 1], table[:, 3]).min()))
        lows.append(float(-(np.maximum(table[:, 1], table[:, 3]) + reach).max()))
        assert np.abs(table[:, [0, 2]]).max() < 0.8
    assert min(tops) > 0.35
    assert max(tops) <= 1.15
    assert min(lows) > -0.3
    assert max(lows) < 0.35  # a balloon's string need not reach the ground


@pytest.mark.parametrize("make", LOOKALIKES, ids=NAMES)
def test_no_two_of_a_kind_are_alike(make: Maker) -> None:
    wears = dress(Draws((9,)))
    drawn = {place(make(Draws((index,)), wears)).tobytes() for index in range(20)}
    assert len(drawn) == 20


def test_all_lookalikes_of_the_two_rooms_are_used() -> None:
    """Bushes and luggage come in other parts."""
    rooms = {
        name
        for module in (living, made)
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    assert rooms - set(NAMES) == {"bush", "luggage"}


def test_luggage_has_every_colour_once() -> None:
    wears = dress(Draws((4,)))
    drawn = made.luggage(Draws((5,)), wears)
    assert sorted((p.red, p.green, p.blue) for p in drawn) == sorted(wears)


@pytest.mark.parametrize("make", [places.indoors, places.outdoors])
def test_a_backdrop_is_above_as_it_says_and_below_as_it_says(make: object) -> None:
    for index in range(20):
        ground = make(Draws((index,)))  # type: ignore[operator]
        flat = np.zeros((64, 64), np.float32)
        canvas = places.backdrop(ground, 64, flat, flat)
        assert 0.2 < ground.horizon < 0.71
        np.testing.assert_allclose(canvas[:, 0, 5], ground.above[0], atol=0.05)
        np.testing.assert_allclose(canvas[:, -1, 5], ground.below[1], atol=0.05)
        assert np.array_equal(canvas[:, :, 0], canvas[:, :, -1])
        at = int(ground.horizon * 64)
        np.testing.assert_allclose(canvas[:, at - 1, 0], ground.above[1], atol=0.05)
        np.testing.assert_allclose(canvas[:, at + 1, 0], ground.below[0], atol=0.05)
