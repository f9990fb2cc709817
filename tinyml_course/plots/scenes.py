"""Images of a data set side by side, each with its class."""

import numpy as np
from matplotlib.figure import Figure

from tinyml_course.data import DataSet
from tinyml_course.errors import DataError
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, RED, SERIES

INCHES = 1.15
"""Width of one image."""


def contact_sheet(dataset: DataSet, rows: int = 3, columns: int = 8) -> Picture:
    """The first training images in rows, each framed in the colour of its class and named.

    Args:
        dataset: images with one channel or three.
        rows: of images.
        columns: of images.

    Raises:
        DataError: there are fewer training images than places, or less than one place.
    """
    count = rows * columns
    if rows < 1 or columns < 1 or count > len(dataset.train):
        raise DataError(
            f"{rows} rows of {columns} images do not come out of {len(dataset.train)} training "
            "images; ask for at least one row of one and for no more than there are"
        )
    images, labels = dataset.train.images[:count], dataset.train.labels[:count]
    figure = Figure(figsize=(columns * INCHES, rows * (INCHES + 0.22)), layout="constrained")
    for axes, image, label in zip(
        figure.subplots(rows, columns, squeeze=False).ravel(), images, labels, strict=True
    ):
        axes.imshow(np.squeeze(image.transpose(1, 2, 0)), cmap="gray", vmin=0, vmax=1)
        axes.set_xticks([])
        axes.set_yticks([])
        colour = _colour(dataset, int(label))
        axes.set_title(dataset.class_names[label], fontsize=8, color=colour, pad=2)
        axes.spines[:].set(color=colour, linewidth=1.5)
    return Picture(figure, _words(dataset, labels.tolist(), rows, columns))


def _colour(dataset: DataSet, label: int) -> str:
    return (BLUE, RED)[label] if dataset.classes == 2 else SERIES[label % len(SERIES)]


def _words(dataset: DataSet, labels: list[int], rows: int, columns: int) -> str:
    channels, height, width = dataset.image_shape
    counts = [f"{labels.count(i)} {name}" for i, name in enumerate(dataset.class_names)]
    return (
        f"A grid of {rows}x{columns} images of {dataset.name}, {height}x{width} pixels, "
        f"{'in colour' if channels == 3 else 'grey'}; by class: {', '.join(counts)}."
    )
