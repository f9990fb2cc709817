"""The whole chain: what is decoded from the bytes is what the network computed with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.errors import CompressionError
from tinyml_course.quantization import compress, kmeans_codebook
from tinyml_course.quantization.deep_compression import from_bytes


def pruned(shape: tuple[int, ...], sparsity: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    w = rng.normal(size=shape).astype(np.float32)
    return w * (rng.random(shape) >= sparsity)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([(7, 3, 3, 5), (20, 11), (400,)]),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(0, 9),
)
def test_decoded_it_is_the_shared_weight(
    shape: tuple[int, ...], sparsity: float, bits: int, index_bits: int, seed: int
) -> None:
    w = pruned(shape, sparsity, seed)
    codebook = kmeans_codebook(w, bits, keep_zero=True)
    if not codebook.weights().any():
        return
    layer = compress(codebook, index_bits)
    np.testing.assert_array_equal(layer.weights(), codebook.weights())
    data = layer.to_bytes()
    assert len(data) == layer.size_bytes
    again = from_bytes(data, shape, index_bits, layer.code_bits)
    np.testing.assert_array_equal(again.weights(), codebook.weights())


def test_each_stage_saves() -> None:
    w = pruned((256, 256), 0.9, 0)
    codebook = kmeans_codebook(w, 5, keep_zero=True)
    layer = compress(codebook, 5)
    entries = layer.gaps.count
    pruned_bytes = entries * (32 + 5) / 8
    shared_bytes = entries * (5 + 5) / 8 + 4 * 31
    assert w.nbytes > 8 * pruned_bytes
    assert pruned_bytes > 3 * shared_bytes
    assert layer.size_bytes < shared_bytes
    assert w.nbytes / layer.size_bytes > 30


def test_nothing_left_and_bytes_that_are_none() -> None:
    with pytest.raises(CompressionError, match="all weights of the layer are 0"):
        compress(kmeans_codebook(np.zeros((3, 3), np.float32), 2, keep_zero=True), 4)
    data = compress(kmeans_codebook(pruned((30,), 0.5, 0), 2, keep_zero=True), 4).to_bytes()
    with pytest.raises(CompressionError, match="less than a header"):
        from_bytes(data[:5], (30,), 4, 2)
    with pytest.raises(CompressionError, match="asks for"):
        from_bytes(data[:14], (30,), 4, 2)
