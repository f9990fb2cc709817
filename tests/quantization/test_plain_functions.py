"""Functions of plain arrays: each against the one that the library deploys with."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.errors import CompressionError, GraphError
from tinyml_course.quantization import (
    codebook_step,
    fake_quantize,
    huffman_bits,
    huffman_encode,
    kmeans_codebook,
    mse_clip,
    quantize_linear,
    quantize_per_channel,
    quantize_symmetric,
    squared_error,
    straight_through,
)

RNG = np.random.default_rng(0)


def test_one_grid_rounds_halves_away_and_saturates() -> None:
    assert quantize_linear([0.5, 1.5, -0.5, -2.5], 1).tolist() == [1, 2, -1, -3]
    assert quantize_linear([500, -500], 1, 10).tolist() == [127, -128]
    assert quantize_linear([9, -9], 1, 1, 3).tolist() == [3, -4]
    with pytest.raises(GraphError, match="2 to 8 bits"):
        quantize_linear([1.0], 1, 0, 9)


@pytest.mark.parametrize(("shape", "axis"), [((5, 7), 0), ((1, 3, 3, 4), 3)])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_grid_a_channel_is_the_symmetric_one(shape: tuple, axis: int, bits: int) -> None:
    w = RNG.normal(size=shape)
    found, known = quantize_per_channel(w, bits, axis), quantize_symmetric(w, bits, axis)
    np.testing.assert_array_equal(found["integers"], known.integers)
    np.testing.assert_array_equal(found["scales"], known.quantization.scale)


def test_the_limit_of_least_error_is_the_least() -> None:
    w = np.append(RNG.normal(size=300), 9.0)
    limits = [9.0, 6.0, 4.0, 3.0, 2.0, 1.0, 0.5]
    for bits in (2, 3, 4, 8):
        best = mse_clip(w, limits, bits)
        assert squared_error(w, best, bits) == min(squared_error(w, x, bits) for x in limits)
    assert mse_clip(w, limits, 2) < mse_clip(w, limits, 8) == 9.0
    assert mse_clip(np.zeros(3), [2.0, 1.0]) == 2.0  # the first among equals
    with pytest.raises(CompressionError, match="no limit"):
        mse_clip(w, [])
    with pytest.raises(CompressionError, match="make no grid"):
        mse_clip(w, [0.0])
    with pytest.raises(CompressionError, match="make no grid"):
        squared_error(w[:0], 1.0)


@pytest.mark.parametrize(("zero_point", "bits"), [(0, 8), (-3, 4), (1, 2)])
def test_straight_through_is_torch_s(zero_point: int, bits: int) -> None:
    x = RNG.normal(size=(6, 20)) * 2 ** (bits - 1)
    leaf = torch.tensor(x, requires_grad=True)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    there = fake_quantize(leaf, 0.75, zero_point, least, most)
    there.sum().backward()
    found = straight_through(x, 0.75, zero_point, bits)
    np.testing.assert_allclose(found["values"], there.detach().numpy())
    assert leaf.grad is not None
    np.testing.assert_array_equal(found["gradient"], leaf.grad.numpy())
    assert 0 < found["gradient"].mean() < 1


def test_steps_of_k_means_end_at_the_codebook() -> None:
    w = RNG.normal(size=(20, 30))
    centroids = np.linspace(w.min(), w.max(), 8)
    errors = []
    for _ in range(300):
        found = codebook_step(w, centroids)
        errors.append(float(((np.asarray(centroids)[found["indices"]] - w) ** 2).sum()))
        centroids = found["centroids"]
    assert errors == sorted(errors, reverse=True)
    np.testing.assert_allclose(centroids, kmeans_codebook(w, 3).centroids, rtol=1e-5)


def test_a_centroid_without_weights_stays() -> None:
    found = codebook_step(np.array([1.0, 3.0]), np.array([-9.0, 2.0]))
    assert found["centroids"].tolist() == [-9.0, 2.0]
    assert found["indices"].tolist() == [1, 1]
    alone = codebook_step(np.array([1.0, 3.0]), np.array([0.5, 2.5]))
    assert alone["centroids"].tolist() == [1.0, 3.0]


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_huffman_s_bits_are_those_of_its_words(counts: list[int]) -> None:
    codes = np.repeat(np.arange(len(counts)), counts)
    assert huffman_bits(counts) == len(huffman_encode(codes, 5).words)


def test_huffman_needs_codes_that_occur() -> None:
    for wrong in ([], [3, 0]):
        with pytest.raises(CompressionError, match="at least once"):
            huffman_bits(wrong)
