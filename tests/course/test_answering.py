"""Calling a learner's function gives an `Answer`, whatever the function does."""

import copy
import logging
import sys
import warnings
from typing import Any

import pytest

from tinyml_course.course.answering import LocalAnswerer
from tinyml_course.course.question import case


def reference(x: int) -> int:
    return x + 1


def noisy(x: int) -> int:
    print("working")
    print("on it", file=sys.stderr)
    warnings.warn("slow", stacklevel=1)
    logging.getLogger("learner").warning("hm")
    return x + 1


def test_noise_costs_nothing_and_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert LocalAnswerer(noisy, reference)(case(1)).value == 2
    assert capfd.readouterr() == ("", "")


def test_logging_is_as_before() -> None:
    LocalAnswerer(noisy)(case(1))
    assert logging.root.manager.disable == logging.NOTSET


def test_each_call_gets_fresh_inputs() -> None:
    def greedy(numbers: list[int]) -> int:
        numbers.sort()
        return numbers.pop()

    answerer, question = LocalAnswerer(greedy), case([3, 1, 2])
    before = copy.deepcopy(question)
    assert [answerer(question).value for _ in range(3)] == [3, 3, 3]
    assert question == before


class Strange(BaseException):
    def __str__(self) -> str:
        raise ValueError("no message")


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (NotImplementedError("lab0 q1: not written"), "unsolved"),
        (ZeroDivisionError("division by zero"), "raised"),
        (SystemExit(0), "raised"),
        (RecursionError(), "raised"),
        (Strange(), "raised"),
    ],
)
def test_errors_become_answers(error: BaseException, trouble: str) -> None:
    def failing(x: int) -> int:
        raise error

    assert LocalAnswerer(failing)(case(1)).trouble == trouble


def test_an_interrupt_stops_everything() -> None:
    def interrupted(x: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalAnswerer(interrupted)(case(1))


@pytest.mark.parametrize("function", [5, None, "text", [reference]])
def test_what_is_no_function_is_malformed(function: Any) -> None:
    assert LocalAnswerer(function)(case(1)).trouble == "malformed"


@pytest.mark.parametrize(
    "function", [reference, lambda x: reference(x), lambda x: max(map(reference, [x]))]
)
def test_the_librarys_version_is_noticed(function: Any) -> None:
    assert LocalAnswerer(function, reference)(case(1)).trouble == "library"
    assert LocalAnswerer(function)(case(1)).value == 2


def test_a_door_of_the_library_is_noticed_wherever_it_was_imported() -> None:
    def through(real: float) -> int:
        from tinyml_course.graph.fixed_point import quantize_multiplier as other_name

        return other_name(real)[1]

    door = "tinyml_course.graph.fixed_point:quantize_multiplier"
    assert LocalAnswerer(through, reference, [door])(case(0.25)).trouble == "library"
    for other in ("tinyml_course.graph.quantization:quantize_multiplier", "a:b"):
        assert LocalAnswerer(through, reference, [other])(case(0.25)).value == -1
    assert sys.getprofile() is None
