"""exp and 1/(1 + x) in 32-bit fixed point, as gemmlowp computes them for SOFTMAX and LOGISTIC.

A fixed-point number with ``b`` integer bits is an int32 that stands for ``raw / 2**(31 - b)``. A
product of two is the rounded high half of the double-width product, its integer bits add up.
Everything here is a Python integer: these functions fill tables and set constants, once.

Source: gemmlowp, fixedpoint/fixedpoint.h; TF-Lite, kernels/internal/common.h (GetReciprocal).
"""

from tinyml_course.graph.fixed_point import INT32_MAX, INT32_MIN

ONE = INT32_MAX
"""1 with no integer bits: the largest number there is, not quite 1."""

EXP_OF_MINUS_EIGHTH = 1895147668
ONE_THIRD = 715827883
EXP_OF_MINUS_POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}
"""``exp(-2**k)`` with no integer bits, by ``k``."""

FORTY_EIGHT_17THS = 1515870810
MINUS_THIRTY_TWO_17THS = -1010580540
"""48/17 and -32/17 with two integer bits: the start of Newton's division."""


def saturate(value: int) -> int:
    """``value`` clamped to int32."""
    return min(max(value, INT32_MIN), INT32_MAX)


def multiply(a: int, b: int) -> int:
    """High half of ``2 a b``, rounded to nearest (SaturatingRoundingDoublingHighMul)."""
    return saturate((a * b + (1 << 30)) >> 31)


def divide_by_power_of_two(value: int, exponent: int) -> int:
    """``value / 2**exponent``, halves away from zero (RoundingDivideByPOT)."""
    half = (1 << exponent) >> 1
    return (abs(value) + half >> exponent) * (1 if value >= 0 else -1)


def exp_on_negative(raw: int, integer_bits: int) -> int:
    """``exp(x)`` for ``x <= 0``.

    A Taylor polynomial on -1/4..0 for the fraction, then a product for every bit of the rest.

    Args:
        raw: ``x`` with ``integer_bits`` integer bits.
        integer_bits: at most 5.

    Returns:
        The exponential with no integer bits, 0..`ONE`.
    """
    if raw == 0:
        return ONE
    quarter = 1 << (29 - integer_bits)
    fraction = (raw & (quarter - 1)) - quarter
    result = _exp_near_zero(saturate(fraction << integer_bits))
    rest = fraction - raw
    for power, factor in EXP_OF_MINUS_POWERS.items():
        if power < integer_bits and rest >> (31 - integer_bits + power) & 1:
            result = multiply(result, factor)
    return result


def _exp_near_zero(a: int) -> int:
    """``exp(a)`` for ``-1/4 <= a < 0``, no integer bits: Taylor to the fourth order at -1/8."""
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3 = multiply(x2, x)
    x4_over_4 = divide_by_power_of_two(multiply(x2, x2), 2)
    higher = divide_by_power_of_two(multiply(x4_over_4 + x3, ONE_THIRD) + x2, 1)
    return EXP_OF_MINUS_EIGHTH + multiply(EXP_OF_MINUS_EIGHTH, x + higher)


def one_over_one_plus(a: int) -> int:
    """``1 / (1 + a)`` for ``0 <= a <= 1``, no integer bits: three steps of Newton's division."""
    half_denominator = (a + ONE + 1) >> 1
    x = FORTY_EIGHT_17THS + multiply(half_denominator, MINUS_THIRTY_TWO_17THS)
    for _ in range(3):
        error = (1 << 29) - multiply(half_denominator, x)
        x += saturate(multiply(x, error) << 2)
    return saturate(x << 1)


def reciprocal(value: int, integer_bits: int) -> tuple[int, int]:
    """``1 / x`` as a mantissa and a shift.

    Args:
        value: ``x > 0`` with ``integer_bits`` integer bits.
        integer_bits: of ``value``.

    Returns:
        ``(scale, bits)`` with ``1 / x ~= scale * 2**-bits``, scale with no integer bits.
    """
    headroom = 32 - value.bit_length()
    return one_over_one_plus((value << headroom) - (1 << 31)), integer_bits - headroom


def logistic(raw: int, integer_bits: int) -> int:
    """``1 / (1 + exp(-x))``, no integer bits, of ``x`` with ``integer_bits`` integer bits."""
    if raw == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_on_negative(-abs(raw), integer_bits))
    return positive if raw > 0 else ONE - positive
