"""The final task: the MobileNetV2 with the most MACs that fits a board."""

import math
from functools import cache
from typing import Any

from tinyml_course.course.question import DesignTask, Evaluation
from tinyml_course.errors import DoesNotFitError, TinyMLError, reject_unknown_keys
from tinyml_course.graph import count_macs
from tinyml_course.mcu import board, plan
from tinyml_course.mcu.planning.fits import is_within
from tinyml_course.models import mobilenet_v2, random_graph

BOARD = board("stm32f746")
CLASSES = 1000
POLICY = "tinyengine"
WIDTHS = tuple(step / 20 for step in range(4, 21))
"""The grid whose best design is worth all points: widths 0.20, 0.25, ... 1.00 ..."""
RESOLUTIONS = tuple(range(48, 225, 8))
"""... and resolutions 48, 56, ... 224."""
WIDTH_BOUNDS = (0.1, 1.4)
RESOLUTION_BOUNDS = (32, 256)
FLOOR = 0.5
"""At this share of the best MACs the points begin: a network that is merely small earns none."""


def design_macs(width: float, resolution: int) -> int:
    """MACs of a design that fits `BOARD`, planned by `POLICY`.

    Raises:
        DoesNotFitError: it does not fit; the error tells the bytes missing.
    """
    graph = random_graph(mobilenet_v2(width, resolution, CLASSES), seed=None)
    plan(graph, BOARD, policy=POLICY)
    return count_macs(graph)


@cache
def best_on_grid() -> tuple[float, int, int]:
    """Width, resolution and MACs of the best design on the grid, found by trying."""
    found = [(*design, macs) for design, macs in map(_largest_that_fits, WIDTHS) if macs]
    return max(found, key=lambda design: design[2])


def _largest_that_fits(width: float) -> tuple[tuple[float, int], int]:
    # Peak and MACs grow with the resolution: halve the interval instead of trying each.
    low, high, best = 0, len(RESOLUTIONS) - 1, ((width, 0), 0)
    while low <= high:
        middle = (low + high) // 2
        resolution = RESOLUTIONS[middle]
        graph = random_graph(mobilenet_v2(width, resolution, CLASSES), seed=None)
        if is_within(plan(graph, policy=POLICY), BOARD):  # asks for no remedies
            best = ((width, resolution), count_macs(graph))
            low = middle + 1
        else:
            high = middle - 1
    return best


def evaluate(design: dict[str, Any]) -> Evaluation:
    """What a design is worth: from half of the best MACs on, in proportion.

    Args:
        design: ``width`` and ``resolution``.

    Raises:
        UnknownNameError: another key.
        TinyMLError: a key is missing, or a value is out of bounds.
    """
    reject_unknown_keys("design", design, KEYS)
    width = _number(design, "width", WIDTH_BOUNDS)
    resolution = _number(design, "resolution", RESOLUTION_BOUNDS)
    if resolution != int(resolution):
        raise TinyMLError(f"the resolution must be whole, it is {resolution}")
    try:
        macs = design_macs(width, int(resolution))
    except DoesNotFitError as error:
        return Evaluation(0.0, (_missing(error),))
    best = best_on_grid()[2]
    share = min(1.0, max(0.0, (macs / best - FLOOR) / (1 - FLOOR)))
    told = f"It fits {BOARD.title} and has {macs / 1e6:.2f} million MACs"
    if macs >= best:
        return Evaluation(1.0, (f"{told}: nothing on the grid has more.",))
    return Evaluation(share, (f"{told}, {macs / best:.0%} of the best on the grid.",))


def _missing(error: DoesNotFitError) -> str:
    return (
        f"It does not fit: {error.missing_bytes:,} bytes of {error.memory} are missing "
        f"({error.operator} brings it to {error.needed_bytes:,} of {error.available_bytes:,})."
    )


def _number(design: dict[str, Any], key: str, bounds: tuple[float, float]) -> float:
    value = design.get(key)
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TinyMLError(f"the design's {key} must be a number, it is {value!r}")
    if not low <= value <= high:
        raise TinyMLError(f"the design's {key} must be from {low} to {high}, it is {value}")
    return value


KEYS = ("width", "resolution")

FINAL = DesignTask(
    name="final",
    title="the most MACs that fit",
    points=20,
    keys=KEYS,
    evaluate=evaluate,
)
