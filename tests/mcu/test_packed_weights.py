"""Packed weights: what was packed comes out, in the bits that were asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.errors import GraphError
from tinyml_course.mcu.packed_weights import (
    pack_weights,
    packed_weight_bytes,
    unpack_weights,
    unpacked_bytes,
    weight_bits,
)


@st.composite
def few_bits(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Weights in the top bits of their bytes, and how many bits."""
    bits, count = draw(st.integers(2, 7)), draw(st.integers(0, 200))
    half = 2 ** (bits - 1)
    weights = draw(st.lists(st.integers(-half, half - 1), min_size=count, max_size=count))
    return (np.array(weights, np.int64) << 8 - bits).astype(np.int8), bits


@given(few_bits())
def test_what_was_packed_comes_out(case: tuple[np.ndarray, int]) -> None:
    weights, bits = case
    packed = pack_weights(weights, bits)
    assert packed.size == packed_weight_bytes(weights.size, bits)
    np.testing.assert_array_equal(unpack_weights(packed, bits, weights.size), weights)


@given(few_bits())
def test_every_bit_is_where_the_layout_says(case: tuple[np.ndarray, int]) -> None:
    """The layout of the module's text, written out bit by bit."""
    weights, bits = case
    packed = pack_weights(weights, bits)
    for index, weight in enumerate(weights.tolist()):
        group, in_group = divmod(index, 32)
        word, byte = divmod(in_group, 4)
        found, low, first_word = 0, 0, 0
        for width in (4, 2, 1):
            if not bits & width:
                continue
            per_byte = 8 // width
            plane_word = first_word + word // per_byte
            at = (group * bits + plane_word) * 4 + byte
            field = int(packed[at]) >> width * (word % per_byte) & (1 << width) - 1
            found |= field << low
            low, first_word = low + width, first_word + width
        assert found - 2 ** (bits - 1) == weight >> 8 - bits


@given(few_bits())
def test_fewer_bits_would_not_do(case: tuple[np.ndarray, int]) -> None:
    weights, bits = case
    needed = weight_bits(weights)
    assert needed <= bits
    assert needed == 2 or (weights % 2 ** (8 - needed + 1)).any()
    pack_weights(weights, needed)
    if needed > 2:
        with pytest.raises(GraphError, match=f"have {needed} bits and do not fit into"):
            pack_weights(weights, needed - 1)


def test_bits_of_some_weights() -> None:
    for values, bits in (
        ([64, -64, 0], 2),
        ([-128, 64], 2),
        ([32, 64], 3),
        ([112, 16], 4),
        ([2, 126], 7),
        ([1, 64], 8),
        ([-127], 8),
        ([0, 0], 2),
        ([], 2),
    ):
        assert weight_bits(np.array(values, np.int8)) == bits


def test_sizes_by_hand() -> None:
    assert [packed_weight_bytes(32, bits) for bits in range(2, 9)] == [8, 12, 16, 20, 24, 28, 32]
    assert packed_weight_bytes(33, 4) == 32  # two groups
    assert packed_weight_bytes(33, 8) == 33
    assert packed_weight_bytes(0, 3) == 0
    assert [unpacked_bytes(count) for count in (0, 1, 4, 5)] == [0, 4, 4, 8]


@pytest.mark.parametrize("bits", [-1, 0, 1, 8, 9])
def test_other_bits_are_refused(bits: int) -> None:
    with pytest.raises(GraphError, match=f"with 2 to 7 bits, got {bits}; with 8 they are bytes"):
        pack_weights(np.zeros(4, np.int8), bits)
    with pytest.raises(GraphError, match=f"with 2 to 7 bits, got {bits}"):
        unpack_weights(np.zeros(4, np.uint8), bits, 4)


def test_a_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(GraphError, match="33 weights of 4 bits take 32 bytes, got 16"):
        unpack_weights(np.zeros(16, np.uint8), 4, 33)
