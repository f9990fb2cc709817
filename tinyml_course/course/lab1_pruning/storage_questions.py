"""Question 8: bytes of sparse storage."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.pruning.relative_index import relative_index_bytes

Array = NDArray[Any]


def _gaps(w: Array) -> list[Array]:
    """By column, the zeros before each weight that is not zero."""
    return [np.diff(np.flatnonzero(column), prepend=-1) - 1 for column in w.T]


def _up(bits: int) -> int:
    return (bits + 7) // 8


def _bytes(columns: int, entries: int, index_bits: int, value_bits: int) -> int:
    return 2 * (columns + 1) + _up(entries * index_bits) + _up(entries * value_bits)


def _entries(w: Array, reach: int) -> int:
    return int(sum((gaps // reach + 1).sum() for gaps in _gaps(w)))


def _right(w: Array, index_bits: int, value_bits: int) -> int:
    return _bytes(w.shape[1], _entries(w, 1 << index_bits), index_bits, value_bits)


def _without_fillers(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    return _bytes(w.shape[1], int(np.count_nonzero(w)), index_bits, value_bits)


def _without_pointers(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    return _right(w, index_bits, value_bits) - 2 * (int(w.shape[1]) + 1)


def _one_pointer_short(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    return _right(w, index_bits, value_bits) - 2


def _fillers_too_early(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    return _bytes(w.shape[1], _entries(w, (1 << index_bits) - 1), index_bits, value_bits)


def _trailing_fillers(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    reach, extra = 1 << index_bits, 0
    for column in w.T:
        last = np.flatnonzero(column)
        extra += (len(column) - (int(last[-1]) + 1 if len(last) else 0)) // reach
    return _bytes(w.shape[1], _entries(w, reach) + extra, index_bits, value_bits)


def _by_rows(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    return _right(w.T, index_bits, value_bits)


def _one_run(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = _entries(w.T.reshape(-1, 1), 1 << index_bits)
    return _bytes(w.shape[1], entries, index_bits, value_bits)


def _without_indices(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = _entries(w, 1 << index_bits)
    return _bytes(w.shape[1], entries, 0, value_bits)


def _rounded_down(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = _entries(w, 1 << index_bits)
    packed = entries * index_bits // 8 + entries * value_bits // 8
    return 2 * (int(w.shape[1]) + 1) + packed


def _without_first_gaps(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = int(np.count_nonzero(w))
    entries += sum(int((gaps[1:] >> index_bits).sum()) for gaps in _gaps(w))
    return _bytes(w.shape[1], entries, index_bits, value_bits)


def _packed_together(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = _entries(w, 1 << index_bits)
    return 2 * (int(w.shape[1]) + 1) + _up(entries * (index_bits + value_bits))


def _whole_bytes(w: Array, index_bits: int = 4, value_bits: int = 8) -> int:
    entries = _entries(w, 1 << index_bits)
    return 2 * (int(w.shape[1]) + 1) + entries * (_up(index_bits) + _up(value_bits))


def _columns(rows: int, *columns: Mapping[int, int]) -> Array:
    w = np.zeros((rows, len(columns)), np.int8)
    for number, entries in enumerate(columns):
        for row, value in entries.items():
            w[row, number] = value
    return w


STORAGE = Question(
    name="q8",
    title="bytes of sparse storage",
    points=8,
    reference=relative_index_bytes,
    cases=(
        case(_columns(6, {0: 3, 2: -1, 3: 7})),
        case(_columns(23, {2: 1, 3: 2, 22: 3})),
        case(_columns(20, {0: 5}, {16: 1}, {15: 2, 19: 2})),
        case(_columns(12, {1: 2, 11: 1}, {}, {8: 3}), 2, 4),
        case(_columns(9, {0: 1, 4: -2}, {7: 3}), 3, 4),
        case(_columns(40, {36: 1}, {3: -5, 4: 6}), 4, 8),
    ),
    mistakes=(
        Mistake(
            "Fillers are missing. A gap of more zeros than the index can count needs stored zeros "
            "in between, each a full entry.",
            _without_fillers,
        ),
        Mistake(
            "The pointers are missing: 2 bytes for each column, and one pointer more.",
            _without_pointers,
        ),
        Mistake(
            "One pointer is missing: the last column needs an end as well, so there is one "
            "pointer more than columns.",
            _one_pointer_short,
        ),
        Mistake(
            "A filler comes one zero too early. 4 bits count from 0 to 15 zeros, so only the 16th "
            "needs a filler.",
            _fillers_too_early,
        ),
        Mistake(
            "Zeros at the end of a column are stored. Behind its last weight nothing is needed: "
            "the next pointer tells where the column ends.",
            _trailing_fillers,
        ),
        Mistake("You walk along rows. Each column is a list of its own.", _by_rows),
        Mistake(
            "Gaps run on from one column into the next. Each column counts from its own top.",
            _one_run,
        ),
        Mistake("The indices are missing: each entry has a gap of `index_bits`.", _without_indices),
        Mistake("A byte that is only partly used is used: round up.", _rounded_down),
        Mistake(
            "The zeros before a column's first weight are not counted. They are a gap like any "
            "other, and may need fillers.",
            _without_first_gaps,
        ),
        Mistake(
            "Gaps and values are packed together. They are two lists, each rounded up to whole "
            "bytes.",
            _packed_together,
        ),
        Mistake(
            "Each gap and each value takes whole bytes of its own. They are packed: two gaps of 4 "
            "bits share a byte.",
            _whole_bytes,
        ),
    ),
)

QUESTIONS = (STORAGE,)
