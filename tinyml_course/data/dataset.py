"""A data set: three splits that share nothing, and a card that says where it is from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import DataError


@dataclass(frozen=True)
class Card:
    """What a reader must know about a data set.

    Attributes:
        title: its name for people.
        source: who made it, and where it is published.
        licence: under which terms.
        description: what the images are, and how the splits were drawn.
        mirrors: whether an image means the same mirrored left to right; training may use it.
        least_resolution: rows and columns that its images have at least.
    """

    title: str
    source: str
    licence: str
    description: str
    mirrors: bool = False
    least_resolution: int = 4


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels.

    Attributes:
        images: float32 ``(N, C, H, W)`` in 0..1.
        labels: int64 ``(N,)``.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or len(self.images) != len(self.labels) or not len(self.images):
            raise DataError(
                f"{self.images.shape} images and {self.labels.shape} labels are no split"
            )
        if not np.isfinite(self.images).all():
            raise DataError("the images hold NaN or infinity")

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """The images in order, ``size`` at a time."""
        return (self.images[start : start + size] for start in range(0, len(self), size))

    def channels_last(self) -> NDArray[np.float32]:
        """The images as a graph takes them, ``(N, H, W, C)``."""
        return np.ascontiguousarray(self.images.transpose(0, 2, 3, 1))


@dataclass(frozen=True, eq=False)
class DataSet:
    """Train to learn from, validation to choose by, test to report.

    Attributes:
        name: as `load` takes it.
        train: training split.
        validation: for every choice: epochs, ranges, sparsity, architectures.
        test: looked at once, at the end.
        class_names: by label.
        card: source, licence, splits.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    card: Card

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)``."""
        _, c, h, w = self.train.images.shape
        return c, h, w
