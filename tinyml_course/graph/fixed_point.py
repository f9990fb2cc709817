"""A real multiplier as an int32 multiplier and a shift, and the product with TF-Lite's rounding.

A microcontroller rescales an int32 accumulator by ``scale_in * scale_w / scale_out`` without a
floating-point unit: the real number becomes ``multiplier * 2**(shift - 31)``. TF-Lite Micro
rounds twice, in ``SaturatingRoundingDoublingHighMul`` and in a rounding right shift, and every
executor here must round where it rounds.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyml_course.errors import GraphError

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Split ``real`` into a multiplier in 2**30..2**31-1 and a shift, as TF-Lite does.

    Args:
        real: the multiplier, not negative.

    Returns:
        ``(multiplier, shift)`` with ``real ~= multiplier * 2**(shift - 31)``; ``(0, 0)`` for 0 and
        for anything below ``2**-32``.

    Raises:
        GraphError: ``real`` is negative, not finite, or needs a left shift of more than 30.

    >>> quantize_multiplier(0.5)
    (1073741824, 0)
    """
    if not math.isfinite(real) or real < 0:
        raise GraphError(f"a requantization multiplier must be finite and not negative, got {real}")
    if real == 0:
        return 0, 0
    mantissa, shift = math.frexp(real)
    # C's round(): halves go away from zero (Python's round() goes to even).
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise GraphError(f"a requantization multiplier of {real} does not fit a 30-bit left shift")
    return multiplier, shift


def quantize_multipliers(
    reals: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """``quantize_multiplier`` of every element: two int32 arrays of the same shape."""
    pairs = [quantize_multiplier(float(real)) for real in reals.ravel()]
    table = np.array(pairs, np.int32).reshape(*reals.shape, 2)
    return table[..., 0], table[..., 1]


def multiply_by_quantized_multiplier(
    values: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> NDArray[np.int64]:
    """``values * multiplier * 2**(shift - 31)``, rounded as TF-Lite Micro rounds.

    Args:
        values: int32 range, any shape.
        multiplier: int32, one or per channel (last axis of ``values``).
        shift: positive shifts left before, negative shifts right after; like ``multiplier``.

    Returns:
        int64 array of the shape of ``values``; the numbers are in int32 range.
    """
    shifts = np.asarray(shift, np.int64)
    left, right = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    wide = np.left_shift(np.asarray(values, np.int64), left)
    # SaturatingRoundingDoublingHighMul. C adds a nudge of the product's sign and truncates toward
    # zero; over integers that equals adding 2**30 and flooring. Saturation cannot happen: it
    # needs both factors to be INT32_MIN and multipliers are not negative.
    high = (wide * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31
    return rounding_divide_by_power_of_two(high, right)


def rounding_divide_by_power_of_two(
    values: NDArray[np.int64], exponent: ArrayLike
) -> NDArray[np.int64]:
    """``values / 2**exponent`` to the nearest integer, halves away from zero."""
    exponents = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponents) - 1
    threshold = (mask >> 1) + (values < 0)
    quotient: NDArray[np.int64] = (values >> exponents) + ((values & mask) > threshold)
    return quotient
