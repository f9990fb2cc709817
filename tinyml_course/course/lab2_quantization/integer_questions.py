"""Questions 5 to 8: bias, multiplier and shift, rounding, and a convolution, in integers."""

# ruff: noqa: ARG001, ARG005 - a planted mistake leaves out what it should use

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.quantization import quantize_bias
from tinyml_course.quantization.integer import integer_conv2d, requantize

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
            "What is below `2**-32` should give (0, 0): no shift on the board is that long.",
            _tiny_kept,
        ),
        Mistake(
            "The fraction is still a float. Multiply it by `2**31` and round.",
            _as_float,
        ),
    ),
)


def high_mul(values: Array, multiplier: Array) -> Array:
    """The first step of `requantize`: the doubled product's upper half, halves up."""
    product: Array = (values * multiplier.astype(np.int64) + 2**30) >> 31
    return product


def shift_right(values: Array, places: Array) -> Array:
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
    return _saturated(high_mul(wide, multiplier) >> right, zero_point)


def _product_floors(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(shift_right((wide * multiplier.astype(np.int64)) >> 31, right), zero_point)


def _halves_up(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    high = high_mul(wide, multiplier)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return _saturated((high + half) >> right, zero_point)


def _zero_point_forgotten(
    accumulator: Array, multiplier: Array, shift: Array, zero_point: int
) -> Array:
    wide, right = _parts(accumulator, shift)
    return _saturated(shift_right(high_mul(wide, multiplier), right), 0)


def _unclipped(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift)
    sums: Array = shift_right(high_mul(wide, multiplier), right) + zero_point
    return sums


def _wrapped(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    return _unclipped(accumulator, multiplier, shift, zero_point).astype(np.int8)


def _left_ignored(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    right = np.maximum(-shift.astype(np.int64), 0)
    high = high_mul(accumulator.astype(np.int64), multiplier)
    return _saturated(shift_right(high, right), zero_point)


def _first_channel(accumulator: Array, multiplier: Array, shift: Array, zero_point: int) -> Array:
    wide, right = _parts(accumulator, shift[:1])
    return _saturated(shift_right(high_mul(wide, multiplier[:1]), right), zero_point)


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
        case(_int32(20, 30), _int32(1503238554, 1288490189), _int32(2, -2), -5),
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
        Mistake("The zero point is missing. Add it before you clip.", _zero_point_forgotten),
        Mistake("Nothing saturates. Clip to -128..127.", _unclipped),
        Mistake("Large values wrap around. Clip before you change the type.", _wrapped),
        Mistake(
            "A positive shift is ignored. It shifts the accumulator left, before the product.",
            _left_ignored,
        ),
        Mistake(
            "All channels have the first multiplier. Channels are the last axis.", _first_channel
        ),
    ),
)


def _conv(
    x: Array,
    weight: Array,
    bias: Array,
    zero_in: int,
    multiplier: Array,
    shift: Array,
    zero_out: int,
    stride: int = 1,
    padding: int = 0,
    *,
    pad_with: int | None = None,
) -> Array:
    size = weight.shape[1]
    edges = ((padding, padding), (padding, padding), (0, 0))
    border = zero_in if pad_with is None else pad_with
    centred = np.pad(x.astype(np.int64), edges, constant_values=border) - zero_in
    rows = (centred.shape[0] - size) // stride + 1
    columns = (centred.shape[1] - size) // stride + 1
    sums = np.empty((rows, columns, len(weight)), np.int64)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            window = centred[top : top + size, left : left + size]
            sums[row, column] = np.tensordot(weight.astype(np.int64), window, 3) + bias
    wide, right = _parts(sums, shift)
    return _saturated(shift_right(high_mul(wide, multiplier), right), zero_out)


def _padded_with_0(*arguments: Any) -> Array:
    return _conv(*arguments, pad_with=0)


def _input_not_centred(x: Array, weight: Array, bias: Array, zero_in: int, *others: Any) -> Array:
    return _conv(x, weight, bias, 0, *others, pad_with=zero_in)


def _without_bias(x: Array, weight: Array, bias: Array, *others: Any) -> Array:
    return _conv(x, weight, 0 * bias, *others)


def _bias_behind(
    x: Array, weight: Array, bias: Array, zero_in: int, m: Array, s: Array, zero: int, *more: Any
) -> Array:
    answer: Array = np.clip(
        _conv(x, weight, 0 * bias, zero_in, m, s, zero, *more) + bias, -128, 127
    )
    return answer


def _stride_ignored(
    x: Array, w: Array, b: Array, z: int, m: Array, s: Array, o: int, stride: int = 1, pad: int = 0
) -> Array:
    return _conv(x, w, b, z, m, s, o, 1, pad)


def _padding_ignored(
    x: Array, w: Array, b: Array, z: int, m: Array, s: Array, o: int, stride: int = 1, pad: int = 0
) -> Array:
    return _conv(x, w, b, z, m, s, o, stride, 0)


def _kernel_turned(x: Array, weight: Array, *others: Any) -> Array:
    return _conv(x, weight[:, ::-1, ::-1], *others)


def _sums_in_int8(
    x: Array, w: Array, b: Array, z: int, m: Array, s: Array, o: int, stride: int = 1, pad: int = 0
) -> Array:
    # The difference wraps around in int8: 127 - (-10) becomes -119.
    return _conv((x - np.int8(z)).astype(np.int8), w, b, 0, m, s, o, stride, pad)


def _int8(values: Any) -> Array:
    return np.array(values, np.int8)


_X = _int8([[[10], [-20], [30]], [[40], [50], [-60]], [[70], [-128], [127]]])
_KERNEL = _int8([[[[1], [2]], [[-3], [4]]]])
_HALF = (_int32(2**30), _int32(-2))
_TWO = (_int32(2**30, 1503238554), _int32(-2, -4))
_PAIR = np.concatenate([_KERNEL, 3 * _KERNEL[:, ::-1]])

CONVOLUTION = Question(
    name="q8",
    title="a convolution in integers",
    points=7,
    reference=integer_conv2d,
    cases=(
        case(_X, _KERNEL, _int32(0), 0, *_HALF, 0),
        case(_X, _KERNEL, _int32(100), 10, *_HALF, -3),
        case(_X, _KERNEL, _int32(-40), -128, *_HALF, 5, 1, 1),
        case(_X, _PAIR, _int32(7, -300), 9, *_TWO, 0, 2, 1),
        case(_X, _int8([[[[5]]]]), _int32(12), -7, *_HALF, 20, 2),
    ),
    mistakes=(
        Mistake(
            "The border is filled with the integer 0. Padding stands for the real 0: that is the "
            "input's zero point.",
            _padded_with_0,
        ),
        Mistake(
            "The input's zero point is not subtracted. `x - input_zero_point` is what counts.",
            _input_not_centred,
        ),
        Mistake("The bias is missing. Add it to the accumulator.", _without_bias),
        Mistake(
            "The bias is added behind `requantize`. It is on the accumulator's scale: add before.",
            _bias_behind,
        ),
        Mistake("The stride is not used.", _stride_ignored),
        Mistake("The padding is not used.", _padding_ignored),
        Mistake(
            "The kernel is turned around. Networks do not turn it: row 0 meets the top row.",
            _kernel_turned,
        ),
        Mistake(
            "`x - input_zero_point` wraps around in int8. Change to a wider type first.",
            _sums_in_int8,
        ),
    ),
)

QUESTIONS = (BIAS, MULTIPLIER, REQUANTIZE, CONVOLUTION)
