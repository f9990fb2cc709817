"""Sparse storage with relative indices: compressed sparse columns as Deep Compression and EIE do.

A column is a list of its weights that are not zero, each with the number of zeros before it. A
longer run of zeros than the index can count is broken by a *filler*, a stored zero (Han et al.
2016a, figure 2; Han et al. 2016b, EIE, section III.B). In flash lie, one behind the other: where
each column's entries begin, the indices, the values.

EIE stores the columns of a fully connected layer, so that a column whose input is zero is skipped:
``w`` as ``(C_out, C_in)``. Deep Compression stores a layer as one run: ``w.reshape(-1, 1)``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import check_bits
from tinyml_course.pruning.bit_packing import Unsigned, pack_bits, packed_bytes, unpack_bits
from tinyml_course.pruning.errors import PruningError, SparsityError, WeightError

Values = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class RelativeIndexed:
    """A sparse matrix, entry by entry, column by column.

    Attributes:
        shape: ``(rows, columns)``.
        pointers: first entry of each column, and the number of entries at last, ``(columns + 1,)``.
        gaps: zeros before each entry in its column.
        values: of each entry, in the matrix's dtype; a filler's is 0.
        index_bits: of each gap.
        value_bits: of each value.
    """

    shape: tuple[int, int]
    pointers: Unsigned
    gaps: Unsigned
    values: Values
    index_bits: int
    value_bits: int

    @property
    def entries(self) -> int:
        """Stored weights, fillers among them."""
        return len(self.values)

    @property
    def fillers(self) -> int:
        """Stored zeros."""
        return int((self.values == 0).sum())

    @property
    def size_bytes(self) -> int:
        """Bytes in flash; what `to_bytes` writes."""
        return storage_bytes(self.shape[1], self.entries, self.index_bits, self.value_bits)

    def decode(self) -> Values:
        """The matrix."""
        dense = np.zeros(self.shape, self.values.dtype)
        for column in range(self.shape[1]):
            first, last = self.pointers[column], self.pointers[column + 1]
            rows = np.cumsum(self.gaps[first:last] + 1) - 1
            dense[rows, column] = self.values[first:last]
        return dense

    def to_bytes(self) -> bytes:
        """Pointers (little-endian), gaps and values, the last two packed to whole bytes each."""
        width = pointer_bytes(self.entries)
        return b"".join(
            (
                self.pointers.astype(f"<u{width}").tobytes(),
                pack_bits(self.gaps, self.index_bits),
                pack_bits(_as_codes(self.values, self.value_bits), self.value_bits),
            )
        )


def encode(w: Values, index_bits: int = 4, value_bits: int | None = None) -> RelativeIndexed:
    """Store what is not zero.

    Args:
        w: ``(rows, columns)``, float32 or integers (int8 weights, or codes of a codebook in which
            code 0 is the zero).
        index_bits: of each gap, 1 to 16. EIE has 4; Deep Compression 8 for convolutions and 5 for
            fully connected layers.
        value_bits: of each value; by default all bits of the dtype. Integers may take fewer.

    Raises:
        WeightError: not a matrix with elements, NaN, or values that the bits do not hold.
        SparsityError: another number of bits.

    >>> encode(np.array([[0], [0], [1], [2], *[[0]] * 18, [3]], np.int8)).gaps
    array([ 2,  0, 15,  2], dtype=uint32)
    """
    _check(w, index_bits)
    bits = w.dtype.itemsize * 8 if value_bits is None else value_bits
    _as_codes(w.reshape(-1), bits)  # refuses what the bits do not hold before anything is stored
    reach = 1 << index_bits
    pointers, gaps, values = [0], [], []
    for column in w.T:
        places = np.flatnonzero(column)
        steps = np.diff(places, prepend=-1)  # from entry to entry; a gap is one less
        fillers = (steps - 1) // reach
        entries = np.cumsum(fillers + 1)
        total = int(entries[-1]) if len(entries) else 0
        gap = np.full(total, reach - 1, np.uint32)
        value = np.zeros(total, w.dtype)
        gap[entries - 1] = (steps - 1) % reach
        value[entries - 1] = column[places]
        gaps.append(gap)
        values.append(value)
        pointers.append(pointers[-1] + total)
    return RelativeIndexed(
        (w.shape[0], w.shape[1]),
        np.array(pointers, np.uint32),
        np.concatenate(gaps),
        np.concatenate(values),
        index_bits,
        bits,
    )


def from_bytes(
    data: bytes,
    shape: tuple[int, int],
    entries: int,
    dtype: Any,
    index_bits: int = 4,
    value_bits: int | None = None,
) -> RelativeIndexed:
    """What `RelativeIndexed.to_bytes` wrote; the other arguments are not in it: code knows them.

    Raises:
        PruningError: another number of bytes than these figures need.
    """
    kind = np.dtype(dtype)
    bits = kind.itemsize * 8 if value_bits is None else value_bits
    needed = storage_bytes(shape[1], entries, index_bits, bits)
    if len(data) != needed:
        raise PruningError(
            f"{entries} entries in {shape[1]} columns are {needed:,} B, got {len(data):,}"
        )
    width = pointer_bytes(entries)
    gaps_at = (shape[1] + 1) * width
    values_at = gaps_at + packed_bytes(entries, index_bits)
    return RelativeIndexed(
        shape,
        np.frombuffer(data[:gaps_at], f"<u{width}").astype(np.uint32),
        unpack_bits(data[gaps_at:values_at], entries, index_bits),
        _from_codes(unpack_bits(data[values_at:], entries, bits), kind, bits),
        index_bits,
        bits,
    )


def storage_bytes(columns: int, entries: int, index_bits: int, value_bits: int) -> int:
    """Bytes of a sparse matrix: pointers, gaps and values, each rounded up to whole bytes.

    Args:
        columns: of the matrix.
        entries: stored weights, fillers among them.
        index_bits: of each gap.
        value_bits: of each value.
    """
    pointers = (columns + 1) * pointer_bytes(entries)
    return pointers + packed_bytes(entries, index_bits) + packed_bytes(entries, value_bits)


def pointer_bytes(entries: int) -> int:
    """Bytes of a column's pointer: 2 where they suffice, as in EIE, else 4."""
    return 2 if entries < 1 << 16 else 4


