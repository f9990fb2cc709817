"""Questions 1 and 2: which weights of a layer go, and how many of each layer."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.granularity import fine_grained_mask
from tinyml_course.pruning.ratios import sensitivity_ratios

Array = NDArray[Any]
Curves = Mapping[str, Sequence[float]]


def array(*rows: Any) -> Array:
    """Weights of a case, in double precision."""
    return np.array(rows, np.float64)


def _without_least(scores: Array, pruned: int) -> Array:
    """A mask without so many of the least, of equal ones the first."""
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


def _any_of_equals(w: Array, sparsity: float) -> Array:
    mask = np.ones(w.size, np.bool_)
    mask[np.argsort(np.abs(w), axis=None)[: round(sparsity * w.size)]] = False
    return mask.reshape(w.shape)


def _not_zero(w: Array, sparsity: float) -> Array:
    left: Array = _without_least(np.abs(w), round(sparsity * w.size)) & (w != 0)
    return left


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
        case(array([4, -3, 5], [0.5, 0.1, -0.2]), 0.7),
        case(array(*[2, -1, 1, -2] * 8), 0.4),
        case(array(0, 4, 0, -3, 0), 0.4),
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
            "The count is rounded up. It is `round(sparsity * w.size)`: 4.2 weights are 4.",
            lambda w, sparsity: _without_least(np.abs(w), ceil(sparsity * w.size)),
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
            "Equal weights go in no certain order. `np.argsort` keeps the one in memory only with "
            '`kind="stable"`.',
            _any_of_equals,
        ),
        Mistake(
            "Weights that were zero before are taken for pruned. The mask tells which weights "
            "stay, whatever they are: make it from places, not from `w != 0`.",
            _not_zero,
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

QUESTIONS = (FINE_GRAINED, RATIOS)
