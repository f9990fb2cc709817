"""Magnitude: what is small matters little."""

import numpy as np

from tinyml_course.pruning.counts import Floats, check_weight
from tinyml_course.pruning.errors import WeightError


def l1_importance(w: Floats) -> Floats:
    """``|w|``; summed over a block it is the L1 norm (Han et al. 2015; Li et al. 2017)."""
    check_weight(w)
    return np.abs(w.astype(np.float64))


def l2_importance(w: Floats) -> Floats:
    """``w^2``; summed over a block it is the square of the L2 norm."""
    check_weight(w)
    squares: Floats = w.astype(np.float64) ** 2
    return squares


def channel_importance(w: Floats, order: int = 2, axis: int = 0) -> Floats:
    """The norm of each channel of a layer.

    Args:
        w: ``(C_out, C_in, ...)``.
        order: 1 or 2.
        axis: 0 for output channels, 1 for input channels.

    Returns:
        float64 ``(C,)``.

    Raises:
        WeightError: no weights, NaN, no such axis, or another norm.
    """
    check_weight(w)
    if order not in (1, 2) or not 0 <= axis < w.ndim:
        raise WeightError(f"order 1 or 2 and an axis of {w.shape}, got order {order}, axis {axis}")
    rows = np.moveaxis(w.astype(np.float64), axis, 0).reshape(w.shape[axis], -1)
    norms: Floats = np.linalg.norm(rows, ord=order, axis=1)
    return norms
