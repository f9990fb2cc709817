"""Integers and the real numbers behind them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.errors import GraphError
from tinyml_course.graph import Quantization, dequantize, quantize
from tinyml_course.graph.quantization import (
    integer_limits,
    quantize_bias,
    range_to_quantization,
    weight_limit,
    weight_scales,
)

scales = st.floats(2.0**-20, 2.0**10, width=32)
zero_points = st.integers(-128, 127)
EVERY_INT8 = np.arange(-128, 128, dtype=np.int8)


@given(scales, zero_points)
def test_quantize_undoes_dequantize_for_every_int8(scale: float, zero_point: int) -> None:
    quantization = Quantization.per_tensor(scale, zero_point)
    assert np.array_equal(quantize(dequantize(EVERY_INT8, quantization), quantization), EVERY_INT8)


@given(scales, zero_points, st.integers(0, 2**32 - 1))
def test_dequantize_returns_within_half_a_scale(scale: float, zero_point: int, seed: int) -> None:
    quantization = Quantization.per_tensor(scale, zero_point)
    low, high = dequantize(np.array([-128, 127]), quantization)
    values = np.random.default_rng(seed).uniform(low, high, 50).astype(np.float32)
    back = dequantize(quantize(values, quantization), quantization)
    # Half a step, and the rounding of float32 numbers of up to 255 steps.
    assert np.abs(back - values).max() <= np.float64(scale) * (0.5 + 255 * 2.0**-22)


@pytest.mark.parametrize(
    ("real", "integer"),
    [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.5, -3), (0.49, 0), (-0.49, 0)],
)
def test_halves_go_away_from_zero(real: float, integer: int) -> None:
    assert quantize([real], Quantization.per_tensor(1.0))[0] == integer


def test_just_below_a_half_is_not_rounded_up() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert quantize([below, -below], Quantization.per_tensor(1.0)).tolist() == [0, 0]


@pytest.mark.parametrize(("dtype", "low", "high"), [("int8", -128, 127), ("uint8", 0, 255)])
def test_what_lies_outside_saturates(dtype: str, low: int, high: int) -> None:
    quantization = Quantization.per_tensor(0.1, 3)
    values = quantize([-1e30, -np.inf, 1e30, np.inf], quantization, dtype)
    assert values.dtype == dtype
    assert values.tolist() == [low, low, high, high]


def test_not_a_number_is_refused() -> None:
    with pytest.raises(GraphError, match="NaN"):
        quantize([0.0, np.nan], Quantization.per_tensor(1.0))


def test_only_8_bit_types() -> None:
    with pytest.raises(GraphError, match="int16"):
        quantize([0.0], Quantization.per_tensor(1.0), "int16")


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_per_channel_equals_per_tensor_channel_by_channel(axis: int) -> None:
    rng = np.random.default_rng(axis)
    values = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    scale = rng.uniform(0.01, 0.1, values.shape[axis]).astype(np.float32)
    quantization = Quantization.per_channel(scale, axis)
    whole = quantize(values, quantization)
    for channel in range(values.shape[axis]):
        alone = Quantization.per_tensor(float(scale[channel]))
        part = quantize(values.take(channel, axis), alone)
        assert np.array_equal(whole.take(channel, axis), part)
        back = dequantize(whole, quantization).take(channel, axis)
        assert np.array_equal(back, dequantize(part, alone))


@pytest.mark.parametrize(
    ("scale", "zero_point", "axis", "message"),
    [
        ([0.1, 0.2], [0], 0, "one length"),
        ([[0.1]], [[0]], None, "vectors"),
        ([0.0], [0], None, "positive"),
        ([-1.0], [0], None, "positive"),
        ([np.nan], [0], None, "finite"),
        ([np.inf], [0], None, "finite"),
        ([0.1, 0.2], [0, 0], None, "axis"),
    ],
)
def test_unlawful_scales_are_refused(
    scale: list[float], zero_point: list[int], axis: int | None, message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        Quantization(np.array(scale, np.float32), np.array(zero_point, np.int32), axis)


def test_one_pair_is_given_only_where_there_is_one() -> None:
    scale, zero_point = Quantization.per_tensor(0.1, -7).item()
    assert scale == np.float32(0.1)
    assert scale.dtype == np.float32
    assert zero_point == -7
    with pytest.raises(GraphError, match="2"):
        Quantization.per_channel([0.1, 0.2], 0).item()
    assert Quantization.per_channel([0.1], 0).is_per_tensor


def test_same_as_compares_all_three_parts() -> None:
    one = Quantization.per_tensor(0.1, 3)
    assert one.same_as(Quantization.per_tensor(0.1, 3))
    assert not one.same_as(Quantization.per_tensor(0.1, 4))
    assert not one.same_as(Quantization.per_tensor(0.2, 3))
    channels = Quantization.per_channel([0.1, 0.2], 0)
    assert not channels.same_as(Quantization.per_channel([0.1, 0.2], 1))


@settings(max_examples=100)
@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_a_range_is_covered_and_zero_is_exact(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    quantization = range_to_quantization(low, high)
    scale, zero_point = quantization.item()
    assert -128 <= zero_point <= 127
    assert dequantize([zero_point], quantization)[0] == 0
    first, last = dequantize([-128, 127], quantization).astype(np.float64)
    # The zero point is rounded, so either end may move by half a step; float32 adds its epsilon.
    slack = float(scale) * (0.5 + 1e-4)
    assert first <= min(low, 0) + slack
    assert last >= max(high, 0) - slack
    span = max(high, 0) - min(low, 0)
    if span >= 1e-9:
        assert float(scale) == pytest.approx(span / 255, rel=1e-6)  # float32


def test_a_range_without_extent_still_has_a_scale() -> None:
    scale, zero_point = range_to_quantization(0.0, 0.0).item()
    assert scale == np.float32(1 / 255)
    assert zero_point == -128


@pytest.mark.parametrize("bounds", [(np.nan, 1.0), (0.0, np.inf), (-np.inf, 0.0)])
def test_a_range_must_be_finite(bounds: tuple[float, float]) -> None:
    with pytest.raises(GraphError, match="not finite"):
        range_to_quantization(*bounds)


def test_the_range_of_relu6_uses_every_integer() -> None:
    quantization = range_to_quantization(0.0, 6.0)
    assert quantization.item() == (np.float32(6 / 255), -128)
    assert quantize([0.0, 6.0], quantization).tolist() == [-128, 127]


@pytest.mark.parametrize("axis", [0, 3])
def test_weight_scale_takes_the_largest_weight_of_a_channel_to_127(axis: int) -> None:
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 5))
    scale = weight_scales(weight, axis, None)
    assert scale.dtype == np.float32
    for channel, s in enumerate(scale):
        assert s == np.float32(np.abs(weight.take(channel, axis)).max() / 127)


def test_a_channel_without_weights_still_has_a_scale_and_room_for_its_bias() -> None:
    weight = np.array([[0.0, 0.0], [1e-12, 0.0], [1.0, 2.0]])
    assert weight_scales(weight, 0, None).tolist() == [
        np.float32(1 / 127),
        np.float32(1e-12 / 127),
        np.float32(2 / 127),
    ]
    least = np.array([1e-3, 1e-3, 1e-3])
    assert weight_scales(weight, 0, least).tolist() == [
        np.float32(1e-3),
        np.float32(1e-3),
        np.float32(2 / 127),
    ]


@pytest.mark.parametrize("bits", range(2, 9))
def test_fewer_bits_cover_the_same_range_in_larger_steps(bits: int) -> None:
    quantization = range_to_quantization(-1.5, 2.5, bits)
    least, most = integer_limits(bits)
    scale, zero_point = quantization.item()
    assert most - least == 2**bits - 1
    assert float(scale) == pytest.approx(4.0 / (2**bits - 1))
    assert least <= zero_point <= most
    integers = quantize(np.linspace(-9, 9, 999), quantization, bits=bits)
    assert (integers.min(), integers.max()) == (least, most)
    inside = np.linspace(-1.5 + scale, 2.5 - scale, 999)  # the zero point may shift the ends
    again = dequantize(quantize(inside, quantization, bits=bits), quantization)
    assert np.abs(again - inside).max() <= scale / 2 * (1 + 1e-5)
    np.testing.assert_array_equal(
        quantize(again, quantization, bits=bits), quantize(inside, quantization, bits=bits)
    )


@pytest.mark.parametrize(("bits", "limit"), [(2, 1), (3, 3), (4, 7), (8, 127)])
def test_weights_are_symmetric_in_any_number_of_bits(bits: int, limit: int) -> None:
    weight = np.array([[3.0, -6.0], [0.5, 0.25], [0.0, 0.0]])
    assert weight_limit(bits) == limit
    np.testing.assert_allclose(
        weight_scales(weight, 0, None, bits), np.array([6, 0.5, 1]) / limit, rtol=1e-6
    )


@pytest.mark.parametrize("bits", [1, 9, 0, -8])
def test_numbers_of_bits_that_there_are_not(bits: int) -> None:
    for call in (
        lambda: integer_limits(bits),
        lambda: weight_limit(bits),
        lambda: range_to_quantization(0, 1, bits),
        lambda: weight_scales(np.ones((2, 2)), 0, None, bits),
    ):
        with pytest.raises(GraphError, match=f"2 to 8 bits, got {bits}"):
            call()
    with pytest.raises(GraphError, match="uint8 holds 8 bits here, not 4"):
        quantize([1.0], Quantization.per_tensor(1.0), "uint8", 4)


def test_a_bias_lies_on_the_scale_of_the_accumulator() -> None:
    scale = np.array([0.5, 0.25], np.float32)
    np.testing.assert_array_equal(quantize_bias(np.array([1.0, -3.0]), 0.1, scale), [20, -120])
    with pytest.raises(GraphError, match=r"channel 1, 1, is 1e\+10 steps.*more than int32 holds"):
        quantize_bias(np.array([0.0, 1.0]), 1e-5, np.array([1, 1e-5], np.float32))
