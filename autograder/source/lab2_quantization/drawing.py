"""What the hidden inputs are drawn with.

Values keep away from a tie between two integers, except where a tie is what is asked: who computes
in float32 is as right as who does in float64.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Case

Groups = dict[str, list[Case]]

Array = NDArray[Any]

Draw = Callable[[], Case]

REPEATS = 4

CLEAR = 0.05
"""A tie is at least this far away, in steps of the grid."""


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return int(rng.integers(low, high + 1))


def several(draw: Draw, repeats: int = REPEATS) -> list[Case]:
    """Several cases that are drawn alike."""
    return [draw() for _ in range(repeats)]


def until(draw: Draw, clear: Callable[[Case], bool], tries: int = 1000) -> Case:
    """The first case that is clear of a tie."""
    for _ in range(tries):
        found = draw()
        if clear(found):
            return found
    raise RuntimeError(f"no clear case in {tries} tries")


def clear_steps(rng: np.random.Generator, low: int, high: int, size: Any) -> Array:
    """Numbers of steps, each clear of the tie between two integers."""
    answer: Array = rng.integers(low, high + 1, size) + rng.uniform(-0.5 + CLEAR, 0.5 - CLEAR, size)
    return answer
