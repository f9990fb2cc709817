"""Question 8: a convolution in integers."""

# ruff: noqa: ARG001 - a planted mistake leaves out what it should use

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.quantization.integer import integer_conv2d, requantize

Array = NDArray[Any]


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
    finish: Callable[..., Array] = requantize,
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
    return finish(sums, multiplier, shift, zero_out)


def _padded_with_0(*arguments: Any) -> Array:
    return _conv(*arguments, pad_with=0)


def _padded_twice_centred(x: Array, weight: Array, bias: Array, zero_in: int, *o: Any) -> Array:
    # The border holds the zero point behind the subtraction, so it counts twice the zero point.
    return _conv(x, weight, bias, zero_in, *o, pad_with=2 * zero_in)


def _output_not_moved(
    x: Array, w: Array, b: Array, z: int, m: Array, s: Array, o: int, *more: Any
) -> Array:
    return _conv(x, w, b, z, m, s, 0, *more)


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


def _accumulators(*arguments: Any) -> Array:
    return _conv(*arguments, finish=lambda sums, *_others: sums)


def _channels_first(*arguments: Any) -> Array:
    return _conv(*arguments).transpose(2, 0, 1)


def _kernel_turned(x: Array, weight: Array, *others: Any) -> Array:
    return _conv(x, weight[:, ::-1, ::-1], *others)


def _sums_in_int8(
    x: Array, w: Array, b: Array, z: int, m: Array, s: Array, o: int, stride: int = 1, pad: int = 0
) -> Array:
    # The difference wraps around in int8: 127 - (-10) becomes -119.
    return _conv((x - np.int8(z)).astype(np.int8), w, b, 0, m, s, o, stride, pad)


def _int32(*numbers: int) -> Array:
    return np.array(numbers, np.int32)


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
        Mistake(
            "You subtract the zero point first and fill the border with it then. After the "
            "subtraction real 0 is the integer 0.",
            _padded_twice_centred,
        ),
        Mistake(
            "The output's zero point is missing: hand it to `to_int8`.",
            _output_not_moved,
        ),
        Mistake(
            "These are accumulators. Bring them back to bytes with `to_int8`.",
            _accumulators,
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
            "The output's channels come first. Maps are (H, W, C) here: channels last.",
            _channels_first,
        ),
        Mistake(
            "`x - input_zero_point` wraps around in int8. Change to a wider type first.",
            _sums_in_int8,
        ),
    ),
)

QUESTIONS = (CONVOLUTION,)
