"""Where a symmetric grid should end: a wide one rounds coarsely, a narrow one cuts off."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError
from tinyml_course.graph.quantization import weight_limit

Floats = NDArray[np.floating]


def squared_error(w: Floats, limit: float, bits: int = 8) -> float:
    """Mean squared error of symmetric integers whose grid ends at ``limit`` on both sides.

    Args:
        w: of any shape, at least one.
        limit: above 0; what lies beyond saturates.
        bits: 2 to 8.

    Raises:
        CompressionError: no values, or a limit that is not above 0.
    """
    if not w.size or not limit > 0:
        raise CompressionError(f"{w.size} values and a limit of {limit} make no grid")
    steps = weight_limit(bits)
    scale = limit / steps
    on_grid = np.clip(np.rint(w / scale), -steps, steps) * scale
    return float(np.mean((on_grid - w) ** 2))


def mse_clip(w: Floats, limits: Sequence[float], bits: int = 8) -> float:
    """Of some limits the one with the least mean squared error; the first among equals.

    Args:
        w: of any shape, at least one.
        limits: where the grid might end, each above 0.
        bits: 2 to 8.

    Raises:
        CompressionError: nothing to choose from, no values, or a limit that is not above 0.
    """
    if not len(limits):
        raise CompressionError("there is no limit to choose")
    return float(min(limits, key=lambda limit: squared_error(w, float(limit), bits)))
