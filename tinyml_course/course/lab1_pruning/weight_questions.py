"""Questions 1 to 4: which weights go: any, so many a layer, N of M, by pattern."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.granularity import (
    all_patterns,
    fine_grained_mask,
    nm_mask,
    pattern_mask,
)
from tinyml_course.pruning.ratios import sensitivity_ratios

Array = NDArray[Any]
Curves = Mapping[str, Sequence[float]]


def array(*rows: Any) -> Array:
    """Weights of a case, in double precision."""
    return np.array(rows, np.float64)


def _without_least(scores: Array, pruned: int) -> Array:
    mask = np.ones(scores.size, np.bool_)
    mask[np.argsort(scores, axis=None, kind="stable")[:pruned]] = False
    return mask.reshape(scores.shape)


def _threshold_takes_ties(w: Array, sparsity: float) -> Array:
    pruned = round(sparsity * w.size)
    ordered = np.sort(np.abs(w), axis=None)
    return np.abs(w) > (ordered[pruned - 1] if pruned else -1.0)


def _threshold_leaves_ties(w: Array, sparsity: float) -> Array:
    pruned = round(sparsity * w.size)
    ordered = np.sort(np.abs(w), axis=None)
    return np.abs(w) >= (ordered[pruned] if pruned < w.size else np.inf)


def _last_of_equals(w: Array, sparsity: float) -> Array:
    mask = np.zeros(w.size, np.bool_)
    kept = w.size - round(sparsity * w.size)
    mask[np.argsort(-np.abs(w), axis=None, kind="stable")[:kept]] = True
    return mask.reshape(w.shape)


def _row_by_row(w: Array, sparsity: float) -> Array:
    rows = [_without_least(np.abs(r), round(sparsity * r.size)) for r in np.atleast_2d(w)]
    return np.array(rows).reshape(w.shape)


FINE_GRAINED = Question(
    name="q1",
    title="fine-grained pruning",
    points=8,
    reference=fine_grained_mask,
    cases=(
        case(array(9, -1, 0.5, 2), 0.5),
        case(array(0.1, -0.9, 0.4, -0.2, 0.6, 0.3, -0.8), 0.4),
        case(array(1, -1, 1, 2, -1), 0.4),
        case(array([4, -3, 5], [0.5, 0.1, -0.2]), 2 / 3),
        case(array(2, -1), 0.0),
        case(array(2, -1, 7), 1.0),
    ),
    mistakes=(
        Mistake(
            "A threshold prunes every weight as large as the last that should go, so of equal "
            "ones too many. Sort, and count off exactly as many as are asked for.",
            _threshold_takes_ties,
        ),
        Mistake(
            "A threshold leaves all weights that are equal to it, so too few go. Sort, and count "
            "off exactly as many as are asked for.",
            _threshold_leaves_ties,
        ),
        Mistake(
            "The most negative weights go first. Small means small in magnitude: take `np.abs`.",
            lambda w, sparsity: _without_least(w, round(sparsity * w.size)),
        ),
        Mistake(
            "The sparsity is taken as the share that stays. It is the share that goes.",
            lambda w, sparsity: _without_least(np.abs(w), w.size - round(sparsity * w.size)),
        ),
        Mistake(
            "The count is rounded down. It is `round(sparsity * w.size)`: 2.8 weights are 3.",
            lambda w, sparsity: _without_least(np.abs(w), int(sparsity * w.size)),
        ),
        Mistake(
            "Each row loses the same share. The weights of the whole layer compete: sort all of "
            "them together.",
            _row_by_row,
        ),
        Mistake(
            "The mask is the wrong way round: true is what stays.",
            lambda w, sparsity: ~_without_least(np.abs(w), round(sparsity * w.size)),
        ),
        Mistake(
            "The sparsity is taken as a share of the largest magnitude. It is a share of the "
            "number of weights.",
            lambda w, sparsity: np.abs(w) > sparsity * np.abs(w).max(),
        ),
        Mistake(
            "Of equal weights the last goes first here; the first should. "
            '`np.argsort(..., kind="stable")` of the magnitudes keeps their order.',
            _last_of_equals,
        ),
        Mistake(
            "The mask holds numbers. It should hold `True` and `False`.",
            lambda w, sparsity: _without_least(np.abs(w), round(sparsity * w.size)).astype(int),
        ),
    ),
)


def _chosen(
    sparsities: Sequence[float], curve: Sequence[float], least: float, strict: bool = False
) -> float:
    ratio = 0.0
    for sparsity, accuracy in zip(sparsities, curve, strict=True):
        if accuracy < least or (strict and accuracy == least):
            break
        ratio = sparsity
    return ratio


def _all_that_keep(sparsities: Sequence[float], curve: Sequence[float], least: float) -> list[Any]:
    return [s for s, a in zip(sparsities, curve, strict=True) if a >= least]


def _first_failing(sparsities: Sequence[float], curve: Sequence[float], least: float) -> float:
    failing = [s for s, a in zip(sparsities, curve, strict=True) if a < least]
    return failing[0] if failing else sparsities[-1]


def _accuracy_there(sparsities: Sequence[float], curve: Sequence[float], least: float) -> float:
    ratio = _chosen(sparsities, curve, least)
    return curve[list(sparsities).index(ratio)] if ratio in sparsities else 0.0


_SPARSITIES = [0.3, 0.5, 0.7, 0.9]

RATIOS = Question(
    name="q2",
    title="ratios from a sensitivity scan",
    points=6,
    reference=sensitivity_ratios,
    cases=(
        case(_SPARSITIES, {"a": [0.97, 0.96, 0.9, 0.4], "b": [0.97, 0.97, 0.96, 0.93]}, 0.95),
        case(_SPARSITIES, {"a": [0.97, 0.93, 0.96, 0.2]}, 0.95),
        case(_SPARSITIES, {"a": [0.95, 0.95, 0.94, 0.9]}, 0.95),
        case(_SPARSITIES, {"a": [0.9, 0.8, 0.5, 0.1], "b": [0.99, 0.98, 0.97, 0.96]}, 0.95),
    ),
    mistakes=(
        Mistake(
            "A curve that recovers behind a dip is trusted. Stop at the first sparsity that falls "
            "below the bound.",
            lambda s, curves, least: {
                n: max(_all_that_keep(s, c, least), default=0.0) for n, c in curves.items()
            },
        ),
        Mistake(
            "This is the lowest sparsity that keeps the bound. Go on as long as it holds.",
            lambda s, curves, least: {
                n: min(_all_that_keep(s, c, least), default=0.0) for n, c in curves.items()
            },
        ),
        Mistake(
            "An accuracy exactly at the bound is not below it: compare with `<`.",
            lambda s, curves, least: {n: _chosen(s, c, least, True) for n, c in curves.items()},
        ),
        Mistake(
            "This is the first sparsity that fails. The one before it is the last that holds.",
            lambda s, curves, least: {n: _first_failing(s, c, least) for n, c in curves.items()},
        ),
        Mistake(
            "A layer that keeps the bound at no sparsity is pruned all the same. It stays dense: 0",
            lambda s, curves, least: {n: _chosen(s, c, least) or s[0] for n, c in curves.items()},
        ),
        Mistake(
            "These are places in the list. Give the sparsity that stands there.",
            lambda s, curves, least: {
                n: [0.0, *s].index(_chosen(s, c, least)) for n, c in curves.items()
            },
        ),
        Mistake(
            "These are accuracies. Give the sparsities at which they were measured.",
            lambda s, curves, least: {n: _accuracy_there(s, c, least) for n, c in curves.items()},
        ),
        Mistake(
            "All layers have the ratio of the most sensitive one. Choose for each by its own "
            "curve: that is what the scan is for.",
            lambda s, curves, least: dict.fromkeys(
                curves, min(_chosen(s, c, least) for c in curves.values())
            ),
        ),
    ),
)


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
    return _without_least(np.abs(w), round((1 - n / m) * w.size))


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
    ),
)

QUESTIONS = (FINE_GRAINED, RATIOS, N_M, PATTERN)
