"""Answers are copied into plain data by their exact type, or refused."""

import enum
import math

import numpy as np
import pytest
from sly_answers import AlwaysEqual, SlyArray, SlyInt

from tinyml_course.course.compare import same
from tinyml_course.course.plain import MAX_ELEMENTS, MalformedAnswerError, to_plain


class SlyList(list):  # type: ignore[type-arg]
    def __len__(self) -> int:
        return 3


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (2.5, 2.5),
        (True, True),
        (None, None),
        ("text", "text"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({"a": (1,), 2: [None]}, {"a": [1], 2: [None]}),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([True, False]), [True, False]),
        (np.array(7), 7),
    ],
)
def test_plain_data_is_copied(value: object, expected: object) -> None:
    plain = to_plain(value)
    assert plain == expected
    assert type(plain) is type(expected)


def cyclic() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    "value",
    [
        AlwaysEqual(),
        SlyInt(5),
        Colour.RED,
        SlyList([1, 2, 3]),
        np.zeros(3).view(SlyArray),
        np.array([object()]),
        np.array(["text"]),
        np.longdouble(1),
        1 + 2j,
        {1, 2},
        b"bytes",
        range(3),
        (n for n in range(3)),
        {AlwaysEqual: 1},
        {1.5: 1},
        int,
        float("nan"),
        float("inf"),
        np.float64("nan"),
        np.array([1.0, np.inf]),
        [1, [2, math.nan]],
        1 << 2000,
        "x" * 100_000,
        [0] * (MAX_ELEMENTS + 1),
        np.zeros(MAX_ELEMENTS + 1),
        [[0] * 1000] * 1100,
        cyclic(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_refused(value: object) -> None:
    with pytest.raises(MalformedAnswerError):
        to_plain(value)


@pytest.mark.parametrize(
    ("got", "expected", "equal"),
    [
        (112, 112, True),
        (112.0, 112, True),
        (112.5, 112, False),
        (True, 1, False),
        (1, True, False),
        ("1", 1, False),
        (None, 0, False),
        ([1, 2], [1, 2], True),
        ([1, 2], [1, 2, 3], False),
        ([1], 1, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        (2**53 + 1, 2**53, False),
        (10**300, 1.0, False),
    ],
)
def test_equality_of_plain_data(got: object, expected: object, equal: bool) -> None:
    assert same(to_plain(got), to_plain(expected)) is equal


def test_the_largest_integer_can_be_compared() -> None:
    assert not same((1 << 1000) - 1, 1.5, relative=1e-9)


def test_tolerance_is_relative_and_only_for_numbers() -> None:
    assert same(0.1 + 0.2, 0.3, relative=1e-9)
    assert not same(0.1 + 0.2, 0.3)
    assert not same(1.001, 1.0, relative=1e-9)
    assert not same("a", "b", relative=1.0)
