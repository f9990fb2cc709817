"""Questions 5 to 7: a bias, multiplier and shift, and back to int8."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.quantization import quantize_bias
from tinyml_course.quantization.integer import requantize

Array = NDArray[Any]

BIAS = Question(
    name="q5",
    title="a bias as int32",
    points=4,
    reference=quantize_bias,
    cases=(
        case(np.array([0.5, -0.25]), 0.02, np.array([0.01, 0.005])),
        case(np.array([1.0]), 0.5, np.array([0.3])),
        case(np.array([-3.2, 0.0, 7.0]), 0.004, np.array([0.002, 0.1, 0.03])),
        case(np.array([1.0, 2.0]), 0.1, np.array([0.03])),
    ),
    mistakes=(
        Mistake(
            "The input's scale is missing. The accumulator sums products of both, so its step is "
            "`input_scale * scale`.",
            lambda bias, input_scale, scale: np.rint(bias / scale),
        ),
        Mistake(
            "The weights' scales are missing. The accumulator sums products of both, so its step "
            "is `input_scale * scale`.",
            lambda bias, input_scale, scale: np.rint(bias / input_scale),
        ),
        Mistake(
            "The bias is clipped to int8. It is added to an int32 accumulator: let it be int32.",
            lambda bias, input_scale, scale: np.clip(
                np.rint(bias / (input_scale * scale)), -128, 127
            ),
        ),
        Mistake(
            "You cut off the fraction. Round to the nearest integer.",
            lambda bias, input_scale, scale: np.trunc(bias / (input_scale * scale)),
        ),
        Mistake(
            "The integers have fractions: round.",
            lambda bias, input_scale, scale: bias / (input_scale * scale),
        ),
        Mistake(
            "You round down. Take the nearest integer.",
            lambda bias, input_scale, scale: np.floor(bias / (input_scale * scale)),
        ),
        Mistake(
            "You multiply by the step. The integer counts steps: divide.",
            lambda bias, input_scale, scale: np.rint(bias * input_scale * scale),
        ),
        Mistake(
            "All channels have the scale of the first one.",
            lambda bias, input_scale, scale: np.rint(bias / (input_scale * scale[0])),
        ),
        Mistake(
            "The two scales are added. A product of two numbers has the product of their scales.",
            lambda bias, input_scale, scale: np.rint(bias / (input_scale + scale)),
        ),
    ),
)


def _split(real: float, bits: int = 31, rounding: Callable[[float], float] = round) -> Any:
    mantissa, shift = math.frexp(real)
    return int(rounding(mantissa * 2**bits)), shift


def _settled(pair: tuple[int, int], real: float) -> tuple[int, int]:
    """A pair as it should be in the two special cases."""
    multiplier, shift = pair
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if real < 2.0**-32 else (multiplier, shift)


def _shift_turned(real: float) -> tuple[int, int]:
    multiplier, shift = _settled(_split(real), real)
    return multiplier, -shift


def _cut_off(real: float) -> tuple[int, int]:
    return _settled(_split(real, rounding=math.floor), real)


def _30_bits(real: float) -> tuple[int, int]:
    mantissa, shift = math.frexp(real)
    return _settled((round(mantissa * 2**30), shift), real)


def _no_shift(real: float) -> tuple[int, int]:
    return round(real * 2**31), 0


def _mantissa_from_1(real: float) -> tuple[int, int]:
    multiplier, shift = _settled(_split(real), real)
    return (2 * multiplier, shift - 1) if multiplier else (0, 0)


def _too_large_for_int32(real: float) -> tuple[int, int]:
    return (0, 0) if real < 2.0**-32 else _split(real)


def _no_special_case(real: float) -> Any:
    return _split(real)


def _cut_to_int32(real: float) -> tuple[int, int]:
    multiplier, shift = _too_large_for_int32(real)
    return min(multiplier, 2**31 - 1), shift


def _halved_the_wrong_way(real: float) -> tuple[int, int]:
    multiplier, shift = _too_large_for_int32(real)
    return (2**30, shift - 1) if multiplier == 2**31 else (multiplier, shift)


def _tiny_kept(real: float) -> tuple[int, int]:
    multiplier, shift = _split(real)
    return (2**30, shift + 1) if multiplier == 2**31 else (multiplier, shift)


def _as_float(real: float) -> tuple[float, int]:
    return math.frexp(real)


MULTIPLIER = Question(
    name="q6",
    title="a real number as multiplier and shift",
    points=6,
    reference=quantize_multiplier,
    cases=(
        case(0.5),
        case(0.0123),
        case(3.7),
        case(1 - 2.0**-40),
        case(0.0),
        case(2.0**-40),
        case(1.0),
    ),
    mistakes=(
        Mistake(
            "The sign of the shift is turned: `real` is about `multiplier * 2**(shift - 31)`, so "
            "a small number has a negative shift.",
            _shift_turned,
        ),
        Mistake("The multiplier is rounded down. Round it to the nearest.", _cut_off),
        Mistake(
            "One bit is given away: the multiplier lies between `2**30` and `2**31`.", _30_bits
        ),
        Mistake(
            "The shift is always 0, so a small number has few bits left. `math.frexp` gives a "
            "fraction of at least a half and its exponent.",
            _no_shift,
        ),
        Mistake(
            "The fraction lies between 1 and 2, so the multiplier does not fit int32. It must lie "
            "from a half to 1.",
            _mantissa_from_1,
        ),
        Mistake(
            "The multiplier may round up to `2**31`, one too many for int32. Halve it then, and "
            "add 1 to the shift.",
            _too_large_for_int32,
        ),
        Mistake(
            "Both special cases are missing: the fraction may round up to `2**31`, which int32 "
            "does not hold, and 0 and what is below `2**-32` give (0, 0).",
            _no_special_case,
        ),
        Mistake(
            "You cut a multiplier of `2**31` to what int32 holds. That is almost right; it is "
            "exact to halve it, and to add 1 to the shift.",
            _cut_to_int32,
        ),
        Mistake(
            "Where you halve the multiplier, the shift must grow by 1 to make up for it.",
            _halved_the_wrong_way,
        ),
        Mistake(
            "What is below `2**-32` should give (0, 0): no shift on the board is that long.",
            _tiny_kept,
        ),
        Mistake(
            "The fraction is still a float. Multiply it by `2**31` and round.",
            _as_float,
        ),
    ),
)


def _high_mul(values: Array, multiplier: Array) -> Array:
    """The first step of `requantize`: the doubled product's upper half, halves up."""
    product: Array = (values * multiplier.astype(np.int64) + 2**30) >> 31
    return product


