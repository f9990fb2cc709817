"""Judging one question, or the final task, with a worker in the sandbox."""

from typing import Any

from autograder.judge import design_points, examine
from autograder.judging.cells import Answer as Place
from autograder.judging.cells import Release, Submission
from autograder.judging.conversation import Conversation, Ended
from autograder.judging.explain import TROUBLES, error_name, group_text, malformed_text
from autograder.judging.outcome import Group, QuestionOutcome, QuestionStatus
from autograder.labs import Lab
from autograder.sandbox.inside import wire
from autograder.sandbox.staging import Staging
from tinyml_course.course.answering import Answer, Trouble
from tinyml_course.course.checker import evaluate_design
from tinyml_course.course.plain import MalformedAnswerError, to_plain
from tinyml_course.course.question import Case, DesignTask, Question
from tinyml_course.errors import TinyMLError

_ORDER: tuple[Trouble, ...] = (
    "unsolved",
    "raised",
    "library",
    "malformed",
    "timeout",
    "memory",
    "processes",
    "crashed",
    "tampered",
)
"""Where several things went wrong, the last of these is the question's status."""
_FROM_WORKER: dict[str, Trouble] = {
    name: name for name in ("unsolved", "raised", "library", "malformed", "memory", "processes")
}
_FORMS = ({"value"}, {"trouble"}, {"trouble", "text"}, {"trouble", "error", "line"})


class _Undefined(Exception):
    """The notebook does not define what is asked for."""


class RemoteAnswerer:
    """Asks a worker for a function's answers.

    Args:
        conversation: with the worker.
        name: of the function.
    """

    def __init__(self, conversation: Conversation, name: str) -> None:
        self.conversation = conversation
        self.name = name
        self.troubles: set[Trouble] = set()

    def __call__(self, case: Case) -> Answer:
        """The answer for one case. It never raises because of what the worker sends."""
        order = {
            "do": "call",
            "name": self.name,
            "args": wire.encode(case.args),
            "kwargs": wire.encode(case.kwargs),
        }
        answer = ask_value(self.conversation, order)
        if answer.trouble:
            self.troubles.add(answer.trouble)
        return answer


def ask_value(conversation: Conversation, order: dict[str, Any]) -> Answer:
    """Give an order that is answered by a value."""
    try:
        reply = conversation.ask(order)
        if set(reply) not in _FORMS:
            raise _tampered(conversation)
        if "trouble" in reply:
            return _trouble(conversation, reply)
        return Answer(_plain(conversation, reply["value"]))
    except Ended as end:
        return Answer(trouble=end.why, message=TROUBLES[end.why])
    except MalformedAnswerError as error:
        return Answer(trouble="malformed", message=malformed_text(str(error)))


def _plain(conversation: Conversation, data: Any) -> Any:
    try:
        value = wire.decode(data)
    except (wire.WireError, RecursionError) as error:  # an honest worker sends no such thing
        raise _tampered(conversation) from error
    return to_plain(value)


def _tampered(conversation: Conversation) -> Ended:
    conversation.ended = "tampered"
    return Ended("tampered")


def _trouble(conversation: Conversation, reply: dict[str, Any]) -> Answer:
    kind = reply["trouble"]
    if not isinstance(kind, str) or kind not in _FROM_WORKER:
        raise _tampered(conversation)
    message = TROUBLES[_FROM_WORKER[kind]]
    if kind == "malformed":
        message = malformed_text(reply.get("text"))
    if kind == "raised":
        message = f"it raised {error_name(reply.get('error'))}{_line(reply.get('line'))}"
    return Answer(trouble=_FROM_WORKER[kind], message=message)


def _line(line: object) -> str:
    return f" in line {line} of its cell" if type(line) is int and 0 < line < 10_000 else ""


