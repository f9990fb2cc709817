"""The digits of scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits as bundled

from tinyml_course import data
from tinyml_course.data import Split

DIGITS = data.load("digits")
SPLITS: dict[str, Split] = {
    "train": DIGITS.train,
    "validation": DIGITS.validation,
    "test": DIGITS.test,
}


def test_sizes_are_60_20_20() -> None:
    total = len(bundled().target)
    assert total == 1797
    assert sum(map(len, SPLITS.values())) == total
    assert {name: len(s) for name, s in SPLITS.items()} == {
        "train": 1077,
        "validation": 360,
        "test": 360,
    }


def test_every_image_is_in_one_split_with_its_label() -> None:
    """As multisets, because a few images of the set may be equal."""
    raw = bundled()
    whole = sorted(
        (image.tobytes(), int(t)) for image, t in zip(raw.images, raw.target, strict=True)
    )
    split = sorted(
        ((image[0] * 16).astype(np.float64).tobytes(), int(label))
        for s in SPLITS.values()
        for image, label in zip(s.images, s.labels, strict=True)
    )
    assert split == whole


def test_no_two_splits_share_an_image() -> None:
    seen = [{image.tobytes() for image in s.images} for s in SPLITS.values()]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_every_class_has_its_share_in_every_split() -> None:
    whole = np.bincount(bundled().target, minlength=10) / 1797
    for split in SPLITS.values():
        share = np.bincount(split.labels, minlength=10) / len(split)
        # Stratified: a class misses its share by at most one image, by rounding (two roundings for
        # train and validation, which are split in two steps).
        assert np.abs(share - whole).max() <= 2 / len(split)


def test_images_are_floats_from_0_to_1() -> None:
    for split in SPLITS.values():
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert split.images.min() == 0
        assert split.images.max() == 1
        assert set(np.unique(split.labels)) == set(range(10))
    assert DIGITS.image_shape == (1, 8, 8)
    assert DIGITS.classes == 10


def test_loading_again_gives_the_same_splits() -> None:
    again = data.load("digits", "a folder that does not matter")
    for name, split in SPLITS.items():
        assert np.array_equal(getattr(again, name).images, split.images)
        assert np.array_equal(getattr(again, name).labels, split.labels)
