"""Question 9: a gradient through the rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.quantization.straight_through_estimator import straight_through

Array = NDArray[Any]


def _fake(
    x: Any, scale: float, zero_point: int = 0, bits: int = 8
) -> tuple[Array, Array, Array, Array]:
    """Reals, integers before clipping, values, gradient."""
    real = np.asarray(x, np.float64)
    most = 2 ** (bits - 1) - 1
    integers = np.trunc(real / scale + np.copysign(0.5, real)) + zero_point
    clipped = np.clip(integers, -most - 1, most)
    return real, integers, (clipped - zero_point) * scale, (clipped == integers).astype(float)


def _through_everything(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": np.ones_like(gradient)}


def _through_nothing(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": np.zeros_like(gradient)}


def _still_integers(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": np.rint(values / scale) + zero_point, "gradient": gradient}


def _zero_point_left_in(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values + zero_point * scale, "gradient": gradient}


def _values_not_clipped(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, integers, _, gradient = _fake(x, scale, zero_point, bits)
    return {"values": (integers - zero_point) * scale, "gradient": gradient}


def _gradient_scaled(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": gradient * scale}


def _truth_values(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": gradient == 1}


def _gradient_turned(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, _, values, gradient = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": 1 - gradient}


def _around_0(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    real, _, values, _ = _fake(x, scale, zero_point, bits)
    return {"values": values, "gradient": (np.abs(real) <= 2 ** (bits - 1) * scale).astype(float)}


def _by_reals(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    real, _, values, _ = _fake(x, scale, zero_point, bits)
    most = 2 ** (bits - 1) - 1
    low, high = (scale * (end - zero_point) for end in (-most - 1, most))
    return {"values": values, "gradient": ((real >= low) & (real <= high)).astype(float)}


def _ends_left_out(x: Any, scale: float, zero_point: int = 0, bits: int = 8) -> dict[str, Any]:
    _, integers, values, _ = _fake(x, scale, zero_point, bits)
    most = 2 ** (bits - 1) - 1
    inside = (integers > -most - 1) & (integers < most)
    return {"values": values, "gradient": inside.astype(float)}


STRAIGHT_THROUGH = Question(
    name="q9",
    title="a gradient through the rounding",
    points=5,
    reference=straight_through,
    cases=(
        case(np.array([0.1, -0.6, 1.3]), 0.5),
        case(np.array([100.0, -100.0, 1.0]), 0.25),
        case(np.array([5.0, 0.2, -0.3, -2.1]), 0.5, -5, 4),
        case(np.array([3.5, -4.1, 4.2, 0.4]), 0.5, 0, 4),
        case(np.array([7.2, -7.8, -9.0]), 1.0, 0, 4),
    ),
    mistakes=(
        Mistake(
            "The gradient is 1 everywhere. Where a value saturates, a small change of it changes "
            "nothing: 0.",
            _through_everything,
        ),
        Mistake(
            "This is rounding's own gradient, 0 everywhere: nothing would learn. Pass it through "
            "as 1 where the integer lies on the grid.",
            _through_nothing,
        ),
        Mistake(
            "The values are still integers. Go back: `scale * (integer - zero_point)`.",
            _still_integers,
        ),
        Mistake(
            "The zero point is not subtracted on the way back: `scale * (integer - zero_point)`.",
            _zero_point_left_in,
        ),
        Mistake("The values do not saturate. Clip the integers first.", _values_not_clipped),
        Mistake(
            "The gradient holds the scale. Dividing and multiplying by it cancel: 1.",
            _gradient_scaled,
        ),
        Mistake(
            "The gradient is True and False. It is multiplied by other gradients: make it numbers, "
            "`.astype(float)`.",
            _truth_values,
        ),
        Mistake("The gradient is turned: 1 belongs where nothing saturates.", _gradient_turned),
        Mistake(
            "You ask whether `x` lies around 0. With a zero point the grid lies elsewhere: ask "
            "whether the *integer* lies on it.",
            _around_0,
        ),
        Mistake(
            "You ask whether `x` lies between the ends of the grid. What lies up to half a step "
            "beyond rounds to an end and is on the grid as well: ask the integer.",
            _by_reals,
        ),
        Mistake(
            "The ends of the grid are left out. A value that rounds to them is not cut off.",
            _ends_left_out,
        ),
    ),
    tolerance=1e-6,
)

QUESTIONS = (STRAIGHT_THROUGH,)
