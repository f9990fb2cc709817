"""The judge: hidden inputs to a learner's function, plain data back, points.

A question's hidden inputs come in groups, one for each thing there is to get right. A group counts
only as a whole, and the points are shared evenly among the groups: so each group is partial
credit, a constant answer earns nothing, and a typical mistake loses at least one group.

The judge knows an `Answerer` only, which takes plain inputs and returns plain data. Here it calls
the function in this process; it can as well stand for a function in another one.
"""

import math
import os
from dataclasses import dataclass

import numpy as np

from autograder.errors import GradingError
from autograder.labs import Lab, find_lab
from tinyml_course.course import Checker, checker
from tinyml_course.course.answering import Answer, Answerer, LocalAnswerer
from tinyml_course.course.checker import evaluate_design
from tinyml_course.course.compare import same
from tinyml_course.course.plain import Plain, to_plain
from tinyml_course.course.question import Case, DesignTask, Evaluation, Question
from tinyml_course.errors import TinyMLError, lookup

SEED_VARIABLE = "TINYML_GRADING_SEED"
"""Environment variable that sets the seed of the hidden inputs."""
DEFAULT_SEED = 2024

LEAST_SHARE = 0.3
"""A function that gets fewer groups than this right earns nothing: it was right by luck."""


@dataclass(frozen=True)
class Failure:
    """A wrong answer, without the input that it was given for.

    Attributes:
        answer: what came back.
        expected: the reference's answer.
    """

    answer: Answer
    expected: Plain


@dataclass(frozen=True)
class GroupResult:
    """One group of hidden inputs.

    Attributes:
        name: what it tests.
        right: number of right answers.
        cases: number of inputs.
        failures: the wrong answers, in the order in which they were asked for.
    """

    name: str
    right: int
    cases: int
    failures: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all are right."""
        return self.right == self.cases


@dataclass(frozen=True)
class Judgement:
    """What a function is worth.

    Attributes:
        question: its name.
        max_points: of the question.
        groups: the outcome, group by group.
    """

    question: str
    max_points: float
    groups: tuple[GroupResult, ...]

    @property
    def points(self) -> float:
        """Points, rounded down to hundredths; from 0 to ``max_points``."""
        share = sum(group.passed for group in self.groups) / len(self.groups)
        return math.floor(100 * self.max_points * share) / 100 if share >= LEAST_SHARE else 0.0


def grading_seed() -> int:
    """The seed of the hidden inputs: from the environment, else the default.

    Raises:
        GradingError: the variable holds no whole number of at least 0.
    """
    text = os.environ.get(SEED_VARIABLE, str(DEFAULT_SEED))
    if not text.isdecimal():
        raise GradingError(f"{SEED_VARIABLE} must be a whole number of at least 0, it is {text!r}")
    return int(text)


def hidden_groups(lab: Lab, question: str, seed: int) -> dict[str, list[Case]]:
    """The hidden inputs of a question. A question's inputs do not depend on the others'.

    Raises:
        UnknownNameError: the lab has no such question.
    """
    generator = lookup(f"question of {lab.short}", question, lab.hidden)
    rng = np.random.default_rng([seed, sum(map(ord, lab.name)), int(question[1:])])
    groups: dict[str, list[Case]] = generator(rng)
    return groups


def examine(lab: Lab, question: Question, answerer: Answerer, seed: int) -> Judgement:
    """Ask every hidden input and compare with the reference.

    Args:
        lab: the lab.
        question: the question.
        answerer: gives the learner's answers.
        seed: of the hidden inputs.
    """
    results = []
    for name, cases in hidden_groups(lab, question.name, seed).items():
        failures = []
        for case in cases:
            expected = to_plain(question.reference(*case.args, **case.kwargs))
            answer = answerer(case)
            if answer.trouble or not same(answer.value, expected, question.tolerance):
                failures.append(Failure(answer, expected))
        right = len(cases) - len(failures)
        results.append(GroupResult(name, right, len(cases), tuple(failures)))
    return Judgement(question.name, question.points, tuple(results))


def judge_with(lab: str, name: str, answerer: Answerer, *, seed: int | None = None) -> float:
    """Points for a function that an `Answerer` stands for.

    Args:
        lab: ``"lab0"``.
        name: ``"q1"``.
        answerer: takes a case, returns an answer.
        seed: of the hidden inputs; by default `grading_seed`.

    Raises:
        UnknownNameError: no such lab or question.
    """
    found = find_lab(lab)
    questions = {question.name: question for question in found.questions.questions}
    question = lookup(f"question of {found.short}", name, questions)
    return examine(found, question, answerer, grading_seed() if seed is None else seed).points


def judge(lab: str, name: str, answer: object, *, seed: int | None = None) -> float:
    """Points for a learner's function, or for a design. Never raises because of the answer.

    Args:
        lab: ``"lab0"``.
        name: ``"q1"``, or ``"final"``.
        answer: the function, or the design.
        seed: of the hidden inputs; by default `grading_seed`.

    Raises:
        UnknownNameError: no such lab or question.
    """
    tasks = find_lab(lab).questions.tasks
    task = lookup(f"question of {lab}", name, tasks)
    if isinstance(task, DesignTask):
        return _judge_design(task, answer)
    return judge_with(lab, name, LocalAnswerer(answer, task.reference, task.doors), seed=seed)


def _judge_design(task: DesignTask, design: object) -> float:
    try:
        return design_points(task, evaluate_design(task, design))
    except TinyMLError:
        return 0.0  # `check` tells the learner why


def design_points(task: DesignTask, evaluation: Evaluation | None) -> float:
    """Points for a design that was evaluated, rounded down to hundredths."""
    share = evaluation.share if evaluation else 0.0
    return math.floor(100 * task.points * share) / 100


class Grading:
    """`judge` for one lab, as its test cells call it."""

    def __init__(self, lab: str) -> None:
        self.lab = lab

    def __call__(self, name: str, answer: object) -> float:
        """Points for one answer."""
        return judge(self.lab, name, answer)


def grading(lab: str) -> tuple[Checker, Grading]:
    """The `check` and the judge of a lab.

    A test cell takes both anew: an answer that has overwritten the name ``check`` must not cost
    the questions after it.
    """
    return checker(lab), Grading(lab)
