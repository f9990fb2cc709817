"""How many elements a sparsity prunes, and which: the count is exact, ties have one answer."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.pruning.errors import SparsityError, WeightError

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
"""True where a weight is kept."""


def check_weight(w: Floats, axes: int | None = None) -> None:
    """Raise unless ``w`` has elements, all finite, and so many axes.

    Raises:
        WeightError: naming what is wrong, and where.
    """
    if axes is not None and w.ndim != axes:
        raise WeightError(f"weights of shape {w.shape} have {w.ndim} axes; {axes} are needed")
    if not w.size:
        raise WeightError(f"a layer of shape {w.shape} has no weights; leave it out")
    bad = ~np.isfinite(w)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise WeightError(
            f"{int(bad.sum()):,} of {w.size:,} weights are no numbers, the first at {at} is "
            f"{w[at]}; train again with a smaller learning rate"
        )


def check_sparsity(sparsity: float) -> None:
    """Raise unless ``sparsity`` lies in 0..1.

    Raises:
        SparsityError: with the nearest value that does.
    """
    if not isinstance(sparsity, (int, float, np.number)) or math.isnan(sparsity):
        raise SparsityError(f"sparsity is a share in 0..1, got {sparsity!r}")
    if not 0 <= sparsity <= 1:
        nearest = min(max(sparsity, 0), 1)
        percent = " (a percentage? divide by 100)" if 1 < sparsity <= 100 else ""
        raise SparsityError(
            f"sparsity {sparsity:g} is outside of 0..1; the nearest is {nearest}{percent}"
        )


def pruned_count(elements: int, sparsity: float) -> int:
    """The whole number of elements nearest to ``sparsity * elements``, halves to the even one.

    Python's and torch.nn.utils.prune's rounding.

    Raises:
        SparsityError: a sparsity outside of 0..1.

    >>> pruned_count(10, 0.25), pruned_count(10, 0.35)
    (2, 4)
    """
    check_sparsity(sparsity)
    return round(sparsity * elements)


def keep_most(importance: Floats, pruned: int) -> Mask:
    """A mask of ``importance``'s shape without its ``pruned`` least elements.

    Of equal ones the first in row-major order goes first, so that there is one answer and pruning
    what is pruned already changes nothing.
    """
    order = np.argsort(importance, axis=None, kind="stable")
    mask = np.ones(importance.size, np.bool_)
    mask[order[:pruned]] = False
    return mask.reshape(importance.shape)


def importance_of(w: Floats, importance: Floats | None, power: int) -> Floats:
    """The importance that was given, checked, or the magnitude to a power, in double precision.

    Raises:
        WeightError: another shape than that of ``w``, or not finite.
    """
    check_weight(w)
    if importance is None:
        magnitude: Floats = np.abs(w.astype(np.float64)) ** power
        return magnitude
    if importance.shape != w.shape:
        raise WeightError(f"importance of shape {importance.shape} for weights of {w.shape}")
    check_weight(importance)
    return importance.astype(np.float64)


def divisors(number: int) -> list[int]:
    """What divides it, in rising order."""
    return [n for n in range(1, number + 1) if number % n == 0]
