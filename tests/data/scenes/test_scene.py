"""Pixels: the same bytes everywhere, the same scene at any resolution, and nothing else but it."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tinyml_course.data.scenes import compose, render_pair, scenes, visible_person
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.scene import Exposure, _expose, _render
from tinyml_course.data.scenes.texture import textures
from tinyml_course.errors import DataError

GOLDEN = Path(__file__).with_name("golden.json")
"""Renewed with TINYML_RENEW_GOLDEN=1, after the scenes were changed on purpose."""
HASHED = {"32": (0, 0, 0), "48": (0, 1, 5), "64": (3, 2, 11), "96": (0, 0, 12), "224": (1, 2, 3)}


def test_the_bytes_are_the_golden_ones() -> None:
    found = {
        resolution: hashlib.sha256(render_pair(key, int(resolution)).tobytes()).hexdigest()
        for resolution, key in HASHED.items()
    }
    if os.environ.get("TINYML_RENEW_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(GOLDEN.read_text()), (
        "the scenes have changed; if that was wanted, run with TINYML_RENEW_GOLDEN=1 and then "
        "benchmarks/scenes.py"
    )


def test_a_row_begins_with_the_shorter_one() -> None:
    row = scenes((4, 2), 6, 32)
    assert row.shape == (6, 3, 32, 32)
    assert row.dtype == np.uint8
    np.testing.assert_array_equal(row[:2], scenes((4, 2), 2, 32))
    np.testing.assert_array_equal(row[2:4], render_pair((4, 2, 1), 32))


def test_another_number_anywhere_in_the_key_gives_another_scene() -> None:
    keys = [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 2), (0, 0), (0, 0, 0, 0)]
    assert len({render_pair(key, 32).tobytes() for key in keys}) == len(keys)


@pytest.mark.parametrize(("large", "small"), [(96, 48), (192, 64), (224, 32)])
def test_another_resolution_shows_the_same_scene(large: int, small: int) -> None:
    """The mean of a block of pixels is the pixel of the picture that is as much smaller."""
    factor = large // small
    for index in range(30):
        wide, narrow = (light_of((8, index), resolution) for resolution in (large, small))
        mean = wide.reshape(2, 3, small, factor, small, factor).mean((3, 5))
        difference = np.abs(np.clip(mean, 0, 1) - np.clip(narrow, 0, 1))
        # Edges and thin bars are approximated by distance, and texture finer than a pixel is left
        # out; both average out. Another scene differs by 0.2 and more.
        assert difference.mean() < 0.02
        assert np.mean(difference > 0.15) < 0.02


def light_of(key: tuple[int, ...], resolution: int) -> np.ndarray:
    """Without the sensor, whose noise belongs to its pixels: ``(2, 3, R, R)``."""
    return np.stack(_render(compose(key), *textures(Draws((*key, 1)), resolution)))


def test_the_two_of_a_pair_differ_at_the_subject_only() -> None:
    for index in range(30):
        key = (6, index)
        composition = compose(key)
        without, with_person = light_of(key, 64)
        differs = np.argwhere((without != with_person).any(0))
        x, foot, size = composition.spot
        rows, columns = (differs[:, axis] / 64 for axis in (0, 1))
        # An arm's reach, or a washing line, to the sides; raised arms, and what lies on the ground.
        assert np.abs(columns - x).max() < 0.75 * size + 0.02
        assert rows.min() > foot - 1.2 * size - 0.02
        assert rows.max() < foot + 0.1 * size + 0.02
        seen = visible_person(composition, 64) > 0.5
        assert np.mean(np.abs(with_person - without).max(0)[seen] > 0) > 0.95


def test_a_negative_does_not_depend_on_the_person() -> None:
    for index in range(10):
        composition, field = compose((5, index)), textures(Draws((5, index)), 48)
        other = compose((5, index + 1)).subjects[1]
        plain = _render(composition, *field)[0]
        changed = _render(composition._replace(subjects=(composition.subjects[0], other)), *field)
        np.testing.assert_array_equal(plain, changed[0])
        assert (plain != changed[1]).any()


def test_brightness_gives_no_label_away() -> None:
    row = scenes((2, 2), 800, 32).astype(float)
    gap = row[1::2].mean((1, 2, 3)) - row[::2].mean((1, 2, 3))
    # In pairs, four standard errors; and small beside how much scenes differ.
    assert abs(gap.mean()) < 4 * gap.std() / 20 + 0.5
    assert abs(gap.mean()) < 0.05 * row.mean((1, 2, 3)).std()


def test_an_exposure_is_a_gain_an_offset_and_noise() -> None:
    octets = Draws((1,)).octets(2, 3, 224, 224)
    grey = np.full((3, 224, 224), 0.5, np.float32)
    plain = _expose(grey.copy(), octets, Exposure((1.0, 0.8, 0.5), 0.1, 0.0))
    for colour, gain in zip(plain, (1.0, 0.8, 0.5), strict=True):
        assert np.unique(colour) == round((0.5 * gain + 0.1) * 255)
    noisy = _expose(grey.copy(), octets, Exposure((1.0, 1.0, 1.0), 0.0, 0.02))
    # 150,528 pixels: the standard deviation is known to 0.2 %, rounding to bytes adds 1/12.
    assert noisy.std() == pytest.approx(np.hypot(0.02 * 255, 12**-0.5), rel=0.01)
    assert noisy.mean() == pytest.approx(127.5, abs=0.1)
    assert _expose(grey * 3, octets, Exposure((1.0, 1.0, 1.0), 0.0, 0.02)).min() == 255


@pytest.mark.parametrize("resolution", [0, 31, 225, -64])
def test_a_resolution_out_of_range_is_named_with_its_bounds(resolution: int) -> None:
    for draw in (lambda: scenes((0,), 2, resolution), lambda: render_pair((0,), resolution)):
        with pytest.raises(DataError, match=rf"32 to 224 pixels, got {resolution};"):
            draw()


@pytest.mark.parametrize("count", [0, -2, 1, 7])
def test_a_count_that_makes_no_pairs_is_refused(count: int) -> None:
    with pytest.raises(DataError, match=rf"^{count} scenes: .* even number, at least 2"):
        scenes((0,), count, 32)


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_seed_out_of_range_is_named_with_its_bounds(number: int) -> None:
    with pytest.raises(DataError, match=rf"from 0 to 4294967295, got {number}"):
        scenes((0, number), 2, 32)


def test_the_largest_seed_is_taken() -> None:
    assert scenes((2**32 - 1,), 2, 32).shape == (2, 3, 32, 32)
