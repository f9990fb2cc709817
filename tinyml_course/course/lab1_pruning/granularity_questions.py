"""Questions 3 and 4: which weights go together: N of M, one of a few patterns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.lab1_pruning.weight_questions import array
from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.granularity import (
    all_patterns,
    fine_grained_mask,
    nm_mask,
    pattern_mask,
)

Array = NDArray[Any]


def _by_groups(w: Array, kept: int, m: int, axis: int = 1, sign: int = 1) -> Array:
    scores = np.moveaxis(sign * np.abs(w), axis, -1)
    groups = scores.reshape(*scores.shape[:-1], -1, m)
    order = np.argsort(groups, axis=-1, kind="stable")
    mask = np.ones(groups.shape, np.bool_)
    np.put_along_axis(mask, order[..., : m - kept], False, axis=-1)
    return np.moveaxis(mask.reshape(scores.shape), -1, axis)


def _signed(w: Array, n: int, m: int) -> Array:
    return _by_groups(w - w.min(), n, m)


def _in_memory_order(w: Array, n: int, m: int) -> Array:
    return _by_groups(w.reshape(1, -1), n, m).reshape(w.shape)


def _whole_layer(w: Array, n: int, m: int) -> Array:
    return fine_grained_mask(w, 1 - n / m)


def _last_of_equals_first(w: Array, n: int, m: int) -> Array:
    # Turned around, sorted, and turned back: of equal ones the first stays.
    turned: Array = _by_groups(w[:, ::-1], n, m)[:, ::-1]
    return turned


def _all_equals_stay(w: Array, n: int, m: int) -> Array:
    groups = np.abs(w).reshape(w.shape[0], -1, m, *w.shape[2:])
    least = np.sort(groups, axis=2)[:, :, m - n : m - n + 1]
    mask: Array = (groups >= least).reshape(w.shape)
    return mask


def _strided_groups(w: Array, n: int, m: int) -> Array:
    count = w.shape[1] // m
    order = np.arange(w.shape[1]).reshape(m, count).T.reshape(-1)
    mask = np.empty(w.shape, np.bool_)
    mask[:, order] = _by_groups(w[:, order], n, m)
    return mask


_KERNELS = np.array([3, 5, 2, 1, -4, 0.5, 1, 6], np.float64).reshape(1, 4, 1, 2)

N_M = Question(
    name="q3",
    title="N:M pruning",
    points=7,
    reference=nm_mask,
    cases=(
        case(array([1, -4, 3, 2]), 2, 4),
        case(array([9, 8, 7, 6, 1, -2, 3, 0.5], [1, 2, -6, 4, 9, 1, 0, 3]), 2, 4),
        case(array([1, -2, 3, 4, 5, -6], [6, 5, 4, 3, 2, 1]), 1, 2),
        case(array([5, -7, 1, 2, 8, 3, -9, 4]), 3, 4),
        case(array([2, -2, 1, 2, -3, 3, 3, 3]), 2, 4),
        case(_KERNELS, 1, 2),
    ),
    mistakes=(
        Mistake(
            "`n` weights of each group go. `n` is how many stay.",
            lambda w, n, m: _by_groups(w, m - n, m),
        ),
        Mistake(
            "The smallest stay. Keep the `n` largest in magnitude.",
            lambda w, n, m: _by_groups(w, n, m, sign=-1),
        ),
        Mistake("The sign counts. Compare magnitudes: `np.abs`.", _signed),
        Mistake(
            "The weights of the whole layer compete. Each group of `m` keeps `n` of its own: that "
            "is what hardware can count on.",
            _whole_layer,
        ),
        Mistake(
            "Neighbours are those that lie side by side in memory, so with kernels they are taps "
            "of one kernel. They should be input channels: groups along axis 1.",
            _in_memory_order,
        ),
        Mistake(
            "Each group takes every second, third, ... channel. A group is `m` channels in a row.",
            _strided_groups,
        ),
        Mistake(
            "Only the first group of each row is pruned. Each row has `C_in / m` groups.",
            lambda w, n, m: np.concatenate(
                [_by_groups(w[:, :m], n, m), np.ones_like(w[:, m:], np.bool_)], axis=1
            ),
        ),
        Mistake(
            "The mask is the wrong way round: true is what stays.",
            lambda w, n, m: ~_by_groups(w, n, m),
        ),
        Mistake(
            "Of equal weights the last goes first here; the first should. Sort the magnitudes in "
            'rising order with `kind="stable"`, and drop the first `m - n`.',
            _last_of_equals_first,
        ),
        Mistake(
            "A threshold keeps all weights that are equal to it, so some groups keep more than "
            "`n`. Sort, and count off exactly `m - n`.",
            _all_equals_stay,
        ),
    ),
)


def _squares_kept(w: Array, patterns: Array) -> Array:
    """``(C_out, C_in, P)``."""
    kept: Array = np.einsum("oiyx,pyx->oip", w**2, patterns.astype(np.float64))
    return kept


def _best(scores: Array, patterns: Array) -> Array:
    chosen: Array = patterns[scores.argmax(-1)]
    return chosen


def _one_a_filter(w: Array, patterns: Array) -> Array:
    best = _squares_kept(w, patterns).sum(1).argmax(-1)
    return np.repeat(patterns[best][:, None], w.shape[1], axis=1)


def _by_sum(w: Array, patterns: Array) -> Array:
    return _best(np.einsum("oiyx,pyx->oip", w, patterns.astype(np.float64)), patterns)


def _by_magnitude(w: Array, patterns: Array) -> Array:
    return _best(np.einsum("oiyx,pyx->oip", np.abs(w), patterns.astype(np.float64)), patterns)


def _best_for_all(w: Array, patterns: Array) -> Array:
    best = _squares_kept(w, patterns).sum((0, 1)).argmax()
    return np.broadcast_to(patterns[best], w.shape)


def _by_largest_weight(w: Array, patterns: Array) -> Array:
    return _best((np.abs(w)[:, :, None] * patterns).max((-1, -2)), patterns)


def _last_of_equal_patterns(w: Array, patterns: Array) -> Array:
    return _best(_squares_kept(w, patterns)[..., ::-1], patterns[::-1])


def _largest_weights(w: Array, patterns: Array) -> Array:
    flat = np.abs(w).reshape(*w.shape[:2], 9)
    mask = np.zeros(flat.shape, np.bool_)
    places = np.argsort(-flat, axis=-1, kind="stable")[..., : int(patterns[0].sum())]
    np.put_along_axis(mask, places, True, axis=-1)
    return mask.reshape(w.shape)


PATTERNS = all_patterns(4)[[0, 13, 27, 55]]
"""Four of the 56 patterns, for the visible cases."""
_W = np.array(
    [
        [[[3, 1, 1], [1, 5, 0], [0, 0, 2]], [[0, 0, 0], [0, 1, -3], [1, -3, -3]]],
        [[[-5, 0.1, 0], [0, 1, 2], [2.9, 0, 2.9]], [[0, 2, 2], [1, 1, 0], [0, 3.3, 0]]],
    ],
    np.float64,
)

PATTERN = Question(
    name="q4",
    title="a pattern for each kernel",
    points=7,
    reference=pattern_mask,
    cases=(
        case(_W[:1, :1], PATTERNS),
        case(_W[:1, 1:], PATTERNS),
        case(_W, PATTERNS),
        case(_W[1:], PATTERNS[::-1].copy()),
        case(np.array([[np.ones((3, 3)), np.diag([2.0, 1, 2])]]), PATTERNS),
    ),
    mistakes=(
        Mistake(
            "The weights are added with their signs, so that large ones cancel. Compare the sums "
            "of the squares that each pattern keeps.",
            _by_sum,
        ),
        Mistake(
            "You compare sums of magnitudes. One large weight matters more than two of half its "
            "size: compare sums of squares.",
            _by_magnitude,
        ),
        Mistake(
            "All kernels have the same pattern. Each kernel chooses its own.",
            _best_for_all,
        ),
        Mistake(
            "All kernels of an output channel have the same pattern. Each kernel `w[o, i]` chooses "
            "its own.",
            _one_a_filter,
        ),
        Mistake(
            "The pattern that keeps the least is chosen. Take the one that keeps the most.",
            lambda w, patterns: patterns[_squares_kept(w, patterns).argmin(-1)],
        ),
        Mistake(
            "These are numbers of patterns. Give the mask: `patterns[number]` for each kernel.",
            lambda w, patterns: _squares_kept(w, patterns).argmax(-1),
        ),
        Mistake(
            "These are the pruned weights. Give the mask of what stays, `True` and `False`.",
            lambda w, patterns: w * patterns[_squares_kept(w, patterns).argmax(-1)],
        ),
        Mistake(
            "Only the largest weight decides. All that a pattern keeps counts: sum the squares.",
            _by_largest_weight,
        ),
        Mistake(
            "Of patterns that keep equally much, the last is taken. Take the first.",
            _last_of_equal_patterns,
        ),
        Mistake(
            "Each kernel keeps its largest weights, wherever they are. It must have one of the "
            "`patterns`: that is what a compiler can unroll.",
            _largest_weights,
        ),
    ),
)

QUESTIONS = (N_M, PATTERN)
