"""Answers that claim to be equal to everything."""

from typing import Any

import numpy as np


class AlwaysEqual:
    """Equal to whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class SlyInt(int):
    """An int that is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class SlyArray(np.ndarray):
    """An array that is equal to every other."""

    def __eq__(self, other: object) -> Any:
        return True
