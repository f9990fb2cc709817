"""Judging one submitted notebook: read it, run what its answers need elsewhere, compare here."""

import ast
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from autograder.judging.cells import Release, Submission, match, read_release
from autograder.judging.conversation import Workers
from autograder.judging.limits import Limits
from autograder.judging.outcome import Outcome, QuestionOutcome, Status, worst
from autograder.judging.questions import judge_design, judge_function
from autograder.judging.reading import TooLargeError, UnreadableError, read_cells
from autograder.labs import Lab
from autograder.notebook import grade_id, instructor_notebook
from autograder.sandbox import Sandbox
from autograder.sandbox.inside import slicing
from autograder.sandbox.staging import Staging, stage
from tinyml_course.course.question import DesignTask, Question


def judge_submission(
    lab: Lab, path: Path, *, seed: int, limits: Limits, sandbox: Sandbox
) -> Outcome:
    """Judge a notebook. It is not changed, and nothing in it can make this raise.

    Args:
        lab: the lab it answers.
        path: the notebook.
        seed: of the hidden inputs.
        limits: that its code obeys.
        sandbox: where its code runs.

    Raises:
        GradingError: something of the instructor's is wrong: no released notebook, a sandbox that
            does not start.
    """
    start_s = time.monotonic()
    release = read_release(lab)
    try:
        cells = read_cells(path, limits)
    except UnreadableError as error:
        return _unjudged(lab, "unreadable", str(error), sandbox, start_s)
    except TooLargeError as error:
        return _unjudged(lab, "too large", str(error), sandbox, start_s)
    submission = match(cells, release)
    if not submission.belongs:
        message = f"the notebook holds none of the questions of {lab.name}"
        return _unjudged(lab, "wrong lab", message, sandbox, start_s)
    staging = stage(lab.questions)
    with Workers(sandbox, limits, staging.folder, preload(lab)) as workers:
        questions = tuple(
            _one(lab, task, submission, release, staging, workers, seed, start_s)
            for task in lab.questions.tasks.values()
        )
        peak = workers.peak_rss_bytes
    status = worst(questions, submission.tampered)
    seconds = time.monotonic() - start_s
    message = "; ".join(submission.remarks)
    return Outcome(status, questions, message, seconds, peak, sandbox.kind)


def _one(
    lab: Lab,
    task: Question | DesignTask,
    submission: Submission,
    release: Release,
    staging: Staging,
    workers: Workers,
    seed: int,
    start_s: float,
) -> QuestionOutcome:
    limits = workers.limits
    left_s = start_s + limits.submission_s - time.monotonic()
    own_s = limits.question_s if isinstance(task, Question) else limits.final_s
    if left_s <= 0:
        message = "the time for the whole submission was over before"
        return QuestionOutcome(task.name, 0.0, task.points, "not judged", message)
    if submission.answers[task.name].number >= len(submission.code):
        message = "the notebook has no code cell for it"
        return QuestionOutcome(task.name, 0.0, task.points, "missing", message)
    with workers.open(min(own_s, left_s)) as conversation:
        if isinstance(task, Question):
            return judge_function(conversation, lab, task, submission, release, staging, seed)
        return judge_design(conversation, task, submission, release, staging)


def _unjudged(lab: Lab, status: Status, message: str, sandbox: Sandbox, start_s: float) -> Outcome:
    questions = tuple(
        QuestionOutcome(name, 0.0, task.points, "not judged")
        for name, task in lab.questions.tasks.items()
    )
    seconds = time.monotonic() - start_s
    return Outcome(status, questions, message, seconds, None, sandbox.kind)


@cache
def preload(lab: Lab) -> tuple[str, ...]:
    """Import statements that a lab's answers need, by its solution: what a warm process has ready.

    A library that only figures and training use is not among them.
    """
    cells = [c for c in instructor_notebook(lab).cells if c.cell_type == "code"]
    tests = {f"{name}-test" for name in lab.questions.tasks}
    code = [(i, c) for i, c in enumerate(cells) if grade_id(c) not in tests]
    parsed = slicing.parsed([(i, cell.source) for i, cell in code])
    found: list[str] = []
    for number, cell in code:
        if grade_id(cell) in lab.questions.tasks:
            own = [one for one in parsed if one.cell == number]
            wanted = {name for one in own for name in one.uses}
            before = [one for one in parsed if one.cell < number]
            found += _imports([*slicing.needed(wanted, before), *own])
    modules = [f"import {module}" for module in stage(lab.questions).modules]
    return tuple(dict.fromkeys([*modules, *found]))


def _imports(statements: Iterable[slicing.Statement]) -> list[str]:
    nodes = [one.node for one in statements]
    return [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
