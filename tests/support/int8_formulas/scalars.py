"""Rounding, requantization and clamps of one number."""

import struct
from fractions import Fraction

INT8 = (-128, 127)
UINT8 = (0, 255)


def c_divide(a: int, b: int) -> int:
    """C's integer division: truncation toward zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def round_half_away(real: Fraction) -> int:
    """C's ``round``."""
    magnitude = (2 * abs(real.numerator) + real.denominator) // (2 * real.denominator)
    return magnitude if real >= 0 else -magnitude


def float32(real: float) -> float:
    """The nearest single-precision number."""
    return struct.unpack("f", struct.pack("f", real))[0]


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    if a == b == -(2**31):
        return 2**31 - 1
    ab = a * b
    nudge = 2**30 if ab >= 0 else 1 - 2**30
    return c_divide(ab + nudge, 2**31)


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    mask = (1 << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    left, right = max(shift, 0), max(-shift, 0)
    high = saturating_rounding_doubling_high_mul(x * (1 << left), multiplier)
    return rounding_divide_by_pot(high, right)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real = q * 2**(shift - 31)``, ``q`` in 2**30..2**31-1, by exact fractions."""
    if real == 0:
        return 0, 0
    mantissa, shift = Fraction(real), 0
    while mantissa >= 1:
        mantissa, shift = mantissa / 2, shift + 1
    while mantissa < Fraction(1, 2):
        mantissa, shift = mantissa * 2, shift - 1
    q = round_half_away(mantissa * 2**31)
    if q == 2**31:
        q, shift = q // 2, shift + 1
    return (0, 0) if shift < -31 else (q, shift)


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """``CalculateActivationRangeQuantized``: the quotient is taken in single precision."""

    def integer(real: float) -> int:
        return zero_point + round_half_away(Fraction(float32(real / float32(scale))))

    low, high = INT8
    if activation in ("RELU", "RELU6"):
        low = max(low, integer(0.0))
    if activation == "RELU6":
        high = min(high, integer(6.0))
    return low, high


def clamp(x: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(limits[1], x))


def finish(
    accumulator: int, constants: tuple[int, int], zero_point: int, limits: tuple[int, int]
) -> int:
    """The end of most operators: rescale, add the output's zero point, clamp."""
    return clamp(multiply_by_quantized_multiplier(accumulator, *constants) + zero_point, limits)
