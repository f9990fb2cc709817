"""What a learner is told about hidden inputs: what was got and expected, never the input.

Whatever a worker says could be made from the input, by code that wants it to be shown. So nothing
of it is repeated but numbers and lists of the expected form, names of Python's own errors, line
numbers, and classes that are known here.
"""

import builtins
import re

from autograder.judge import Failure, GroupResult
from tinyml_course.course import card
from tinyml_course.course.answering import Trouble
from tinyml_course.course.compare import form
from tinyml_course.course.plain import Plain

TROUBLES: dict[Trouble, str] = {
    "unsolved": "it is not written yet",
    "library": "it calls the library's version; the points are for your own",
    "timeout": "it took longer than its limit",
    "memory": "it took more memory than its limit",
    "processes": "it started more processes than allowed",
    "crashed": "its process ended without an answer",
    "tampered": "it sent messages that are no answers",
    "raised": "it raised an error",
    "malformed": "it gave something that is not plain data",
}
_KNOWN_CLASSES = frozenset(
    """
    Tensor Parameter set frozenset range map filter zip generator function method module type object
    builtin_function_or_method ellipsis complex bytes bytearray Fraction Decimal deque Counter
    defaultdict OrderedDict dict_keys dict_values dict_items Series DataFrame matrix
    """.split()  # noqa: SIM905 - a word a line would be longer than the rest of the file
)
_SAFE = re.compile(
    r"the answer has more than [\d,]+ (?:bits|elements)|the answer is nested deeper than \d+ levels"
    r"|the answer is too large|an array of type \w{1,12} with \d+ axes"
)
_CLASS = re.compile(r"(?:the answer holds an object of class|this is no function, it is a) (\w+)")
_SHOWN = 60


def error_name(name: object) -> str:
    """The name of an error if it is one of Python's own."""
    found = getattr(builtins, name, None) if isinstance(name, str) else None
    known = isinstance(found, type) and issubclass(found, BaseException)
    return str(name) if known else "an error of its own class"


def malformed_text(text: object) -> str:
    """Why an answer is malformed, in words that no learner's code can choose."""
    if isinstance(text, str):
        found = _CLASS.match(text)
        if found:
            known = found[1] in _KNOWN_CLASSES
            kind = f"an object of class {found[1]}" if known else "an object of its own class"
            return f"the answer holds {kind}; numbers, text, lists, dicts and arrays are understood"
        if _SAFE.fullmatch(text):
            return text
    return TROUBLES["malformed"]


def group_text(group: GroupResult) -> str:
    """What is wrong in a group; empty if nothing is."""
    if not group.failures:
        return ""
    return f"{group.right} of {group.cases} right; {_failure(group.failures[0])}"


def _failure(failure: Failure) -> str:
    answer, expected = failure.answer, failure.expected
    if answer.trouble:
        return answer.message or TROUBLES[answer.trouble]
    wanted = f"expected {_value(expected)}"
    if answer.value is None:
        return f"your function gave nothing back, {wanted}"
    if _alike(answer.value, expected):
        return f"your function gave {_value(answer.value)}, {wanted}"
    return f"your function gave {_form(answer.value)}, {wanted}"


def _alike(got: Plain, expected: Plain) -> bool:
    """Whether a value has the expected form down to its numbers, and holds no text of its own."""
    if isinstance(got, str) or isinstance(expected, str):
        return got == expected
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) == len(expected) and all(map(_alike, got, expected))
    if isinstance(got, dict) and isinstance(expected, dict):
        return got.keys() == expected.keys() and all(_alike(got[k], expected[k]) for k in expected)
    return form(got) == form(expected) and got is not None


def _form(value: Plain) -> str:
    return "a dict with other keys or values" if isinstance(value, dict) else form(value)


def _value(value: Plain) -> str:
    return card.shorten(f"{value:,}" if type(value) is int else repr(value), _SHOWN)
