"""Texture: random values on grids, each twice as fine as the last, with straight lines between."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinyml_course.data.scenes.draws import Draws

Floats = NDArray[np.float32]

GRIDS = (3, 6, 12, 24, 48)
"""Cells per side."""


def textures(draws: Draws, resolution: int) -> tuple[Floats, Floats]:
    """A soft and a fine texture.

    A grid that is too fine for the pixels is left out, as its average is nothing; the random
    numbers are drawn all the same, so that every resolution sees the same scene.

    Returns:
        Two arrays ``(R, R)`` in -1..1: of the coarse grids, and of the fine ones.
    """
    soft = np.zeros((resolution, resolution), np.float32)
    fine = np.zeros((resolution, resolution), np.float32)
    for grid in GRIDS:
        values = (draws.field(grid + 1, grid + 1) * 2 - 1).astype(np.float32)
        if 2 * grid <= resolution:
            layer = _stretch(values, resolution)
            if grid <= 6:
                soft += layer * np.float32(0.6 if grid == 3 else 0.4)
            else:
                fine += layer * np.float32(0.4)
    return soft, fine


def _stretch(values: Floats, resolution: int) -> Floats:
    """Bilinear interpolation of ``(G + 1, G + 1)`` to ``(R, R)``."""
    below, share = _positions(len(values) - 1, resolution)
    low = values[below]
    rows = low + (values[below + 1] - low) * share[:, None]
    low = rows[:, below]
    stretched: Floats = low + (rows[:, below + 1] - low) * share
    return stretched


@cache
def _positions(cells: int, resolution: int) -> tuple[NDArray[np.intp], Floats]:
    """Where the middle of each pixel lies: the grid point below it, and the share above that."""
    place = (np.arange(resolution) + 0.5) * cells / resolution
    below = place.astype(np.intp)
    share = (place - below).astype(np.float32)
    below.setflags(write=False)
    share.setflags(write=False)
    return below, share
