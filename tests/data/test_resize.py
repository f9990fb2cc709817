"""Resizing keeps what an average keeps."""

import numpy as np
import pytest

from tinyml_course import data
from tinyml_course.errors import DataError

DIGITS = data.load("digits")


@pytest.mark.parametrize("resolution", [4, 8, 13, 32])
def test_every_split_takes_the_new_shape_and_keeps_its_labels(resolution: int) -> None:
    resized = data.resize(DIGITS, resolution)
    assert resized.image_shape == (1, resolution, resolution)
    for name in ("train", "validation", "test"):
        before, after = getattr(DIGITS, name), getattr(resized, name)
        np.testing.assert_array_equal(before.labels, after.labels)
        assert after.images.dtype == np.float32
        # Interpolation weights are positive and sum to one, up to float32's rounding.
        assert after.images.min() >= -1e-6
        assert after.images.max() <= 1 + 1e-6


def test_halving_is_close_to_the_mean_brightness() -> None:
    halved = data.resize(DIGITS, 4)
    # Antialiasing weighs pixels near the border less; on these images that is below 0.05.
    np.testing.assert_allclose(
        halved.test.images.mean(axis=(1, 2, 3)), DIGITS.test.images.mean(axis=(1, 2, 3)), atol=0.05
    )


def test_the_same_resolution_changes_nothing() -> None:
    assert data.resize(DIGITS, 8).train is DIGITS.train


def test_a_resolution_below_one_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1, got 0"):
        data.resize(DIGITS, 0)
