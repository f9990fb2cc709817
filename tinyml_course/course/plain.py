"""Answers as plain data: the only form in which they are compared, shown, or sent elsewhere.

An answer of any other class could bring an ``__eq__`` that is always true, or code that runs when
it is printed. So an answer is copied into built-in types first, by its exact type.
"""

import math
from typing import Any

import numpy as np

from tinyml_course.errors import TinyMLError

Plain = int | float | bool | str | None | list["Plain"] | dict["str | int", "Plain"]
"""What an answer is made of; tuples and arrays become lists."""

MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 8
MAX_TEXT = 20_000
MAX_INTEGER_BITS = 1000
"""Small enough to be compared with a float."""

_INTEGERS = tuple(np.dtype(code).type for code in "bBhHiIlLqQ")
_FLOATS = (np.float16, np.float32, np.float64)


class MalformedAnswerError(TinyMLError):
    """An answer that is not made of numbers, text, lists and dicts, or is too large or not finite.

    The message is written to the learner.
    """


def to_plain(value: object) -> Plain:
    """Copy an answer into built-in types.

    NumPy scalars and arrays become numbers and lists; tuples become lists. Subclasses of any of
    these are refused, since they can redefine what equality means.

    Args:
        value: what the learner's function returned.

    Raises:
        MalformedAnswerError: another class, NaN or infinity, or more than ``MAX_ELEMENTS`` numbers.
    """
    return _Copier().copy(value, 0)


class _Copier:
    """One copy; counts elements, so that a deep or cyclic answer ends."""

    def __init__(self) -> None:
        self.elements = 0

    def copy(self, value: Any, depth: int) -> Plain:
        kind = type(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]
        if kind is int:
            return _integer(value)
        if kind is float:
            return _finite(value)
        if kind is str:
            return _text(value)
        if kind is np.bool_:
            return bool(value)
        if kind in _INTEGERS:
            return int(value)
        if kind in _FLOATS:
            return _finite(float(value))
        if depth >= MAX_DEPTH:
            raise MalformedAnswerError(f"the answer is nested deeper than {MAX_DEPTH} levels")
        if kind is np.ndarray:
            return self._array(value, depth)
        if kind is list or kind is tuple:
            self._count(len(value))
            return [self.copy(item, depth + 1) for item in value]
        if kind is dict:
            self._count(len(value))
            return {_key(key): self.copy(item, depth + 1) for key, item in value.items()}
        raise MalformedAnswerError(
            f"the answer holds an object of class {_class_name(kind)}; numbers, text, lists, "
            "tuples, dicts and NumPy arrays are understood"
        )

    def _array(self, array: np.ndarray[Any, Any], depth: int) -> Plain:
        if array.dtype.kind not in "biuf" or array.ndim > MAX_DEPTH:
            raise MalformedAnswerError(f"an array of type {array.dtype} with {array.ndim} axes")
        self._count(array.size)
        return self.copy(array.tolist(), depth)

    def _count(self, elements: int) -> None:
        self.elements += elements
        if self.elements > MAX_ELEMENTS:
            raise MalformedAnswerError(f"the answer has more than {MAX_ELEMENTS:,} elements")


def _integer(value: int) -> int:
    if value.bit_length() > MAX_INTEGER_BITS:
        raise MalformedAnswerError(f"the answer has more than {MAX_INTEGER_BITS} bits")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise MalformedAnswerError(f"the answer holds {value}, which is not a number to compare")
    return value


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise MalformedAnswerError(f"the answer is a text of {len(value):,} characters")
    return value


def _key(key: object) -> str | int:
    if type(key) is str:
        return _text(key)
    if type(key) is int:
        return _integer(key)
    raise MalformedAnswerError(f"a dict key of class {_class_name(type(key))}; use text")


def _class_name(kind: type) -> str:
    # type.__name__, not kind.__name__: a metaclass could answer with anything.
    return str(type.__getattribute__(kind, "__name__"))[:80]
