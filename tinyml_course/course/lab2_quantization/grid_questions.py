"""Questions 1 and 2: a grid for a range, and integers on it."""

# ruff: noqa: ARG001 - a planted mistake leaves out what it should use

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.quantization import quantize_linear, scale_and_zero_point

Array = NDArray[Any]
SAME_SCALE = 1e-6
"""Scales are float32 on a board; who computes them in float64 is as right."""


def _away(x: Array) -> Array:
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


def _cut_off(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    return _grid(*_widened(low, high), 2**bits - 1, -(2 ** (bits - 1)), int)


def _order_turned(low: float, high: float, bits: int = 8) -> tuple[float, float]:
    scale, zero_point = _grid(*_widened(low, high), 2**bits - 1, -(2 ** (bits - 1)))
    return zero_point, scale


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
        case(-1.0, 6.0),
        case(0.0, 6.0),
        case(2.0, 6.0),
        case(-5.0, -1.0),
        case(-0.7, 0.4, 4),
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
            "`int` and `//` do not round: `int` cuts off toward zero. Take the nearest integer.",
            _cut_off,
        ),
        Mistake("The order is turned: the scale comes first, then the zero point.", _order_turned),
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
    rounding: Callable[[Array], Array] = _away,
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
    integers = _away(np.asarray(x, np.float64) / scale) + zero_point
    wrapped: Array = (integers + 128) % 256 - 128
    return wrapped


def _never_clipped(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _away(np.asarray(x, np.float64) / scale) + zero_point


def _from_0(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    clipped: Array = np.clip(_never_clipped(x, scale, zero_point), 0, 2**bits - 1)
    return clipped


def _clipped_too_early(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(x, scale, 0, bits) + zero_point


def _added_too_early(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(np.asarray(x, np.float64) / scale + zero_point, 1.0, 0, bits)


def _sum_rounded_to_even(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> Array:
    return _quantized(np.asarray(x, np.float64) / scale + zero_point, 1.0, 0, bits, np.rint)


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
        case([2.5, -2.5, -0.5], 1.0, 3),
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
        Mistake("Nothing saturates. Clip to the smallest and the largest integer.", _never_clipped),
        Mistake(
            "Your integers begin at 0. Signed ones begin at `-2**(bits - 1)`: -128 for 8 bits.",
            _from_0,
        ),
        Mistake(
            "The zero point is added before the rounding, so halves round on the wrong side of 0: "
            "-2.5 is -3, and with a zero point of 3 that is 0. Round `r / scale`, then add.",
            _added_too_early,
        ),
        Mistake(
            "`np.round(x / scale + zero_point)` sends halves to even neighbours, and rounds on the "
            "wrong side of 0. Round `x / scale` away from zero, then add.",
            _sum_rounded_to_even,
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

QUESTIONS = (GRID, INTEGERS)
