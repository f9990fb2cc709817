"""Questions 3 and 4: a scale for each channel, and where the grid of weights ends."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.lab2_quantization.grid_questions import SAME_SCALE
from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.quantization import quantize_per_channel
from tinyml_course.quantization.clipping import mse_clip

Array = NDArray[Any]


def _per_channel(
    w: Array,
    bits: int,
    axis: int,
    *,
    limit: int | None = None,
    rounding: Callable[[Array], Array] = np.rint,
    size: Callable[..., Array] = lambda w, others: np.abs(w).max(others),
) -> dict[str, Array]:
    others = tuple(a for a in range(w.ndim) if a != axis)
    most = 2 ** (bits - 1) - 1
    scales = size(w, others) / (limit or most)
    shape = [-1 if a == axis else 1 for a in range(w.ndim)]
    integers = np.clip(rounding(w / scales.reshape(shape)), -most, most)
    return {"scales": scales, "integers": integers}


def _one_scale(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    flat = _per_channel(w.reshape(1, -1), bits, 0)
    scales = np.repeat(flat["scales"], w.shape[axis])
    return {"scales": scales, "integers": flat["integers"].reshape(w.shape)}


def _largest_not_magnitude(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, size=lambda w, others: np.maximum(w.max(others), 1e-3))


def _limit_128(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, limit=2 ** (bits - 1))


def _whole_range(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, size=lambda w, o: w.max(o) - w.min(o), limit=2**bits - 1)


def _first_axis(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, 0)


def _bits_unused(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, 8, axis)


def _weights_truncated(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, rounding=np.trunc)


def _along_the_axis(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    scales = np.abs(w).max(axis, keepdims=True) / (2 ** (bits - 1) - 1)
    return {"scales": scales.ravel(), "integers": np.rint(w / scales)}


def _weights_not_rounded(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, rounding=lambda steps: steps)


def _axes_kept(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    found = _per_channel(w, bits, axis)
    shape = [-1 if a == axis else 1 for a in range(w.ndim)]
    return {**found, "scales": found["scales"].reshape(shape)}


def _standard_deviation(w: Array, bits: int = 8, axis: int = 0) -> dict[str, Array]:
    return _per_channel(w, bits, axis, size=lambda w, others: 3 * w.std(others) + 1e-3)


_ROWS = np.array([[1.0, -0.52, 0.26], [0.011, 0.004, -0.02]])

PER_CHANNEL = Question(
    name="q3",
    title="a scale for each channel",
    points=6,
    reference=quantize_per_channel,
    cases=(
        case(_ROWS),
        case(_ROWS, 4),
        case(np.array([[[[0.2, -3.0]]], [[[0.3, 1.1]]]]), 8, 3),
        case(np.array([[-4.0, 1.9], [0.5, 0.13]]), 3),
    ),
    mistakes=(
        Mistake(
            "All channels have one scale. Take the largest magnitude of each channel by itself.",
            _one_scale,
        ),
        Mistake(
            "You take the largest weight, not the largest magnitude. -4 is larger than 2 here.",
            _largest_not_magnitude,
        ),
        Mistake(
            "You divide by `2**(bits - 1)`. The largest integer is one less: 127 for 8 bits.",
            _limit_128,
        ),
        Mistake(
            "You divide the range `max - min` by all steps. A symmetric grid reaches as far down "
            "as up: the largest magnitude by 127.",
            _whole_range,
        ),
        Mistake(
            "The channels are always on axis 0. A depthwise weight has them on `axis` 3.",
            _first_axis,
        ),
        Mistake("`bits` is not used.", _bits_unused),
        Mistake(
            "The scales keep axes of length 1, as `keepdims` leaves them. Give them back as "
            "(C_out,): `scales.ravel()`.",
            _axes_kept,
        ),
        Mistake("You cut off the fraction. Round to the nearest integer.", _weights_truncated),
        Mistake("The integers have fractions: round.", _weights_not_rounded),
        Mistake(
            "You take the maximum along `axis`. A channel's weights lie along all *other* axes.",
            _along_the_axis,
        ),
        Mistake(
            "The scale comes from the spread of the weights. Here the largest magnitude becomes "
            "the largest integer.",
            _standard_deviation,
        ),
    ),
    tolerance=SAME_SCALE,
)

Cost = Callable[[Array, Array, Array], float]


def _in_steps(w: Array, limits: Any, bits: int = 8) -> float:
    most = 2 ** (bits - 1) - 1

    def of(limit: float) -> float:
        steps = w * most / limit
        return _squared(np.clip(np.rint(steps), -most, most) - steps)

    return float(min(limits, key=of))


def _step_too_many(w: Array, limits: Any, bits: int = 8) -> float:
    most = 2 ** (bits - 1)

    def of(limit: float) -> float:
        scale = limit / most
        return _squared(np.clip(np.rint(w / scale), -most, most - 1) * scale - w)

    return float(min(limits, key=of))


def _choose(w: Array, limits: Any, bits: int, cost: Cost) -> float:
    """The limit of least cost; the cost gets the error, the integers before clipping, the most."""
    most = 2 ** (bits - 1) - 1

    def of(limit: float) -> float:
        scale = limit / most
        steps = np.rint(w / scale)
        return cost(np.clip(steps, -most, most) * scale - w, steps * scale - w, np.abs(w) > limit)

    return float(min(limits, key=of))


def _squared(error: Array) -> float:
    return float((error**2).mean())


CLIP = Question(
    name="q4",
    title="the limit of least error",
    points=5,
    reference=mse_clip,
    cases=(
        case(np.array([0.1, -0.2, 0.3, -0.4, 2.0]), [2.0, 1.0, 0.4], 3),
        case(np.array([0.1, -0.2, 0.3, -0.4, 2.0]), [2.0, 1.6, 0.4], 8),
        case(np.array([1.0, -1.0, 1.1, 0.9, -1.1, 1.2]), [1.2, 1.1, 0.6], 2),
        case(np.append(np.arange(-8, 9) / 8, 1.6), [1.6, 1.2, 1.0, 0.3], 4),
        case(np.append(np.tile([0.1, -0.1, 0.05], 30), 1.0), [0.1, 0.5, 1.0], 3),
        case(np.arange(-10, 11) / 20, [1.0, 0.5], 4),
        case(np.array([-0.5, -0.8, 0.2, -0.3, 1.4]), [1.4, 1.3, 1.2], 3),
    ),
    mistakes=(
        Mistake(
            "You always take the widest limit. With few bits it rounds coarsely: compare errors.",
            lambda w, limits, bits=8: max(limits),
        ),
        Mistake(
            "You always take the narrowest limit. It cuts off large weights: compare errors.",
            lambda w, limits, bits=8: min(limits),
        ),
        Mistake(
            "You compare absolute errors. The *squared* error weighs a cut-off weight more.",
            lambda w, limits, bits=8: _choose(
                w, limits, bits, lambda error, loose, beyond: float(np.abs(error).mean())
            ),
        ),
        Mistake(
            "Nothing saturates in your error. Clip the integers to the grid before you compare.",
            lambda w, limits, bits=8: _choose(
                w, limits, bits, lambda error, loose, beyond: _squared(loose)
            ),
        ),
        Mistake(
            "`bits` is not used: with 3 bits the steps are 42 times as coarse as with 8.",
            lambda w, limits, bits=8: _choose(
                w, limits, 8, lambda error, loose, beyond: _squared(error)
            ),
        ),
        Mistake(
            "You compare the largest error. The mean over all weights decides.",
            lambda w, limits, bits=8: _choose(
                w, limits, bits, lambda error, loose, beyond: float(np.abs(error).max())
            ),
        ),
        Mistake(
            "You compare errors in steps. The steps of each limit have another size: go back to "
            "real numbers, times the scale, first.",
            _in_steps,
        ),
        Mistake(
            "Your scale is `limit / 2**(bits - 1)`. The largest integer is one less.",
            _step_too_many,
        ),
        Mistake(
            "You give the place of the best limit in the list. Give the limit itself.",
            lambda w, limits, bits=8: list(limits).index(
                _choose(w, limits, bits, lambda error, loose, beyond: _squared(error))
            ),
        ),
        Mistake(
            "You take the limit of the *largest* error.",
            lambda w, limits, bits=8: _choose(
                w, limits, bits, lambda error, loose, beyond: -_squared(error)
            ),
        ),
    ),
    tolerance=SAME_SCALE,
)

QUESTIONS = (PER_CHANNEL, CLIP)
