"""Whether two plain values are the same answer."""

import math

from tinyml_course.course.plain import Plain


def same(got: Plain, expected: Plain, relative: float = 0.0) -> bool:
    """Whether ``got`` is as good as ``expected``.

    An integer and a float of the same value are the same number, whatever type the learner
    computed in. ``True`` is not 1, and text is never a number. Lists must agree in length, dicts
    in their keys.

    Args:
        got: the learner's answer as plain data.
        expected: the reference's.
        relative: relative tolerance of numbers; 0 asks for equality.
    """
    if isinstance(got, bool) or isinstance(expected, bool):
        return isinstance(got, bool) and isinstance(expected, bool) and got == expected
    if isinstance(got, (int, float)) and isinstance(expected, (int, float)):
        if got == expected or not relative:
            return got == expected
        # Not math.isclose: an integer too large for a float must not raise.
        return abs(got - expected) <= relative * max(abs(got), abs(expected))
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) == len(expected) and all(
            same(a, b, relative) for a, b in zip(got, expected, strict=True)
        )
    if isinstance(got, dict) and isinstance(expected, dict):
        return got.keys() == expected.keys() and all(
            same(got[key], expected[key], relative) for key in expected
        )
    return type(got) is type(expected) and got == expected


def form(value: Plain) -> str:
    """The kind of a value, in words a learner reads: ``a number``, ``a list of 3``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a dict with " + ", ".join(repr(key) for key in value)


def is_whole(value: Plain) -> bool:
    """Whether a number has no fraction."""
    return isinstance(value, int) or (isinstance(value, float) and math.floor(value) == value)
