"""The fixed-point logarithm against the real function and TF-Lite's formula."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from int8_formulas import fixed_point
from int8_formulas.fixed_point import Fixed

from tinyml_course.mcu.logarithm import logarithm

SUM_BITS, OUTPUT_BITS = 12, 5
ONE = 2 ** (31 - SUM_BITS)
AT_LEAST_ONE = st.one_of(st.integers(ONE, 2 * ONE), st.integers(ONE, 2**31 - 1))


@settings(max_examples=300)
@given(AT_LEAST_ONE)
@example(ONE)
@example(2**31 - 1)
def test_all_bits(raw: int) -> None:
    expected = fixed_point.logarithm(Fixed(raw, SUM_BITS), OUTPUT_BITS)
    assert logarithm(raw, SUM_BITS, OUTPUT_BITS) == expected.raw


@settings(max_examples=300)
@given(AT_LEAST_ONE)
def test_the_real_logarithm(raw: int) -> None:
    got = logarithm(raw, SUM_BITS, OUTPUT_BITS) / 2 ** (31 - OUTPUT_BITS)
    # A fraction of small polynomials stands for the logarithm of the rest.
    assert got == pytest.approx(math.log(raw / ONE), abs=1e-6)
