"""Linear quantization: errors bounded by half a step, bytes by formula, grids as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.errors import CompressionError, GraphError
from tinyml_course.quantization import (
    LinearWeights,
    linear_bytes,
    quantize_asymmetric,
    quantize_symmetric,
    scale_and_zero_point,
)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def symmetric(w: np.ndarray, bits: int) -> list[LinearWeights]:
    return [quantize_symmetric(w, bits, axis) for axis in (None, 0, w.ndim - 1)]


def forms(w: np.ndarray, bits: int) -> list[LinearWeights]:
    return [*symmetric(w, bits), quantize_asymmetric(w, bits)]


@given(st.integers(2, 8), st.integers(0, 99))
def test_no_weight_is_off_by_more_than_half_a_step(bits: int, seed: int) -> None:
    w = weights(5, 3, 4, seed=seed)
    for form in symmetric(w, bits):
        step = form.quantization.scale.reshape(
            [-1 if axis == form.quantization.axis else 1 for axis in range(3)]
        )
        assert (np.abs(form.weights() - w) <= step / 2 * (1 + 1e-4)).all()
    form = quantize_asymmetric(w, bits)
    # This grid is moved by up to half a step, so that 0 is on it.
    assert np.abs(form.weights() - w).max() <= form.quantization.scale[0] * (1 + 1e-4)


@given(st.integers(2, 8), st.integers(0, 99))
def test_what_is_on_the_grid_stays_there(bits: int, seed: int) -> None:
    w = weights(5, 3, 4, seed=seed)
    for form in symmetric(w, bits):
        again = quantize_symmetric(form.weights(), bits, form.quantization.axis)
        np.testing.assert_array_equal(again.integers, form.integers)
    form = quantize_asymmetric(w, bits)
    again = quantize_asymmetric(form.weights(), bits, _covered(form))
    np.testing.assert_array_equal(again.integers, form.integers)


def _covered(form: LinearWeights) -> tuple[float, float]:
    scale, zero_point = form.quantization.item()
    least, most = -(1 << form.bits - 1), (1 << form.bits - 1) - 1
    return float((least - zero_point) * scale), float((most - zero_point) * scale)


def test_symmetric_grids_use_both_ends_alike() -> None:
    w = weights(6, 50)
    for bits in range(2, 9):
        limit = 2 ** (bits - 1) - 1
        assert np.abs(quantize_symmetric(w, bits).integers.astype(int)).max() == limit
        each = np.abs(quantize_symmetric(w, bits, 0).integers.astype(int)).max(1)
        assert each.tolist() == [limit] * 6
        assert not quantize_symmetric(w, bits).quantization.zero_point.any()


def test_a_scale_of_ones_own_never_errs_more() -> None:
    w = weights(8, 40) * np.logspace(-3, 0, 8)[:, None]  # as depthwise channels differ
    one = np.square(quantize_symmetric(w, 4).weights() - w).sum(1)
    each = np.square(quantize_symmetric(w, 4, 0).weights() - w).sum(1)
    assert (each <= one + 1e-12).all()
    assert each.sum() < one.sum()


def test_a_narrower_range_saturates() -> None:
    form = quantize_asymmetric(np.array([-5.0, 0.0, 0.5, 5.0]), 8, (-1.0, 1.0))
    np.testing.assert_allclose(form.weights(), [-1, 0, 0.5, 1], atol=2 / 255)


def test_zero_is_exact() -> None:
    for low, high in ((-1.0, 3.0), (0.5, 2.0), (-3.0, -1.0)):
        scale, zero_point = scale_and_zero_point(low, high, 4)
        assert -8 <= zero_point <= 7
        assert scale == pytest.approx((max(high, 0) - min(low, 0)) / 15)


@given(st.integers(2, 8), st.integers(1, 30), st.integers(1, 30))
def test_bytes_are_those_written(bits: int, rows: int, columns: int) -> None:
    for form in forms(weights(rows, columns), bits):
        assert len(form.to_bytes()) == form.size_bytes
        scales = form.quantization.scale.size
        assert form.size_bytes == linear_bytes(rows * columns, bits, scales)
        assert form.size_bytes == -(-rows * columns * bits // 8) + 4 * scales


def test_a_constant_tensor_is_kept() -> None:
    for value in (0.0, 3.5, -2.0):
        for form in forms(np.full((2, 3), value, np.float32), 8):
            np.testing.assert_allclose(form.weights(), value, rtol=1e-5)


def test_bad_input() -> None:
    for call in (quantize_symmetric, quantize_asymmetric):
        with pytest.raises(CompressionError, match="empty"):
            call(np.zeros((0, 2)))
        with pytest.raises(CompressionError, match="NaN or infinity"):
            call(np.array([np.inf]))
        with pytest.raises(GraphError, match="2 to 8 bits, got 1"):
            call(np.ones(3), 1)
    with pytest.raises(CompressionError, match=r"\(3,\) have no axis 1"):
        quantize_symmetric(np.ones(3), 8, 1)
