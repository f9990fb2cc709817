"""Splits and data sets."""

import numpy as np
import pytest

from tinyml_course import data
from tinyml_course.data import Card, DataSet, Split
from tinyml_course.errors import DataError, UnknownNameError

RNG = np.random.default_rng(0)
IMAGES = RNG.random((7, 3, 4, 5), np.float32)
LABELS = np.arange(7)


def test_batches_are_the_images_in_order() -> None:
    split = Split(IMAGES, LABELS)
    assert len(split) == 7
    for size in (1, 3, 7, 10):
        batches = list(split.batches(size))
        assert np.array_equal(np.concatenate(batches), IMAGES)
        assert all(len(b) == size for b in batches[:-1])


def test_channels_last_is_what_a_graph_takes() -> None:
    last = Split(IMAGES, LABELS).channels_last()
    assert last.shape == (7, 4, 5, 3)
    assert last.flags["C_CONTIGUOUS"]
    assert np.array_equal(last.transpose(0, 3, 1, 2), IMAGES)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES, LABELS[:6], "no split"),
        (IMAGES[0], LABELS, "no split"),
        (IMAGES[:0], LABELS[:0], "no split"),
        (np.full_like(IMAGES, np.nan), LABELS, "NaN or infinity"),
        (np.full_like(IMAGES, np.inf), LABELS, "NaN or infinity"),
    ],
)
def test_broken_splits_are_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Split(images, labels)


def test_a_data_set_knows_its_classes_and_its_images() -> None:
    split = Split(IMAGES, LABELS)
    card = Card("title", "source", "licence", "description")
    both = DataSet("both", split, split, split, ("a", "b"), card)
    assert both.classes == 2
    assert both.image_shape == (3, 4, 5)


@pytest.mark.parametrize("name", data.DATA_SETS)
def test_every_card_says_source_licence_and_splits(name: str) -> None:
    module = getattr(__import__(f"tinyml_course.data.{name}").data, name)
    card = module.CARD
    for text in (card.title, card.source, card.licence):
        assert len(text) >= 3
    for split in ("train", "validation", "test"):
        assert split in card.description


def test_an_unknown_data_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        data.load("digit")
    assert "did you mean 'digits'" in str(caught.value)
    for name in data.DATA_SETS:
        assert name in str(caught.value)
