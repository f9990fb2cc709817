"""The fixed-point product, against plain integers and exact fractions."""

from fractions import Fraction

import int8_formulas as formulas
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyml_course.errors import GraphError
from tinyml_course.graph.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    rounding_divide_by_power_of_two,
)
from tinyml_course.mcu.reference import rounding

int32s = st.integers(INT32_MIN, INT32_MAX)
multipliers = st.integers(2**30, INT32_MAX)
halves = st.builds(lambda k, e: (2 * k + 1) << e, st.integers(-(2**14), 2**14), st.integers(0, 15))


@settings(max_examples=200)
@given(st.floats(1e-12, 2.0**29, allow_nan=False))
@example(2.0**-32)
@example(2.0**-32 * (1 - 2.0**-40))  # rounds up into the range
@example(2.0**-33)
@example(1 - 2.0**-33)  # the mantissa rounds up to 2**31
@example(2.0**29)
def test_multiplier_and_shift_are_those_of_exact_fractions(real: float) -> None:
    assert quantize_multiplier(real) == formulas.quantize_multiplier(real)


@settings(max_examples=100)
@given(st.floats(2.0**-31, 2.0**29))
def test_multiplier_stands_for_the_real_number(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier <= INT32_MAX
    stands_for = Fraction(multiplier) * Fraction(2) ** (shift - 31)
    # Half a unit in the last of 31 bits; the multiplier is at least 2**30 units.
    assert abs(stands_for - Fraction(real)) <= Fraction(real) / 2**31


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.5, (2**30, 0)),
        (0.75, (3 * 2**29, 0)),
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),
        # 2**30 + half a unit: C's round() goes up, rounding to even would go down.
        (0.5 + 2.0**-32, (2**30 + 1, 0)),
    ],
)
def test_multiplier_of_known_numbers(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


@pytest.mark.parametrize("real", [-0.5, float("nan"), float("inf"), 2.0**30, 1e300])
def test_multiplier_that_has_no_int32_form_is_refused_by_its_value(real: float) -> None:
    with pytest.raises(GraphError, match=str(real).replace("+", r"\+")):
        quantize_multiplier(real)


def test_many_multipliers_at_once_keep_their_shape() -> None:
    reals = np.array([[0.0, 0.5, 1.0], [0.001, 7.3, 2.0**-20]])
    multiplier, shift = quantize_multipliers(reals)
    assert multiplier.shape == shift.shape == reals.shape
    assert multiplier.dtype == shift.dtype == np.int32
    for place, real in np.ndenumerate(reals):
        assert (multiplier[place], shift[place]) == quantize_multiplier(float(real))


@settings(max_examples=300)
@given(st.one_of(int32s, halves), multipliers, st.integers(-31, 0))
@example(-(2**31), 2**31 - 1, 0)
@example(2**31 - 1, 2**30, -31)
@example(1, 2**30, 0)  # exactly one half: up
@example(-1, 2**30, 0)  # minus one half: the nudge of the product's sign takes it to 0
@example(-3, 2**30, -1)
def test_product_equals_the_scalar_formula(value: int, multiplier: int, shift: int) -> None:
    expected = formulas.multiply_by_quantized_multiplier(value, multiplier, shift)
    assert int(multiply_by_quantized_multiplier(value, multiplier, shift)) == expected
    wide = [np.int64(n) for n in (value, multiplier, shift)]
    assert int(rounding.requantize(*wide)) == expected


@settings(max_examples=100)
@given(st.integers(-(2**23), 2**23), multipliers, st.integers(1, 7))
def test_product_with_a_left_shift_equals_the_scalar_formula(
    value: int, multiplier: int, shift: int
) -> None:
    expected = formulas.multiply_by_quantized_multiplier(value, multiplier, shift)
    assert int(multiply_by_quantized_multiplier(value, multiplier, shift)) == expected
    wide = [np.int64(n) for n in (value, multiplier, shift)]
    assert int(rounding.requantize(*wide)) == expected


def test_product_takes_one_multiplier_per_channel() -> None:
    values = np.arange(-60_000, 60_000, 1_000).reshape(5, 6, 4)
    multiplier, shift = np.array([2**30, 2**31 - 1, 3 * 2**29, 0]), np.array([-3, -8, 1, 0])
    result = multiply_by_quantized_multiplier(values, multiplier, shift)
    for place, value in np.ndenumerate(values):
        pair = int(multiplier[place[-1]]), int(shift[place[-1]])
        assert result[place] == formulas.multiply_by_quantized_multiplier(int(value), *pair)


@settings(max_examples=100)
@given(int32s, st.floats(2.0**-20, 0.999))
def test_product_is_within_one_of_the_exact_product(value: int, real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    exact = Fraction(value) * multiplier * Fraction(2) ** (shift - 31)
    # Two roundings of half a unit each.
    assert abs(int(multiply_by_quantized_multiplier(value, multiplier, shift)) - exact) <= 1


@settings(max_examples=200)
@given(st.one_of(int32s, halves), st.integers(0, 31))
def test_rounding_right_shift_goes_to_the_nearest_and_halves_go_away_from_zero(
    value: int, exponent: int
) -> None:
    expected = formulas.round_half_away(Fraction(value, 2**exponent))
    assert formulas.rounding_divide_by_pot(value, exponent) == expected
    assert int(rounding_divide_by_power_of_two(np.int64(value), exponent)) == expected
    assert int(rounding.rounding_right_shift(np.int64(value), np.int64(exponent))) == expected


@settings(max_examples=200)
@given(st.one_of(int32s, halves), int32s)
@example(-(2**30), 1)
@example(2**30, 1)
def test_high_product_equals_the_scalar_formula(a: int, b: int) -> None:
    expected = formulas.saturating_rounding_doubling_high_mul(a, b)
    got = rounding.saturating_rounding_doubling_high_mul(np.int64(a), np.int64(b))
    if a == b == INT32_MIN:  # the one saturating pair, which no multiplier is part of
        return
    assert int(got) == expected
