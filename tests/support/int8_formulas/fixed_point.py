"""gemmlowp's fixed-point numbers, and the functions that TF-Lite builds of them.

Constants are real numbers here, with fifty digits, and are rounded where they are used.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

from int8_formulas.scalars import (
    c_divide,
    clamp,
    round_half_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)

INT32 = (-(2**31), 2**31 - 1)


@dataclass(frozen=True)
class Fixed:
    """An int32 that stands for ``raw / 2**(31 - bits)``.

    Raises where C's integers would overflow.
    """

    raw: int
    bits: int

    def __post_init__(self) -> None:
        assert INT32[0] <= self.raw <= INT32[1]

    @classmethod
    def of(cls, real: Fraction | int, bits: int = 0) -> "Fixed":
        """The nearest one; 1 with no integer bits is the largest there is."""
        return cls(clamp(round_half_away(real * Fraction(2 ** (31 - bits))), INT32), bits)

    def __add__(self, other: "Fixed") -> "Fixed":
        assert self.bits == other.bits
        return Fixed(self.raw + other.raw, self.bits)

    def __sub__(self, other: "Fixed") -> "Fixed":
        assert self.bits == other.bits
        return Fixed(self.raw - other.raw, self.bits)

    def __mul__(self, other: "Fixed") -> "Fixed":
        raw = saturating_rounding_doubling_high_mul(self.raw, other.raw)
        return Fixed(raw, self.bits + other.bits)

    def times_power_of_two(self, exponent: int) -> "Fixed":
        """``SaturatingRoundingMultiplyByPOT``."""
        if exponent < 0:
            return Fixed(rounding_divide_by_pot(self.raw, -exponent), self.bits)
        return Fixed(clamp(self.raw * 2**exponent, INT32), self.bits)

    def rescale(self, bits: int) -> "Fixed":
        """The same number with other integer bits."""
        return Fixed(self.times_power_of_two(self.bits - bits).raw, bits)


def half_sum(a: Fixed, b: Fixed) -> Fixed:
    """``RoundingHalfSum``."""
    assert a.bits == b.bits
    total = a.raw + b.raw
    return Fixed(c_divide(total + (1 if total >= 0 else -1), 2), a.bits)


def leading_zeros(raw: int) -> int:
    """Of a positive int32: how often it can be doubled and stay below 2**32."""
    return max(n for n in range(32) if raw * 2**n < 2**32)


@cache
def _exp(real: Fraction) -> Fraction:
    with localcontext(prec=50):
        return Fraction((Decimal(real.numerator) / Decimal(real.denominator)).exp())


@cache
def _log_2() -> Fraction:
    with localcontext(prec=50):
        return Fraction(Decimal(2).ln())


@cache
def _power_of_two(quarters: int) -> Fraction:
    """``2**(quarters / 4)``."""
    with localcontext(prec=50):
        return Fraction(Decimal(2) ** (Decimal(quarters) / 4))


@cache
def exp_on_negative(a: Fixed) -> Fixed:
    """``exp(a)`` for ``a <= 0``, no integer bits (``exp_on_negative_values``).

    ``a`` is a number in -1/4..0 less a multiple of 1/4; each bit of the multiple is a factor.
    """
    if a.raw == 0:
        return Fixed.of(1)
    quarter = Fixed.of(Fraction(1, 4), a.bits)
    near_zero = Fixed(a.raw % quarter.raw - quarter.raw, a.bits)
    result = _exp_near_zero(near_zero.rescale(0))
    quarters = (near_zero - a).raw // quarter.raw
    for exponent in range(-2, 5):
        if quarters // 2 ** (exponent + 2) % 2:
            result = result * Fixed.of(_exp(-(Fraction(2) ** exponent)))
    return result


def _exp_near_zero(a: Fixed) -> Fixed:
    """Taylor's polynomial around -1/8: ``1 + x + (x**2 + (x**4 / 4 + x**3) / 3) / 2``."""
    x = a + Fixed.of(Fraction(1, 8))
    square = x * x
    fourth = (square * square).times_power_of_two(-2)
    third = (fourth + square * x) * Fixed.of(Fraction(1, 3))
    second = (third + square).times_power_of_two(-1)
    middle = Fixed.of(_exp(Fraction(-1, 8)))
    return middle + middle * (x + second)


@cache
def one_over_one_plus(a: Fixed) -> Fixed:
    """``1 / (1 + a)`` for ``0 <= a <= 1``: Newton's method for 1 over half the denominator."""
    half = half_sum(a, Fixed.of(1))
    x = Fixed.of(Fraction(48, 17), 2) + half * Fixed.of(Fraction(-32, 17), 2)
    for _ in range(3):
        x = x + (x * (Fixed.of(1, 2) - half * x)).rescale(2)
    # Half of x, exactly: the same integer with one bit less in front of the point.
    return Fixed(x.raw, 1).rescale(0)


def logistic(a: Fixed) -> Fixed:
    """``1 / (1 + exp(-a))``, no integer bits."""
    if a.raw == 0:
        return Fixed.of(Fraction(1, 2))
    positive = one_over_one_plus(exp_on_negative(Fixed(-abs(a.raw), a.bits)))
    return positive if a.raw > 0 else Fixed.of(1) - positive


def reciprocal(a: Fixed) -> tuple[Fixed, int]:
    """``1 / a`` for ``a > 0`` as a number in 1/2..1 and a right shift (``GetReciprocal``)."""
    zeros = leading_zeros(a.raw)
    return one_over_one_plus(Fixed(a.raw * 2**zeros - 2**31, 0)), a.bits - zeros


@cache
def logarithm(a: Fixed, bits: int) -> Fixed:
    """``log(a)`` for ``a >= 1`` (``log_x_for_x_greater_than_or_equal_to_1_impl``).

    ``a = 2**power * 2**(1/4) * r`` with ``r`` near ``2**(-1/4)``: of the two candidates, half an
    octave apart, the one with the larger power and the smaller rest is taken.
    """
    wide = bits + 1
    z, root_half = Fixed(a.raw, 0), Fixed.of(_power_of_two(-2))
    quarter = Fixed.of(Fraction(1, 4)).rescale(wide)

    def power(exponent: int, offset: int) -> int:
        return clamp(Fixed(exponent, wide).times_power_of_two(31 - wide).raw + offset, INT32)

    zeros = leading_zeros(z.raw)
    first = (z.times_power_of_two(zeros - 1) * root_half).times_power_of_two(1)
    other_zeros = leading_zeros((z * root_half).raw) - 1
    second = z.times_power_of_two(other_zeros)
    r = Fixed(min(first.raw, second.raw), 0)
    largest_power = max(
        power(a.bits - zeros, quarter.raw), power(a.bits - other_zeros, -quarter.raw)
    )

    centre, root = Fixed.of(_power_of_two(-1)), _power_of_two(1)
    q = r - centre
    q = q + q
    square = q * q
    numerator = q * r + q * square * Fixed.of(Fraction(11, 240) * root)
    inner = Fixed.of(2 / root - root) + q + Fixed.of(root / 20) * square
    denominator_less_one = half_sum(r, centre) * inner + Fixed.of(root / 4) * q
    fraction = numerator.rescale(wide) * one_over_one_plus(denominator_less_one)
    return (Fixed(largest_power, wide) * Fixed.of(_log_2()) + fraction).rescale(bits)
