"""Persons of every tone, in every pose, in all clothes, by law over many."""

import numpy as np
import pytest

from tinyml_course.data.scenes.colours import DARK_SKIN, LIGHT_SKIN, Dress, dress
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.person import POSES, SITS, person
from tinyml_course.data.scenes.shapes import Thing

SKIN, HAIR, TOP, BOTTOM, SHOES = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)
MARKED = Dress(SKIN, HAIR, TOP, BOTTOM, SHOES)
FIGURES = [person(Draws((1, index)), MARKED) for index in range(300)]


def parts(figure: Thing, colour: tuple[float, ...]) -> Thing:
    return [part for part in figure if (part.red, part.green, part.blue) == colour]


def test_a_person_stands_on_the_ground_and_is_about_1_high() -> None:
    for figure in FIGURES:
        lows = [min(p.y0, p.y1) - p.rounding for p in figure]
        assert min(lows) == pytest.approx(0, abs=1e-9)
    heads = [max(max(p.y0, p.y1) + p.rounding for p in parts(f, SKIN)) for f in FIGURES]
    assert min(heads) > 0.6  # sits
    assert max(heads) < 1.3  # reaches up
    assert 0.85 < float(np.median(heads)) < 1.15


def test_skin_cloth_and_shoes_are_seen_on_everybody() -> None:
    for figure in FIGURES:
        for colour in (SKIN, TOP, SHOES):
            assert parts(figure, colour)


def test_clothes_differ() -> None:
    """Sleeves, skirts, trousers, hats and hair; each of them is worn, and none by all."""
    trousers = [len(parts(f, BOTTOM)) for f in FIGURES]
    assert len(set(trousers)) >= 3
    bald = np.mean([not parts(f, HAIR) for f in FIGURES])
    bare = np.mean([len(parts(f, SKIN)) > 5 for f in FIGURES])
    hats = np.mean([len(parts(f, SHOES)) > 2 for f in FIGURES])
    for share in (bald, bare, hats):
        assert 0.03 < share < 0.7
    assert len({len(f) for f in FIGURES}) >= 6


def test_poses_differ() -> None:
    """Hands are found high and low, feet together and apart."""
    hands = np.array([[p.y0 for p in parts(f, SKIN) if p.rounding == 0.027] for f in FIGURES])
    assert hands.shape[1] == 2
    assert np.mean(hands.max(1) > 0.9) > 0.05
    assert np.mean(hands.max(1) < 0.6) > 0.2
    feet = [np.ptp([p.x0 for p in parts(f, SHOES)][:2]) for f in FIGURES]
    assert min(feet) < 0.03
    assert max(feet) > 0.3


def test_a_sitting_one_has_a_seat() -> None:
    lower = {id(f): max(max(p.y0, p.y1) for p in parts(f, SKIN)) for f in FIGURES}
    sitting = [f for f in FIGURES if lower[id(f)] < 0.8]
    expected = SITS.weight / sum(pose.weight for pose in POSES)
    # Of 300 the standard deviation is 0.015; four of them.
    assert np.mean([id(f) in map(id, sitting) for f in FIGURES]) == pytest.approx(
        expected, abs=0.06
    )


def test_skin_is_of_every_tone() -> None:
    tones = np.array([dress(Draws((2, index))).skin for index in range(400)])
    light, dark = np.array(LIGHT_SKIN), np.array(DARK_SKIN)
    share = (tones - light) @ (dark - light) / ((dark - light) @ (dark - light))
    np.testing.assert_allclose(light + share[:, None] * (dark - light), tones, atol=1e-12)
    # A quarter each; of 400 the standard deviation is 0.022, and this is four of them.
    quarters = np.histogram(share, 4, (0, 1))[0] / 400
    assert np.abs(quarters - 0.25).max() < 0.09


def test_clothes_are_of_every_hue() -> None:
    tops = [dress(Draws((3, index))).top for index in range(300)]
    strongest = np.argmax(tops, axis=1)
    assert np.bincount(strongest, minlength=3).min() > 60
    brightness = np.max(tops, axis=1)
    assert brightness.min() < 0.2
    assert brightness.max() > 0.9
