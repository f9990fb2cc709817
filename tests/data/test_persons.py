"""The data set: balanced, in splits that share nothing, drawn where it is asked for."""

from pathlib import Path

import numpy as np
import pytest

from tinyml_course import data
from tinyml_course.data import persons
from tinyml_course.data.persons import CARD, load_persons
from tinyml_course.data.scenes import scenes
from tinyml_course.deploy import Options, deploy
from tinyml_course.errors import DataError
from tinyml_course.mcu import board

SMALL = load_persons(32, train=40, validation=20, test=30, progress=False)
SPLITS = {"train": SMALL.train, "validation": SMALL.validation, "test": SMALL.test}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` with counts that are drawn in a moment."""
    bounds = {"train": 8, "validation": 4, "test": 6, "progress": False}
    monkeypatch.setattr(load_persons, "__kwdefaults__", {"seed": 0, **bounds})


def test_every_split_is_balanced_and_in_range() -> None:
    for split, count in zip(SPLITS.values(), (40, 20, 30), strict=True):
        assert len(split) == count
        assert np.bincount(split.labels).tolist() == [count // 2] * 2
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert split.images.min() >= 0
        assert split.images.max() <= 1
    assert SMALL.image_shape == (3, 32, 32)
    assert SMALL.class_names == ("no person", "person")


def test_images_are_the_scenes_of_their_split() -> None:
    for number, split in enumerate(SPLITS.values()):
        drawn = scenes((0, number), len(split), 32)
        np.testing.assert_array_equal(np.rint(split.images * 255), drawn)


def test_no_two_splits_share_a_scene_and_no_two_scenes_are_equal() -> None:
    seen = {image.tobytes() for split in SPLITS.values() for image in split.images}
    assert len(seen) == 90


def test_another_seed_draws_other_scenes_and_the_same_seed_the_same() -> None:
    counts = {"train": 4, "validation": 2, "test": 2, "progress": False}
    first, again, other = (load_persons(32, seed=seed, **counts) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.train.images, again.train.images)
    np.testing.assert_array_equal(first.train.images, SMALL.train.images[:4])
    assert (first.train.images != other.train.images).any(axis=(1, 2, 3)).all()


@pytest.mark.usefixtures("few")
def test_load_draws_at_the_resolution_asked_for() -> None:
    loaded = data.load("persons", resolution=48)
    assert loaded.image_shape == (3, 48, 48)
    np.testing.assert_array_equal(np.rint(loaded.test.images * 255), scenes((0, 2), 6, 48))
    assert data.load("persons").image_shape == (3, persons.RESOLUTION, persons.RESOLUTION)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_detector_is_deployed_at_the_resolution_asked_for() -> None:
    options = Options("persons", board("stm32f746"), width=0.5, resolution=40, epochs=1)
    done = deploy(options, progress=False)
    assert done.graph.input.shape == (1, 40, 40, 3)
    assert done.accuracy.images == 6
    assert done.checks.reference_equal == 6


def test_load_resizes_what_is_not_drawn() -> None:
    assert data.load("digits", resolution=12).image_shape == (1, 12, 12)
    np.testing.assert_array_equal(
        data.load("digits", resolution=12).test.images,
        data.resize(data.load("digits"), 12).test.images,
    )


@pytest.mark.parametrize("resolution", [31, 225])
def test_load_names_the_bounds_of_the_resolution(resolution: int) -> None:
    with pytest.raises(DataError, match=f"32 to 224 pixels, got {resolution}"):
        data.load("persons", resolution=resolution)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("count", [-2, 0, 5])
def test_a_count_out_of_range_is_named(split: str, count: int) -> None:
    counts = {"train": 2, "validation": 2, "test": 2} | {split: count}
    with pytest.raises(DataError, match=f"^{count} scenes: .*even number, at least 2"):
        load_persons(32, progress=False, **counts)


def test_too_many_images_are_refused_before_any_is_drawn() -> None:
    with pytest.raises(DataError, match=r"10,000 images of 224x224 take 6,021,120,000 B") as caught:
        load_persons(224)
    most = persons.MOST_BYTES // (224 * 224 * 12)
    assert f"{persons.MOST_BYTES:,} B are drawn, which is {most:,} images" in str(caught.value)


def test_the_default_size_is_drawn_up_to_128_pixels() -> None:
    images = persons.TRAIN + persons.VALIDATION + persons.TEST
    assert images * 3 * 128**2 * 4 <= persons.MOST_BYTES


def test_the_card_says_how_many() -> None:
    for count in (persons.TRAIN, persons.VALIDATION, persons.TEST):
        assert f"{count:,}" in CARD.description
        assert f"{count:,}" in card()
    for heading in ("Source", "Licence", "Splits", "How hard it is", "What is unrealistic"):
        assert f"## {heading}\n" in card()
    assert CARD.licence in card()


def card() -> str:
    return Path(persons.__file__).with_name("cards").joinpath("persons.md").read_text()
