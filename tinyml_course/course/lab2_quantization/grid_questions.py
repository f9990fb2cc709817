"""Questions 1 to 4: a grid for a range, integers on it, a grid a channel, and where it ends."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.quantization import (
    quantize_linear,
    quantize_per_channel,
    scale_and_zero_point,
)
from tinyml_course.quantization.clipping import mse_clip

Array = NDArray[Any]
SAME_SCALE = 1e-6
"""Scales are float32 on a board; who computes them in float64 is as right."""


def away(x: Array) -> Array:
    """To the nearest integer, halves away from zero."""
    rounded: Array = np.trunc(x + np.copysign(0.5, x))
    return rounded


def _widened(low: float, high: float) -> tuple[float, float]:
    return min(low, 0.0), max(high, 0.0)


def _grid(
    low: float, high: float, steps: int, least: int, rounding: Callable[[float], float] = round
) -> tuple[float, float]:
    scale = (high - low) / steps
    return scale, rounding(least - low / scale)


def _not_widened(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(low, high, 2**bits - 1, -(2 ** (bits - 1)))


def _steps_not_gaps(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 2**bits, -(2 ** (bits - 1)))


def _unsigned(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 2**bits - 1, 0)


def _sign_turned(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    low, high = _widened(low, high)
    scale = (high - low) / (2**bits - 1)
    return scale, round(-(2 ** (bits - 1)) + low / scale)


def _rounded_down(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 2**bits - 1, -(2 ** (bits - 1)), lambda z: z // 1)


def _not_rounded(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 2**bits - 1, -(2 ** (bits - 1)), lambda z: z)


def _always_8(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 255, -128)


def _symmetric(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return max(-low, high) / (2 ** (bits - 1) - 1), 0


GRID = Question(
    name="q1",
    title="scale and zero point of a range",
    points=5,
    reference=scale_and_zero_point,
    cases=(
        case(-1.0, 3.0),
        case(0.0, 6.0),
        case(2.0, 6.0),
        case(-5.0, -1.0),
        case(-0.7, 0.3, 4),
        case(-1.0, 2.1, 2),
    ),
    mistakes=(
        Mistake(
            "The range is not widened to hold 0. Padding writes 0, so a grid must hit it exactly: "
            "take `min(low, 0)` and `max(high, 0)`.",
            _not_widened,
        ),
        Mistake(
            "You divide by the number of integers. 256 integers have 255 gaps between them.",
            _steps_not_gaps,
        ),
        Mistake(
            "Your integers begin at 0. Signed ones begin at `-2**(bits - 1)`: -128 for 8 bits.",
            _unsigned,
        ),
        Mistake(
            "The sign of `low / scale` is turned. `low` belongs to the smallest integer, so 0 lies "
            "`-low / scale` above it.",
            _sign_turned,
        ),
        Mistake("The zero point is rounded down. Take the nearest integer.", _rounded_down),
        Mistake(
            "The zero point has a fraction. It must be an integer, or 0 is not on the grid: round.",
            _not_rounded,
        ),
        Mistake("`bits` is not used: 4 bits have 16 integers, -8 to 7.", _always_8),
        Mistake(
            "This grid is symmetric. That is right for weights; activations have a zero point.",
            _symmetric,
        ),
    ),
    tolerance=SAME_SCALE,
)


def _quantized(
    x: Any,
    scale: float,
    zero_point: int = 0,
    bits: int = 8,
    rounding: Callable[[Array], Array] = away,
) -> Array:
    most = 2 ** (bits - 1) - 1
    integers = rounding(np.asarray(x, np.float64) / scale) + zero_point
    clipped: Array = np.clip(integers, -most - 1, most)
    return clipped


def _half_to_even(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, zero_point, bits, np.rint)


def _truncated(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, zero_point, bits, np.trunc)


def _half_up(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, zero_point, bits, lambda real: np.floor(real + 0.5))


def _wraps(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    span = 2**bits
    integers = away(np.asarray(x, np.float64) / scale) + zero_point
    wrapped: Array = (integers + span // 2) % span - span // 2
    return wrapped


def _clipped_too_early(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, 0, bits) + zero_point


def _symmetric_limits(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    most = 2 ** (bits - 1) - 1
    answer: Array = np.maximum(_quantized(x, scale, zero_point, bits), -most)
    return answer


def _multiplied(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, 1 / scale, zero_point, bits)


def _subtracted(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, -zero_point, bits)


def _8_bits(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, zero_point)


INTEGERS = Question(
    name="q2",
    title="real numbers to integers",
    points=5,
    reference=quantize_linear,
    cases=(
        case([0.0, 0.9, -0.9, 2.2], 0.5),
        case([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], 1.0),
        case([200.0, -200.0], 1.0),
        case([3.0, -3.0], 0.1, 100),
        case([0.3, 0.9, -2.0], 0.25, -1, 4),
    ),
    mistakes=(
        Mistake(
            "Halves go to the even neighbour, as NumPy's and Python's `round` send them. A board "
            "rounds them away from zero: 2.5 becomes 3, -2.5 becomes -3.",
            _half_to_even,
        ),
        Mistake("You cut off the fraction (`astype`, `int`). Round to the nearest.", _truncated),
        Mistake(
            "Negative halves go up: `floor(x + 0.5)` makes -2.5 to -2. Away from zero is -3.",
            _half_up,
        ),
        Mistake(
            "Large values wrap around: 200 becomes -56. Clip before you change the type.", _wraps
        ),
        Mistake(
            "You clip before the zero point is added. What must fit is the sum: clip last.",
            _clipped_too_early,
        ),
        Mistake("The smallest integer is missing. Only weights leave -128 out.", _symmetric_limits),
        Mistake("You multiply by the scale. An integer counts steps: divide.", _multiplied),
        Mistake("The zero point is subtracted. Real 0 must become it: add.", _subtracted),
        Mistake("`bits` is not used: 4 bits end at -8 and 7.", _8_bits),
    ),
)


def _per_channel(
    w: Array,
    bits: int,
    axis: int,
    *,
    limit: int | None = None,
    rounding: Callable[[Array], Array] = away,
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
        Mistake("You cut off the fraction. Round to the nearest integer.", _weights_truncated),
        Mistake(
            "The scale comes from the spread of the weights. Here the largest magnitude becomes "
            "the largest integer.",
            _standard_deviation,
        ),
    ),
    tolerance=SAME_SCALE,
)

Cost = Callable[[Array, Array, Array], float]


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
            "You take the limit of the *largest* error.",
            lambda w, limits, bits=8: _choose(
                w, limits, bits, lambda error, loose, beyond: -_squared(error)
            ),
        ),
    ),
    tolerance=SAME_SCALE,
)

QUESTIONS = (GRID, INTEGERS, PER_CHANNEL, CLIP)
