"""An outcome travels as plain data, and its status is the worst of its questions'."""

import json
from typing import get_args

import pytest

from autograder.judging import Group, Outcome, QuestionOutcome
from autograder.judging import outcome as outcomes
from autograder.judging.outcome import QuestionStatus, Status, worst
from tinyml_course.errors import TinyMLError, UnknownNameError

GROUPS = (Group("dense", 3, 3), Group("grouped", 1, 4, "1 of 4 right; ..."))
OUTCOME = Outcome(
    "timeout",
    (
        QuestionOutcome("q1", 3.2, 8, "partly right", "", GROUPS),
        QuestionOutcome("final", 0.1, 20, "timeout", "it took longer than its limit"),
    ),
    "cell q1 is missing",
    1.25,
    None,
    "bubblewrap",
)


def test_it_comes_back_from_json() -> None:
    assert Outcome.from_dict(json.loads(json.dumps(OUTCOME.to_dict()))) == OUTCOME


def test_points_are_those_of_its_questions() -> None:
    assert (OUTCOME.points, OUTCOME.max_points) == (3.3, 28)
    assert [group.passed for group in GROUPS] == [True, False]


@pytest.mark.parametrize("place", [(), ("questions", 0), ("questions", 0, "groups", 1)])
def test_keys_must_be_known_and_complete(place: tuple[str | int, ...]) -> None:
    for change in ("more", "less"):
        data = json.loads(json.dumps(OUTCOME.to_dict()))
        part = data
        for step in place:
            part = part[step]
        if change == "more":
            part["grade"] = 6
        else:
            part.popitem()
        with pytest.raises(UnknownNameError if change == "more" else TinyMLError):
            Outcome.from_dict(data)


def test_a_status_must_exist() -> None:
    for place in ("status", "question"):
        data = json.loads(json.dumps(OUTCOME.to_dict()))
        (data if place == "status" else data["questions"][0])["status"] = "passed"
        with pytest.raises(UnknownNameError, match="passed"):
            Outcome.from_dict(data)


@pytest.mark.parametrize(
    ("states", "tampered", "status"),
    [
        (["right", "wrong", "unsolved", "raised", "library", "missing"], False, "ok"),
        (["right", "malformed"], False, "malformed"),
        (["timeout", "crashed", "right"], False, "timeout"),
        (["timeout", "memory", "processes"], False, "memory"),
        (["memory", "tampered"], False, "tampered"),
        (["right"], True, "tampered"),
    ],
)
def test_the_worst_decides(states: list[QuestionStatus], tampered: bool, status: str) -> None:
    questions = tuple(QuestionOutcome(f"q{i}", 0, 1, one) for i, one in enumerate(states))
    assert worst(questions, tampered) == status


def test_every_status_is_explained() -> None:
    text = outcomes.__doc__ or ""
    for status in (*get_args(Status), *get_args(QuestionStatus)):
        assert f"`{status}`" in text
