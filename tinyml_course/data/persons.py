"""Is there a person? Scenes generated at the resolution that is asked for."""

import numpy as np

from tinyml_course.data.dataset import Card, DataSet, Split
from tinyml_course.data.scenes.scene import LEAST_RESOLUTION, check_resolution, scenes
from tinyml_course.errors import DataError

CARD = Card(
    title="Persons in generated scenes",
    source="drawn by tinyml_course.data.scenes from a seed; no photograph and no real person is "
    "in it",
    licence="Apache-2.0",
    description="Scenes by turns without and with a person, in colour, at 32 to 224 pixels; 7,000 "
    "to train, 1,000 for validation and 2,000 to test, each from seeds of its own. Two scenes "
    "share the place, the light and the colours; where one has a person, the other has something "
    "that looks like one: a coat on a stand, a lamp, a dog. Flat shapes are no photographs: the "
    "figures say how networks and resolutions compare, not how well a camera would do. See "
    "tinyml_course/data/cards/persons.md.",
    mirrors=True,
    least_resolution=LEAST_RESOLUTION,
)
CLASS_NAMES = ("no person", "person")

RESOLUTION = 64
TRAIN, VALIDATION, TEST = 7_000, 1_000, 2_000
MOST_BYTES = 2**31
"""Of the images of all splits together, as float32."""


def load_persons(
    resolution: int = RESOLUTION,
    *,
    train: int = TRAIN,
    validation: int = VALIDATION,
    test: int = TEST,
    seed: int = 0,
    progress: bool = True,
) -> DataSet:
    """The data set; the same seed gives the same bytes.

    A split of fewer images is the beginning of the larger one, and another resolution shows the
    same scenes. Takes about 15 seconds at 64 pixels.

    Args:
        resolution: rows and columns, 32 to 224.
        train: images to train with, an even number: half of them show a person.
        validation: images for validation, an even number.
        test: images to test with, an even number.
        seed: of all scenes, 0 to 2**32 - 1.
        progress: show a progress bar.

    Raises:
        DataError: a number is out of its range, or the images are too many for `MOST_BYTES`.
    """
    check_resolution(resolution)
    _check_size(resolution, train + validation + test)

    def split(number: int, name: str, count: int) -> Split:
        # Its number is part of each scene's key, so that no scene can be in two splits.
        images = scenes((seed, number), count, resolution, progress=progress, title=name)
        labels = np.arange(count, dtype=np.int64) % 2
        return Split(np.divide(images, 255, dtype=np.float32), labels)

    return DataSet(
        "persons",
        split(0, "drawing, train", train),
        split(1, "drawing, validation", validation),
        split(2, "drawing, test", test),
        CLASS_NAMES,
        CARD,
    )


def _check_size(resolution: int, images: int) -> None:
    bytes_each = 3 * resolution**2 * np.dtype(np.float32).itemsize
    if images * bytes_each > MOST_BYTES:
        raise DataError(
            f"{images:,} images of {resolution}x{resolution} take {images * bytes_each:,} B; at "
            f"most {MOST_BYTES:,} B are drawn, which is {MOST_BYTES // bytes_each:,} images: take "
            "a smaller resolution, or fewer images with load_persons(resolution, train=..., "
            "validation=..., test=...)"
        )