def relative_index_bytes(w: Values, index_bits: int = 4, value_bits: int = 8) -> int:
    """Bytes of a matrix in this form, from its zeros alone; see `encode`.

    Args:
        w: ``(rows, columns)``; only where it is zero matters.
        index_bits: of each gap.
        value_bits: of each value.

    Raises:
        WeightError: not a matrix with elements, or NaN.
        SparsityError: another number of bits.
    """
    _check(w, index_bits)
    if value_bits < 1:
        raise SparsityError(f"a value takes at least 1 bit, got {value_bits}")
    reach = 1 << index_bits
    entries = 0
    for column in w.T:
        zeros_before = np.diff(np.flatnonzero(column), prepend=-1) - 1
        entries += int((zeros_before // reach + 1).sum())
    return storage_bytes(w.shape[1], entries, index_bits, value_bits)


def _check(w: Values, index_bits: int) -> None:
    if w.ndim != 2 or not w.size:
        raise WeightError(f"a matrix with elements is needed, got {w.shape}; reshape it")
    if np.issubdtype(w.dtype, np.floating) and not np.isfinite(w.astype(np.float64)).all():
        raise WeightError("the weights hold NaN or infinity")
    check_bits("indices have", index_bits, 1, 16, SparsityError)


def _as_codes(values: Values, bits: int) -> Unsigned:
    """The values' bits as unsigned numbers; negative integers in two's complement."""
    kind = values.dtype
    if kind == np.float32 and bits == 32:
        return values.view(np.uint32)
    if not np.issubdtype(kind, np.integer) or kind.itemsize > 4:
        raise WeightError(f"{bits} bits for {kind}: float32 takes 32, integers up to 32")
    check_bits("values have", bits, 1, 32, SparsityError)
    numbers = values.astype(np.int64)
    signed = np.issubdtype(kind, np.signedinteger)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if len(numbers) and not low <= numbers.min() <= numbers.max() <= high:
        raise WeightError(
            f"values from {numbers.min()} to {numbers.max()} do not fit {bits} bits, which hold "
            f"{low} to {high}"
        )
    return (numbers & ((1 << bits) - 1)).astype(np.uint32)


def _from_codes(codes: Unsigned, kind: np.dtype[Any], bits: int) -> Values:
    if kind == np.float32:
        return codes.view(np.float32)
    numbers = codes.astype(np.int64)
    if np.issubdtype(kind, np.signedinteger):
        numbers -= (numbers >> (bits - 1)) << bits
    return numbers.astype(kind)
