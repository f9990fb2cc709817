"""The natural logarithm in 32-bit fixed point, as TF-Lite computes it for LOG_SOFTMAX.

The input is split into a power of two and a rest near 1, in two ways of which the better one is
taken; the rest goes through a rational approximation. Numbers as in
`tinyml_course.mcu.exponential`.

Source: TF-Lite, kernels/internal/common.h (log_x_for_x_greater_than_or_equal_to_1_impl).
"""

from tinyml_course.mcu.exponential import (
    divide_by_power_of_two,
    multiply,
    one_over_one_plus,
    saturate,
)

LOG_2 = 1488522236
SQRT_HALF = 1518500250
FOURTH_ROOT_HALF = 1805811301
ONE_QUARTER = 536870912
"""ln 2, 2**-1/2, 2**-1/4 and 1/4, with no integer bits like all that follow."""

NUMERATOR_CUBE = 117049297
DENOMINATOR_SQUARE = 127690142
DENOMINATOR_ONE = 1057819769
DENOMINATOR_LINEAR = 638450708
"""11/240, 1/20 and 1/4 times 2**1/4, and 2 / 2**1/4 - 2**1/4: coefficients of the rest."""


def logarithm(raw: int, integer_bits: int, output_bits: int) -> int:
    """``log(x)`` for ``x >= 1``.

    Args:
        raw: ``x`` with ``integer_bits`` integer bits.
        integer_bits: of ``x``.
        output_bits: integer bits of the result, enough for the logarithm of the largest ``x``.
    """
    accumulator_bits = output_bits + 1
    quarter = divide_by_power_of_two(ONE_QUARTER, accumulator_bits)

    def power(exponent: int) -> int:
        return saturate(exponent << (31 - accumulator_bits))

    zeros = _leading_zeros(raw)
    rest = saturate(multiply(saturate(raw << (zeros - 1)), SQRT_HALF) << 1)
    exponent = saturate(power(integer_bits - zeros) + quarter)
    other_zeros = _leading_zeros(multiply(raw, SQRT_HALF)) - 1
    rest = min(rest, saturate(raw << other_zeros))
    exponent = max(exponent, saturate(power(integer_bits - other_zeros) - quarter))

    numerator, divisor = _log_of_rest(rest)
    fraction = multiply(divide_by_power_of_two(numerator, accumulator_bits), divisor)
    return saturate(multiply(exponent, LOG_2) + fraction << 1)


def _leading_zeros(raw: int) -> int:
    return 32 - raw.bit_length()


def _log_of_rest(r: int) -> tuple[int, int]:
    """``q r + a q**3`` and ``1 / (1 + d)``, whose product is the logarithm of ``2**1/4 r``."""
    half_sum = (r + FOURTH_ROOT_HALF + 1) >> 1
    q = 2 * (r - FOURTH_ROOT_HALF)
    square = multiply(q, q)
    numerator = multiply(q, r) + multiply(multiply(q, square), NUMERATOR_CUBE)
    inner = DENOMINATOR_ONE + q + multiply(DENOMINATOR_SQUARE, square)
    denominator = multiply(half_sum, inner) + multiply(DENOMINATOR_LINEAR, q)
    return numerator, one_over_one_plus(denominator)
