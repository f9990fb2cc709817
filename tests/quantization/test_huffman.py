"""Huffman codes: decoded they are what they were, and no prefix code is shorter."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.errors import CompressionError
from tinyml_course.quantization import (
    canonical_words,
    entropy_bits,
    huffman_encode,
    huffman_from_bytes,
    huffman_lengths,
)

codes_of = st.lists(st.integers(0, 200), min_size=1, max_size=300).map(np.array)


@given(codes_of)
def test_decoded_it_is_the_input_and_the_bytes_are_as_many_as_it_says(codes: np.ndarray) -> None:
    coded = huffman_encode(codes, 8)
    data = coded.to_bytes()
    assert len(data) == coded.size_bytes
    np.testing.assert_array_equal(coded.decode(), codes)
    np.testing.assert_array_equal(huffman_from_bytes(data, codes.size, 8).decode(), codes)


@given(codes_of)
def test_a_code_lies_between_the_entropy_and_one_bit_more(codes: np.ndarray) -> None:
    lengths = huffman_lengths(codes)
    mean = np.mean([lengths[code] for code in codes.tolist()])
    entropy = entropy_bits(codes)
    assert entropy - 1e-9 <= mean < max(entropy + 1, 1 + 1e-9)
    assert sum(2.0**-n for n in lengths.values()) == (1.0 if len(lengths) > 1 else 0.5)  # Kraft


@given(codes_of)
def test_no_word_begins_another(codes: np.ndarray) -> None:
    words = canonical_words(huffman_lengths(codes)).values()
    assert len(set(words)) == len(words)
    assert not any(b.startswith(a) for a, b in itertools.permutations(words, 2))


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 5))
def test_no_prefix_code_is_shorter(counts: tuple[int, ...]) -> None:
    """Against all prefix codes of five symbols: those whose lengths Kraft's inequality allows."""
    lengths = huffman_lengths(np.repeat(np.arange(5), counts))
    ours = sum(lengths[i] * n for i, n in enumerate(counts))
    allowed = (e for e in itertools.product(range(1, 5), repeat=5) if sum(2.0**-n for n in e) <= 1)
    assert ours == min(sum(a * n for a, n in zip(e, counts, strict=True)) for e in allowed)


def test_entropy_by_hand() -> None:
    assert entropy_bits(np.array([0, 0, 1, 2])) == pytest.approx(1.5)
    assert entropy_bits(np.zeros(9, int)) == 0
    assert entropy_bits(np.arange(256)) == pytest.approx(8)


def test_a_lone_code_takes_a_bit_each() -> None:
    coded = huffman_encode(np.full((4, 4), 3), 4)
    assert (len(coded.words), coded.lengths) == (16, {3: 1})
    assert coded.decode().tolist() == [3] * 16


def test_bad_input() -> None:
    with pytest.raises(CompressionError, match="no codes"):
        entropy_bits(np.zeros(0, int))
    with pytest.raises(CompressionError, match="integers from 0, got int64 from -1"):
        huffman_lengths(np.array([0, -1]))
    with pytest.raises(CompressionError, match="integers from 0, got float64"):
        huffman_lengths(np.array([0.5]))
    with pytest.raises(CompressionError, match="code 16 does not fit 4 bits"):
        huffman_encode(np.array([16]), 4)
    with pytest.raises(CompressionError, match="1 to 16 bits, got 17"):
        huffman_encode(np.array([1]), 17)


def test_bytes_that_are_no_code() -> None:
    data = huffman_encode(np.array([0, 1, 1, 2, 2, 2, 2]), 4).to_bytes()
    with pytest.raises(CompressionError, match="do not hold"):
        huffman_from_bytes(data[:8], 7, 4)
    with pytest.raises(CompressionError, match="behind"):
        huffman_from_bytes(data, 70, 4).decode()
    lying = bytearray(data)
    lying[6:9] = b"\x01\x01\x01"  # three words of one bit
    with pytest.raises(CompressionError, match="Kraft"):
        huffman_from_bytes(bytes(lying), 7, 4)
