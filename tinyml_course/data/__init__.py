"""Data sets, each with train, validation and test splits and a card."""

from collections.abc import Callable
from pathlib import Path

from tinyml_course.data.dataset import Card, DataSet, Split
from tinyml_course.data.folder import data_folder
from tinyml_course.data.persons import load_persons
from tinyml_course.data.resize import resize
from tinyml_course.errors import lookup


def _digits(folder: str | Path | None) -> DataSet:  # noqa: ARG001 - it comes with scikit-learn
    from tinyml_course.data.digits import load_digits

    return load_digits()


def _fashion_mnist(folder: str | Path | None) -> DataSet:
    from tinyml_course.data.fashion_mnist import load_fashion_mnist

    return load_fashion_mnist(folder)


def _persons(folder: str | Path | None) -> DataSet:  # noqa: ARG001 - they are generated
    return load_persons()


DATA_SETS: dict[str, Callable[[str | Path | None], DataSet]] = {
    "digits": _digits,
    "fashion_mnist": _fashion_mnist,
    "persons": _persons,
}
"""The data sets, by name."""

DRAWN: dict[str, Callable[[int], DataSet]] = {"persons": load_persons}
"""Those that are generated at the resolution asked for; the others are resized."""


def load(name: str, folder: str | Path | None = None, resolution: int | None = None) -> DataSet:
    """Load a data set.

    Args:
        name: a name in `DATA_SETS`.
        folder: where its files lie; see `data_folder`.
        resolution: rows and columns of its images; by default the set's own.

    Raises:
        UnknownNameError: there is no such data set.
        DataError: it is missing or damaged, and the message says what was looked for, and where;
            or it does not come at this resolution.
    """
    find = lookup("data set", name, DATA_SETS)
    if resolution is None:
        return find(folder)
    return DRAWN[name](resolution) if name in DRAWN else resize(find(folder), resolution)


__all__ = [
    "DATA_SETS",
    "DRAWN",
    "Card",
    "DataSet",
    "Split",
    "data_folder",
    "load",
    "load_persons",
    "resize",
]