def define(
    conversation: Conversation, submission: Submission, release: Release, staging: Staging, q: str
) -> None:
    """Run the cells that a question needs.

    Raises:
        Ended: they ended the worker.
        _Undefined: what is asked for is not there afterwards; the message says why.
    """
    place: Place = submission.answers[q]
    reply = conversation.ask(
        {
            "do": "define",
            "name": place.name,
            "cells": [{"number": i, "source": s} for i, s in enumerate(submission.code)],
            "answer": place.number,
            "end": place.end,
            "released": release.open_code,
            "allowed": staging.allowed(q),
        }
    )
    defined = reply.get("defined")
    if type(defined) is not bool:
        raise _tampered(conversation)
    if defined:
        return
    error = f"it raised {error_name(reply['error'])}" if "error" in reply else ""
    text = reply.get("text")
    # No input was there yet, so the error's own words give none away.
    words = " ".join(text.split())[:200] if error and isinstance(text, str) else ""
    shown = "".join(letter for letter in words if letter.isprintable())
    where = _line(reply.get("line")) if error else ""
    raise _Undefined(f"{error}{where}{': ' if shown else ''}{shown}" if error else "")


def judge_function(
    conversation: Conversation,
    lab: Lab,
    question: Question,
    submission: Submission,
    release: Release,
    staging: Staging,
    seed: int,
) -> QuestionOutcome:
    """Judge a function by its hidden inputs."""
    name, most = question.name, question.points
    try:
        define(conversation, submission, release, staging, name)
    except Ended as end:
        return QuestionOutcome(name, 0.0, most, end.why, TROUBLES[end.why])
    except _Undefined as error:
        return _not_there(name, most, question.function_name, str(error))
    answerer = RemoteAnswerer(conversation, submission.answers[name].name)
    judged = examine(lab, question, answerer, seed)
    groups = tuple(Group(g.name, g.right, g.cases, group_text(g)) for g in judged.groups)
    forged = "tampered" in answerer.troubles
    points = 0.0 if forged else judged.points
    status = _status(answerer.troubles, points, most)
    return QuestionOutcome(name, points, most, status, _message(answerer.troubles), groups)


def _not_there(name: str, most: float, what: str, why: str) -> QuestionOutcome:
    if why:
        return QuestionOutcome(name, 0.0, most, "raised", f"{what} is not there: {why}")
    return QuestionOutcome(name, 0.0, most, "missing", f"no cell defines {what}")


def _status(troubles: set[Trouble], points: float, most: float) -> QuestionStatus:
    found = [trouble for trouble in _ORDER if trouble in troubles]
    if found:
        return found[-1]
    if points == most:
        return "right"
    return "partly right" if points else "wrong"


def _message(troubles: set[Trouble]) -> str:
    found = [trouble for trouble in _ORDER if trouble in troubles]
    return TROUBLES[found[-1]] if found else ""


def judge_design(
    conversation: Conversation,
    task: DesignTask,
    submission: Submission,
    release: Release,
    staging: Staging,
) -> QuestionOutcome:
    """Take the design that the notebook makes, and evaluate it here."""
    name, most = task.name, task.points
    variable = submission.answers[name].name
    try:
        define(conversation, submission, release, staging, name)
    except Ended as end:
        return QuestionOutcome(name, 0.0, most, end.why, TROUBLES[end.why])
    except _Undefined as error:
        return _not_there(name, most, variable, str(error))
    answer = ask_value(conversation, {"do": "value", "name": variable})
    if answer.trouble:
        return QuestionOutcome(name, 0.0, most, answer.trouble, answer.message)
    try:
        evaluation = evaluate_design(task, answer.value)
    except TinyMLError as error:
        return QuestionOutcome(name, 0.0, most, "wrong", str(error)[:300])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return QuestionOutcome(name, 0.0, most, "wrong", "the design makes no sense")
    if evaluation is None:
        return QuestionOutcome(name, 0.0, most, "unsolved", "there is no design yet")
    points = design_points(task, evaluation)
    return QuestionOutcome(name, points, most, _status(set(), points, most), evaluation.lines[0])
