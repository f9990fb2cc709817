"""Relative indices: what is decoded is what was encoded; bytes are those that are written."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray

from tinyml_course.pruning import (
    PruningError,
    SparsityError,
    WeightError,
    encode,
    relative_index_bytes,
    storage_bytes,
)
from tinyml_course.pruning.bit_packing import pack_bits, packed_bytes, unpack_bits
from tinyml_course.pruning.relative_index import from_bytes

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 5))
MATRICES = st.sampled_from(["int8", "uint8", "int16", "float32"]).flatmap(
    lambda dtype: SHAPES.flatmap(
        lambda shape: nps.arrays(
            dtype, shape, elements=st.one_of(st.just(0), st.just(0), st.just(0), st.integers(1, 7))
        )
    )
)


def written_out(w: NDArray[Any], reach: int) -> tuple[list[int], list[float], list[int]]:
    """Gaps, values and pointers by walking every weight, as EIE's section III.B tells it."""
    gaps, values, pointers = [], [], [0]
    for column in w.T:
        zeros = 0
        for value in column:
            if value != 0:
                gaps.append(zeros)
                values.append(value)
                zeros = 0
            elif zeros == reach - 1:
                gaps.append(zeros)
                values.append(0)
                zeros = 0
            else:
                zeros += 1
        # fillers behind the last weight are not needed
        while len(values) > pointers[-1] and values[-1] == 0:
            gaps.pop()
            values.pop()
        pointers.append(len(values))
    return gaps, values, pointers


@settings(max_examples=200)
@given(MATRICES, st.integers(1, 6))
def test_entries_are_those_of_a_walk_over_all_weights(w: NDArray[Any], bits: int) -> None:
    sparse = encode(w, bits)
    gaps, values, pointers = written_out(w, 1 << bits)
    assert sparse.gaps.tolist() == gaps
    assert sparse.values.tolist() == values
    assert sparse.pointers.tolist() == pointers
    assert sparse.entries == (w != 0).sum() + sparse.fillers


@settings(max_examples=200)
@given(MATRICES, st.integers(1, 6))
def test_decoding_gives_the_matrix_from_bytes_too(w: NDArray[Any], bits: int) -> None:
    sparse = encode(w, bits)
    decoded = sparse.decode()
    assert decoded.dtype == w.dtype
    assert np.array_equal(decoded, w)
    data = sparse.to_bytes()
    value_bits = 8 * w.dtype.itemsize
    assert len(data) == sparse.size_bytes == relative_index_bytes(w, bits, value_bits)
    again = from_bytes(data, sparse.shape, sparse.entries, w.dtype, bits)
    assert np.array_equal(again.decode(), w)


@given(st.integers(1, 8), st.integers(0, 99))
def test_values_may_take_fewer_bits(bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << bits, (30, 3)).astype(np.uint8)
    signed = rng.integers(-(1 << bits - 1), 1 << bits - 1, (30, 3)).astype(np.int8)
    for w in (codes, signed):
        sparse = encode(w, 3, bits)
        again = from_bytes(sparse.to_bytes(), sparse.shape, sparse.entries, w.dtype, 3, bits)
        assert np.array_equal(again.decode(), w)
        assert sparse.size_bytes == relative_index_bytes(w, 3, bits)


def test_the_example_of_eie() -> None:
    """Section III.B: v = [1, 2, 0, 3], z = [2, 0, 15, 2]."""
    column = np.array([0, 0, 1, 2, *[0] * 18, 3], np.int8)[:, None]
    sparse = encode(column, 4)
    assert sparse.values.tolist() == [1, 2, 0, 3]
    assert sparse.gaps.tolist() == [2, 0, 15, 2]
    assert sparse.fillers == 1


def test_the_example_of_deep_compression() -> None:
    """Figure 2: weights at 1, 4 and 15, differences of 3 bits, a filler at 12."""
    run = np.zeros((16, 1), np.float32)
    run[[1, 4, 15], 0] = 3.4, 0.9, 1.7
    sparse = encode(run, 3)
    assert (sparse.gaps + 1).tolist() == [2, 3, 8, 3]  # its differences are one more than gaps
    assert sparse.values.tolist() == pytest.approx([3.4, 0.9, 0, 1.7])


def test_bytes_by_hand() -> None:
    """Five entries in three columns: 4 pointers of 2 B, 20 bits, 5 B."""
    w = np.zeros((10, 3), np.int8)
    w[[1, 2, 5], 0], w[[0, 9], 2] = 1, 2
    assert relative_index_bytes(w, 4, 8) == 4 * 2 + 3 + 5
    assert storage_bytes(3, 5, index_bits=4, value_bits=8) == 16
    assert storage_bytes(3, 70_000, index_bits=4, value_bits=4) == 4 * 4 + 35_000 + 35_000
    assert relative_index_bytes(np.zeros((9, 2), np.int8)) == 3 * 2


def test_many_entries_take_wide_pointers() -> None:
    w = np.ones((66_000, 1), np.int8)
    sparse = encode(w, 1)
    assert len(sparse.to_bytes()) == sparse.size_bytes == 8 + 8250 + 66_000
    again = from_bytes(sparse.to_bytes(), sparse.shape, sparse.entries, "int8", 1)
    assert np.array_equal(again.decode(), w)


def test_a_dense_matrix_is_larger_than_itself() -> None:
    w = np.ones((64, 64), np.int8)
    assert relative_index_bytes(w) > w.nbytes
    w[w.cumsum().reshape(64, 64) % 8 != 0] = 0
    assert relative_index_bytes(w) < w.nbytes / 4


@given(st.integers(1, 32), st.integers(0, 40), st.integers(0, 99))
def test_packed_bits_come_back(bits: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 1 << bits, count, dtype=np.uint64).astype(np.uint32)
    data = pack_bits(numbers, bits)
    assert len(data) == packed_bytes(count, bits) == -(-count * bits // 8)
    assert np.array_equal(unpack_bits(data, count, bits), numbers)


def test_bits_lie_as_documented() -> None:
    assert pack_bits(np.array([1, 2, 3], np.uint32), 4) == bytes([0x21, 0x03])


def test_bad_input_is_refused() -> None:
    w = np.eye(3, dtype=np.int8)
    for shape in ((3,), (0, 3), (2, 2, 2)):
        with pytest.raises(WeightError, match="reshape it"):
            encode(np.zeros(shape, np.int8))
    with pytest.raises(WeightError, match="NaN"):
        relative_index_bytes(np.array([[np.nan]]))
    for bits in (0, 17):
        with pytest.raises(SparsityError, match="1 to 16 bits"):
            encode(w, bits)
    with pytest.raises(WeightError, match="from 0 to 9 do not fit 3 bits, which hold -4 to 3"):
        encode(w * 9, 4, 3)
    with pytest.raises(WeightError, match="float32 takes 32"):
        encode(w.astype(np.float32), 4, 8)
    with pytest.raises(WeightError, match="float64"):
        encode(w.astype(float))
    with pytest.raises(SparsityError, match="at least 1 bit"):
        relative_index_bytes(w, 4, 0)
    data = encode(w).to_bytes()
    with pytest.raises(PruningError, match=r"3 entries in 3 columns are 13 B, got 12"):
        from_bytes(data[:-1], (3, 3), 3, "int8")
    with pytest.raises(PruningError, match="4 does not fit 2 bits"):
        pack_bits(np.array([4], np.uint32), 2)
    with pytest.raises(PruningError, match="are 2 B, got 1"):
        unpack_bits(b"a", 2, 8)
