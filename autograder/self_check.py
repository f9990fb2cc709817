"""The judge on a learner's own notebook: the same groups of hidden inputs, from another seed.

Everything stays on this machine: the notebook is read, its answers run in the sandbox that grading
uses, and nothing is kept or sent.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import GradingError
from autograder.judge import examine
from autograder.judging.limits import load_limits
from autograder.judging.outcome import Group, Outcome, QuestionOutcome
from autograder.labs import Lab, find_lab
from tinyml_course.course.answering import LocalAnswerer
from tinyml_course.course.question import Question

PRACTICE_SEED = 1
"""Not the grading seed: who practises against the judge does not see the inputs that count."""

MOST_HINTS = 2


@dataclass(frozen=True)
class Finding:
    """One question.

    Attributes:
        title: what it is about.
        outcome: what the judge said.
        hint: the likely mistake, where the judge's findings are those of a typical one.
    """

    title: str
    outcome: QuestionOutcome
    hint: str = ""


@dataclass(frozen=True)
class SelfCheck:
    """A whole notebook.

    Attributes:
        notebook: the file.
        findings: in the lab's order.
        outcome: of the notebook as a whole.
        written_points: for answers that only a person can read.
    """

    notebook: Path
    findings: tuple[Finding, ...]
    outcome: Outcome
    written_points: float


def self_check(lab: str, path: Path | None = None, seed: int = PRACTICE_SEED) -> SelfCheck:
    """Judge a learner's own notebook.

    Args:
        lab: ``"lab0"`` or ``"lab0_memory_gap"``.
        path: the notebook; by default the lab's own in ``labs/``. It is not changed.
        seed: of the hidden inputs.

    Raises:
        UnknownNameError: there is no such lab.
        GradingError: the notebook is missing, or is none.
        SandboxError: this machine has no sandbox.
    """
    from autograder.judging import judge_submission
    from autograder.sandbox import find_sandbox

    found = find_lab(lab)
    path = path or found.notebook
    if not path.is_file():
        raise GradingError(f"there is no notebook {path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a weak sandbox is enough for one's own program
        sandbox = find_sandbox()
    outcome = judge_submission(found, path, seed=seed, limits=load_limits(), sandbox=sandbox)
    if outcome.status in ("unreadable", "too large", "wrong lab"):
        raise GradingError(f"{path} cannot be judged: {outcome.message}")
    tasks = found.questions.tasks
    findings = tuple(
        Finding(tasks[each.name].title, each, _hint(found, each, seed))
        for each in outcome.questions
    )
    return SelfCheck(path, findings, outcome, found.questions.written_points)


def _hint(lab: Lab, outcome: QuestionOutcome, seed: int) -> str:
    question = lab.questions.tasks[outcome.name]
    if not isinstance(question, Question) or outcome.status not in ("wrong", "partly right"):
        return ""
    return likely_mistake(lab, question, outcome.groups, seed)


def likely_mistake(lab: Lab, question: Question, groups: tuple[Group, ...], seed: int) -> str:
    """The typical mistake that gets the same inputs right; two, if two do; of more, none.

    Args:
        lab: of the question.
        question: which.
        groups: what the judge found.
        seed: of its hidden inputs.
    """
    right = [group.right for group in groups]
    if not any(right):
        return ""  # many mistakes get everything wrong
    alike = [
        mistake.message
        for mistake in question.mistakes
        if [g.right for g in examine(lab, question, LocalAnswerer(mistake.wrong), seed).groups]
        == right
    ]
    return " Or: ".join(alike) if len(alike) <= MOST_HINTS else ""
