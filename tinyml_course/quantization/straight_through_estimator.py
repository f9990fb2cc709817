"""Fake quantization and its gradient as plain arrays: what `fake_quantization` does in torch."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph.quantization import halves_away, integer_limits

Floats = NDArray[np.float64]


def straight_through(
    x: NDArray[np.floating], scale: float, zero_point: int = 0, bits: int = 8
) -> dict[str, Floats]:
    """What is left of real numbers after they have been integers, and its gradient.

    The straight-through estimator: rounding passes the gradient on, saturation stops it (Bengio et
    al. 2013; Jacob et al. 2018, section 3).

    Args:
        x: of any shape.
        scale: step of the grid.
        zero_point: the integer that stands for 0.
        bits: 2 to 8.

    Returns:
        ``values``, on the grid, and ``gradient``, 1 where the integer lies on the grid and 0 where
        it had to saturate; both float64 of the shape of ``x``.
    """
    least, most = integer_limits(bits)
    integers = halves_away(np.asarray(x, np.float64) / scale) + zero_point
    inside = (integers >= least) & (integers <= most)
    values = (np.clip(integers, least, most) - zero_point) * scale
    return {"values": values, "gradient": inside.astype(np.float64)}
