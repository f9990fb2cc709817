"""What is said of a wrong answer helps, and repeats nothing that was chosen from a hidden input."""

from typing import Any

import pytest

from autograder.judge import Failure, GroupResult
from autograder.judging.explain import error_name, group_text, malformed_text
from tinyml_course.course.answering import Answer


def said(value: Any, expected: Any) -> str:
    return group_text(GroupResult("g", 1, 2, (Failure(Answer(value), expected),)))


def test_a_right_group_says_nothing() -> None:
    assert group_text(GroupResult("g", 2, 2)) == ""


@pytest.mark.parametrize(
    ("value", "expected", "text"),
    [
        (12, 14, "1 of 2 right; your function gave 12, expected 14"),
        (1234567, 2.5, "gave 1,234,567, expected 2.5"),
        ([1, 2], [1, 3], "gave [1, 2], expected [1, 3]"),
        ([1, 2, 9], [1, 3], "gave a list of 3, expected [1, 3]"),
        ({"a": True}, {"a": False}, "gave {'a': True}, expected {'a': False}"),
        ({"b": True}, {"a": False}, "gave a dict with other keys or values, expected"),
        (None, 3, "gave nothing back, expected 3"),
        (True, 3, "gave True or False, expected 3"),
    ],
)
def test_got_and_expected(value: Any, expected: Any, text: str) -> None:
    assert text in said(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("secret", 3),
        ("secret", "right"),
        (["secret"], ["right"]),
        ([["secret"]], [1]),
        ({"secret": 1}, {"a": 1}),
        ({"a": "secret"}, {"a": "x"}),
        ({"a": ["secret"]}, {"a": [1]}),
    ],
)
def test_no_text_of_an_answer_is_repeated(value: Any, expected: Any) -> None:
    assert "secret" not in said(value, expected)


def test_only_pythons_own_errors_are_named() -> None:
    assert error_name("ZeroDivisionError") == "ZeroDivisionError"
    for name in ("SecretError", "print", "", None, 5, ["ValueError"]):
        assert error_name(name) == "an error of its own class"


def test_only_known_words_say_why_an_answer_is_malformed() -> None:
    assert "class Tensor" in malformed_text("the answer holds an object of class Tensor; numbers")
    assert "secret" not in malformed_text("the answer holds an object of class secret; numbers")
    assert malformed_text("the answer has more than 4,096 bits").endswith("4,096 bits")
    for text in ("secret", "the answer has more than 5 bits secret", None, 7):
        assert malformed_text(text) == "it gave something that is not plain data"
