"""Fixed-point exp, reciprocal and logistic against the real functions and gemmlowp's formulas."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from int8_formulas import fixed_point
from int8_formulas.fixed_point import Fixed

from tinyml_course.mcu.exponential import (
    ONE,
    divide_by_power_of_two,
    exp_on_negative,
    logistic,
    multiply,
    one_over_one_plus,
    reciprocal,
)

INT32 = st.integers(-(2**31), 2**31 - 1)
# The Taylor polynomial of the fourth order leaves out (1/8)**5 / 120 = 2.5e-7.
TOLERANCE = 3e-7


@given(INT32, INT32)
def test_a_product_is_the_rounded_high_half(a: int, b: int) -> None:
    assert abs(multiply(a, b) - a * b / 2**31) <= 1
    assert multiply(a, b) == multiply(b, a)


def test_the_only_product_that_overflows_saturates() -> None:
    assert multiply(-(2**31), -(2**31)) == 2**31 - 1


@pytest.mark.parametrize(("value", "result"), [(5, 3), (-5, -3), (4, 2), (-4, -2), (3, 2), (1, 1)])
def test_halves_go_away_from_zero(value: int, result: int) -> None:
    assert divide_by_power_of_two(value, 1) == result
    assert divide_by_power_of_two(value, 0) == value


@given(st.integers(-(2**31), 0), st.sampled_from([0, 2, 4, 5]))
def test_exp(raw: int, bits: int) -> None:
    real = math.exp(raw / 2 ** (31 - bits))
    assert exp_on_negative(raw, bits) / 2**31 == pytest.approx(real, abs=TOLERANCE)


def test_exp_of_zero_is_the_largest_number() -> None:
    assert exp_on_negative(0, 5) == ONE


@given(st.integers(0, 2**31 - 1))
def test_one_over_one_plus(raw: int) -> None:
    real = 1 / (1 + raw / 2**31)
    assert one_over_one_plus(raw) / 2**31 == pytest.approx(real, abs=TOLERANCE)


@given(st.integers(1 << 19, 2**31 - 1))
def test_reciprocal(raw: int) -> None:
    scale, bits = reciprocal(raw, 12)
    assert scale / 2**31 / 2**bits == pytest.approx(2**19 / raw, rel=1e-6)


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_logistic(raw: int) -> None:
    real = 1 / (1 + math.exp(-raw / 2**27))
    assert logistic(raw, 4) / 2**31 == pytest.approx(real, abs=TOLERANCE)
    assert logistic(raw, 4) + logistic(-raw, 4) == pytest.approx(2**31, abs=1)


# The outputs of SOFTMAX and LOGISTIC have 8 bits and would hide a wrong constant.


@settings(max_examples=300)
@given(st.integers(-(2**31), 0), st.sampled_from([0, 2, 4, 5]))
@example(-(2**31), 5)
@example(-1, 5)
def test_all_bits_of_exp(raw: int, bits: int) -> None:
    assert exp_on_negative(raw, bits) == fixed_point.exp_on_negative(Fixed(raw, bits)).raw


@settings(max_examples=300)
@given(st.integers(0, 2**31 - 1))
@example(2**31 - 1)
def test_all_bits_of_one_over_one_plus(raw: int) -> None:
    assert one_over_one_plus(raw) == fixed_point.one_over_one_plus(Fixed(raw, 0)).raw


@settings(max_examples=300)
@given(st.integers(1, 2**31 - 1))
def test_all_bits_of_a_reciprocal(raw: int) -> None:
    scale, bits = fixed_point.reciprocal(Fixed(raw, 12))
    assert reciprocal(raw, 12) == (scale.raw, bits)


@settings(max_examples=300)
@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_all_bits_of_the_logistic_function(raw: int) -> None:
    assert logistic(raw, 4) == fixed_point.logistic(Fixed(raw, 4)).raw