def _shift_right(values: Array, places: Array) -> Array:
    """The second step of `requantize`: halves away from zero."""
    half = np.where(places > 0, np.int64(1) << np.maximum(places - 1, 0), 0)
    shifted: Array = np.sign(values) * ((np.abs(values) + half) >> places)
    return shifted


def _parts(accumulator: Array, shift: Array) -> tuple[Array, Array]:
    shifts = shift.astype(np.int64)
    return accumulator.astype(np.int64) << np.maximum(shifts, 0), np.maximum(-shifts, 0)


def _saturated(values: Array, zero_point: int) -> Array:
    clipped: Array = np.clip(values + zero_point, -128, 127)
    return clipped


def _in_floats(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    real = accumulator * multiplier * 2.0 ** (shift.astype(float) - 31)
    return _saturated(np.trunc(real + np.copysign(0.5, real)), zero_point)


def _rounded_once(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    product = accumulator.astype(np.int64) * multiplier
    places = 31 - shift.astype(np.int64)
    return _saturated((product + (np.int64(1) << (places - 1))) >> places, zero_point)


def _shift_floors(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(_high_mul(wide, multiplier) >> right, zero_point)


def _product_floors(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(_shift_right((wide * multiplier.astype(np.int64)) >> 31, right), zero_point)


def _halves_up(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    high = _high_mul(wide, multiplier)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return _saturated((high + half) >> right, zero_point)


def _halves_to_even(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(np.rint(_high_mul(wide, multiplier) / 2.0**right), zero_point)


def _clipped_too_early(
    accumulator: Array, multiplier: Array, shift: Array, zero_point: int
) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(_shift_right(_high_mul(wide, multiplier), right), 0) + zero_point


def _left_too_late(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    left = np.maximum(shift.astype(np.int64), 0)
    right = np.maximum(-shift.astype(np.int64), 0)
    high = _high_mul(accumulator.astype(np.int64), multiplier) << left
    return _saturated(_shift_right(high, right), zero_point)


def _zero_point_forgotten(
    accumulator: Array, multiplier: Array, shift: Array, zero_point: int
) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(_shift_right(_high_mul(wide, multiplier), right), 0)


def _unclipped(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    sums: Array = _shift_right(_high_mul(wide, multiplier), right) + zero_point
    return sums


def _wrapped(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    return _unclipped(accumulator, multiplier, shift, zero_point).astype(np.int8)


def _in_int32(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    product = wide.astype(np.int32) * multiplier.astype(np.int32) + np.int32(2**30)
    return _saturated(_shift_right((product >> 31).astype(np.int64), right), zero_point)


def _left_ignored(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    right = np.maximum(-shift.astype(np.int64), 0)
    high = _high_mul(accumulator.astype(np.int64), multiplier)
    return _saturated(_shift_right(high, right), zero_point)


def _first_channel(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift[:1])
    return _saturated(_shift_right(_high_mul(wide, multiplier[:1]), right), zero_point)


def _int32(*numbers: int) -> Array:
    return np.array(numbers, np.int32)


REQUANTIZE = Question(
    name="q7",
    title="an accumulator back to int8",
    points=7,
    reference=requantize,
    cases=(
        case(_int32(10, -10, 300, -300), _int32(2**30), _int32(0), 0),
        case(_int32(1, -1, 3, -3, 5, -5), _int32(2**30), _int32(-1), 0),
        case(_int32(1000, -1000), _int32(1503238554), _int32(-3), 10),
        case(_int32(21, 30), _int32(1503238554, 1288490189), _int32(2, -2), -5),
        case(_int32(90_000, -90_000), _int32(2**30), _int32(-2), 3),
        case(_int32(7, -7, 9, -9), _int32(1 << 30), _int32(-2), 100),
    ),
    mistakes=(
        Mistake(
            "You round once, away from zero, as a float does. The board rounds twice: after the "
            "multiplication (halves up), and after the shift (halves away from zero).",
            _in_floats,
        ),
        Mistake(
            "Multiplication and shift are one step here. The board rounds after each of them.",
            _rounded_once,
        ),
        Mistake(
            "The right shift rounds down (`>>` alone). Round to the nearest, halves away from "
            "zero: add half a step to the magnitude first.",
            _shift_floors,
        ),
        Mistake(
            "The product is rounded down: add `2**30` before you shift it by 31.",
            _product_floors,
        ),
        Mistake(
            "Negative halves go up in your shift. They go away from zero: shift the magnitude and "
            "put the sign back.",
            _halves_up,
        ),
        Mistake(
            "Halves go to the even neighbour in your shift, as `round` sends them. They go away "
            "from zero.",
            _halves_to_even,
        ),
        Mistake("The zero point is missing. Add it before you clip.", _zero_point_forgotten),
        Mistake("You clip before the zero point is added. Clip last.", _clipped_too_early),
        Mistake(
            "The shift to the left comes after the product, which has been rounded by then. Shift "
            "first.",
            _left_too_late,
        ),
        Mistake("Nothing saturates. Clip to -128..127.", _unclipped),
        Mistake("Large values wrap around. Clip before you change the type.", _wrapped),
        Mistake(
            "The product does not fit int32 and wraps around. Change to `np.int64` before you "
            "multiply.",
            _in_int32,
        ),
        Mistake(
            "A positive shift is ignored. It shifts the accumulator left, before the product.",
            _left_ignored,
        ),
        Mistake(
            "All channels have the first multiplier. Channels are the last axis.", _first_channel
        ),
    ),
    doors=(
        "tinyml_course.graph.fixed_point:multiply_by_quantized_multiplier",
        "tinyml_course.mcu.reference.rounding:requantize",
        "tinyml_course.mcu.kernels.rescaler:rescaled",
    ),
)

QUESTIONS = (BIAS, MULTIPLIER, REQUANTIZE)
