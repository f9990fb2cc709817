"""TF-Lite Micro's two roundings, step by step as the C code takes them."""

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Integers = Int64 | np.int64


def saturating_rounding_doubling_high_mul(a: Int64, b: Integers) -> Int64:
    """High 32 bits of ``2 a b``, rounded: nudge by the product's sign, truncate toward zero."""
    product = a * b
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    truncated = np.where(total >= 0, total >> 31, -((-total) >> 31))
    return truncated.astype(np.int64)


def rounding_right_shift(x: Int64, exponent: Integers) -> Int64:
    """``x / 2**exponent`` to the nearest integer, halves away from zero."""
    half = np.where(exponent > 0, np.left_shift(1, np.maximum(exponent - 1, 0)), 0)
    magnitude = (np.abs(x) + half) >> exponent
    signed: Int64 = np.sign(x) * magnitude
    return signed


def requantize(accumulator: Int64, multiplier: Integers, shift: Integers) -> Int64:
    """``accumulator * multiplier * 2**(shift - 31)``: left shift, high product, right shift."""
    shifted = accumulator * np.left_shift(1, np.maximum(shift, 0))
    high = saturating_rounding_doubling_high_mul(shifted, multiplier)
    return rounding_right_shift(high, np.maximum(-shift, 0))
