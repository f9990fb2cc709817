"""Pattern-based pruning: every 3x3 kernel gets one of a few fixed masks (PatDNN, PCONV)."""

from itertools import combinations

import numpy as np

from tinyml_course.pruning.counts import Floats, Mask, check_weight, importance_of
from tinyml_course.pruning.errors import SparsityError

CENTRE = 4
"""Index of the middle of nine weights; it is in every pattern (PatDNN, section 4.1)."""


def all_patterns(entries: int = 4) -> Mask:
    """Every pattern of so many weights that holds the middle one, ``(P, 3, 3)``.

    Raises:
        SparsityError: ``entries`` outside of 1..9.
    """
    if not 1 <= entries <= 9:
        nearest = min(max(entries, 1), 9)
        raise SparsityError(f"a pattern keeps 1 to 9 weights, got {entries}; nearest: {nearest}")
    others = [place for place in range(9) if place != CENTRE]
    chosen = list(combinations(others, entries - 1))
    patterns = np.zeros((len(chosen), 9), np.bool_)
    patterns[:, CENTRE] = True
    for row, places in zip(patterns, chosen, strict=True):
        row[list(places)] = True
    return patterns.reshape(-1, 3, 3)


def select_patterns(w: Floats, count: int = 8, entries: int = 4) -> Mask:
    """The patterns that suit the most kernels (PatDNN, section 4.1).

    A kernel's natural pattern is its middle weight and the ``entries - 1`` largest others. Of
    patterns that are natural for equally many kernels, the one that keeps more of the squares of
    all of them comes first.

    Args:
        w: ``(C_out, C_in, 3, 3)``.
        count: patterns; the papers use 4 to 8.
        entries: weights that a pattern keeps; 4 is a sparsity of 5/9.

    Returns:
        Bool ``(count, 3, 3)``, the most frequent first.

    Raises:
        SparsityError: no 3x3 kernels, or more patterns than there are.
        WeightError: no weights, NaN or infinity.
    """
    squares = _kernels(w, None)
    patterns = all_patterns(entries)
    if not 1 <= count <= len(patterns):
        nearest = min(max(count, 1), len(patterns))
        raise SparsityError(
            f"there are {len(patterns)} patterns of {entries} weights, {count} were asked for; "
            f"the nearest is {nearest}"
        )
    retained = squares @ patterns.reshape(-1, 9).T.astype(np.float64)
    frequency = np.bincount(retained.argmax(1), minlength=len(patterns))
    order = np.lexsort((-retained.sum(0), -frequency))
    return patterns[order[:count]]


def pattern_mask(w: Floats, patterns: Mask, importance: Floats | None = None) -> Mask:
    """Give every kernel the pattern that keeps the most of it; of equal ones the first.

    Args:
        w: ``(C_out, C_in, 3, 3)``.
        patterns: bool ``(P, 3, 3)``, all with equally many weights.
        importance: of each weight, shape of ``w``; by default its square.

    Returns:
        Bool of ``w``'s shape, true where a weight is kept.

    Raises:
        SparsityError: no 3x3 kernels; no patterns, or such of different sizes.
        WeightError: no weights, NaN or infinity.
    """
    kernels = _kernels(w, importance)
    if patterns.ndim != 3 or patterns.shape[1:] != (3, 3) or not len(patterns):
        raise SparsityError(f"patterns are (P, 3, 3) with P >= 1, got {patterns.shape}")
    flat = patterns.reshape(-1, 9).astype(np.bool_)
    sizes = sorted(set(flat.sum(1).tolist()))
    if len(sizes) > 1:
        raise SparsityError(f"patterns keep {sizes} weights; all must keep equally many")
    chosen = (kernels @ flat.T.astype(np.float64)).argmax(1)
    mask: Mask = flat[chosen].reshape(w.shape)
    return mask


def _kernels(w: Floats, importance: Floats | None) -> Floats:
    """The importance of every kernel's weights, ``(C_out C_in, 9)``."""
    check_weight(w)
    if w.ndim != 4 or w.shape[2:] != (3, 3):
        raise SparsityError(f"patterns are for (C_out, C_in, 3, 3), got {w.shape}")
    return importance_of(w, importance, power=2).reshape(-1, 9)
