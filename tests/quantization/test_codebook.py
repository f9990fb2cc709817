"""Shared weights: each at its nearest centroid, each centroid the mean of its weights."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.errors import CompressionError
from tinyml_course.quantization import (
    centroid_gradients,
    codebook_bytes,
    kmeans_codebook,
    nearest_centroids,
)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 400), st.integers(0, 99))
def test_it_is_a_fixed_point_of_lloyd_s_algorithm(bits: int, count: int, seed: int) -> None:
    w = weights(count, seed=seed)
    codebook = kmeans_codebook(w, bits)
    assert len(codebook.centroids) == min(2**bits, count)
    assert (np.diff(codebook.centroids) > 0).all()
    distance = np.abs(w[:, None] - codebook.centroids)
    np.testing.assert_allclose(np.abs(w - codebook.weights()), distance.min(1), atol=1e-6)
    means = [w[codebook.indices == i].mean() for i in range(len(codebook.centroids))]
    np.testing.assert_allclose(codebook.centroids, means, atol=1e-5)


def test_more_centroids_err_less() -> None:
    w = weights(40, 25)
    errors = [np.square(w - kmeans_codebook(w, bits).weights()).sum() for bits in range(1, 9)]
    assert errors == sorted(errors, reverse=True)


def test_few_different_weights_are_kept_exactly() -> None:
    w = np.array([[0.5, -2.0, 0.5], [7.0, 7.0, -2.0]], np.float32)
    codebook = kmeans_codebook(w, 4)
    np.testing.assert_array_equal(codebook.weights(), w)
    assert codebook.centroids.tolist() == [-2.0, 0.5, 7.0]
    assert codebook.indices.shape == w.shape


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_pruned_weights_stay_zero_and_nothing_else_becomes_it(bits: int) -> None:
    w = weights(30, 30)
    w[np.abs(w) < 1] = 0
    codebook = kmeans_codebook(w, bits, keep_zero=True)
    assert len(codebook.centroids) == 2**bits
    assert (codebook.weights()[w == 0] == 0).all()
    if bits > 1:  # with one bit there is one centroid for both signs
        assert (codebook.weights()[w != 0] != 0).all()
    assert (
        kmeans_codebook(np.zeros(5, np.float32), bits, keep_zero=True).weights().tolist()
        == [0.0] * 5
    )
    assert 0 not in kmeans_codebook(weights(9) + 9, bits, keep_zero=True).centroids


@given(st.integers(0, 999), st.integers(1, 8), st.integers(1, 256))
def test_bytes_by_formula(count: int, bits: int, entries: int) -> None:
    assert codebook_bytes(count, bits, entries) == -(-count * bits // 8) + 4 * entries
    assert codebook_bytes(count, bits) == codebook_bytes(count, bits, 2**bits)


def test_bytes_are_those_written() -> None:
    for bits in (1, 3, 5, 8):
        codebook = kmeans_codebook(weights(13, 7), bits)
        assert len(codebook.to_bytes()) == codebook.size_bytes


def test_a_centroid_s_gradient_is_autograd_s() -> None:
    codebook = kmeans_codebook(weights(6, 5), 2)
    centroids = torch.tensor(codebook.centroids, requires_grad=True)
    shared = centroids[torch.from_numpy(codebook.indices.astype(np.int64))]
    weight = shared.detach().requires_grad_()
    (weight.sin() * torch.from_numpy(weights(6, 5, seed=1))).sum().backward()
    (shared.sin() * torch.from_numpy(weights(6, 5, seed=1))).sum().backward()
    ours = centroid_gradients(weight.grad.numpy(), codebook.indices, 4)
    np.testing.assert_allclose(ours, centroids.grad.numpy(), rtol=1e-5)
    assert centroid_gradients(np.ones(2), np.zeros(2, int), 3).tolist() == [2, 0, 0]


def test_a_weight_in_the_middle_goes_down() -> None:
    centroids = np.array([-1.0, 1.0, 2.0], np.float32)
    assert nearest_centroids(np.array([-9, 0, 0.1, 1.5, 9.0]), centroids).tolist() == [
        0,
        0,
        1,
        1,
        2,
    ]


def test_bad_input() -> None:
    with pytest.raises(CompressionError, match="empty"):
        kmeans_codebook(np.zeros((0, 3), np.float32), 2)
    with pytest.raises(CompressionError, match="NaN or infinity"):
        kmeans_codebook(np.array([1.0, np.nan]), 2)
    for bits in (0, 9):
        with pytest.raises(CompressionError, match=f"1 to 8 bits, got {bits}"):
            kmeans_codebook(weights(4), bits)
    with pytest.raises(CompressionError, match=r"\(2,\) for indices \(3,\)"):
        centroid_gradients(np.ones(2), np.zeros(3, int), 1)
