"""Grading: nbgrader's autograde, submission by submission, into its gradebook.

**Only for submissions you trust.** A submission runs here in a kernel of its own process, but with
your rights: it can read and write your files, the gradebook and other submissions included. The
judge refuses forged *answers*; nothing here holds back forged *code*.

What comes back from each submission is a row. One that cannot be graded says why, and the others
go on.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbgrader.api import MissingEntry
from tqdm.auto import tqdm

from autograder.errors import GradingError
from autograder.judge import SEED_VARIABLE
from autograder.labs import Lab, find_lab
from autograder.nbgrader_api import Course
from autograder.notebook import TEST_SUFFIX
from autograder.release import build

Status = Literal["graded", "needs manual grading", "missing", "failed"]

_STUDENT = re.compile(r"[\w.@-]+")


@dataclass(frozen=True)
class GradeRow:
    """The outcome for one student.

    Attributes:
        student: nbgrader's name of the student: the folder below ``submitted``.
        status: ``graded``; ``needs manual grading``, where a written answer waits to be read and
            counts 0 until then; ``missing``, no submission; ``failed``, it could not be graded.
        score: points so far.
        max_score: points of the lab.
        questions: points by question; ``None`` where a person has to read first.
        message: why, for ``missing`` and ``failed``.
    """

    student: str
    status: Status
    score: float
    max_score: float
    questions: dict[str, float | None] = field(default_factory=dict)
    message: str = ""


def grade(
    lab: str,
    students: Sequence[str] | None = None,
    course_dir: Path | None = None,
    progress: bool = True,
    seed: int | None = None,
) -> list[GradeRow]:
    """Grade submissions of a lab: ``submitted/<student>/<lab>/<lab>.ipynb``.

    Args:
        lab: ``"lab0"`` or ``"lab0_memory_gap"``.
        students: who; ``None`` means everybody who has a folder below ``submitted`` for the lab.
        course_dir: nbgrader's folder; by default ``autograder/course``.
        progress: show a progress bar.
        seed: of the hidden inputs; by default the environment's or the judge's own.

    Returns:
        One row a student, in alphabetical order, or in the order of ``students``.

    Raises:
        UnknownNameError: there is no such lab.
        GradingError: there is no submission at all, or a student's name is no folder name.
        ReleaseError: the lab itself cannot be released.
    """
    found = find_lab(lab)
    course = Course(course_dir)
    names = submitters(found, course.folder) if students is None else list(students)
    for name in names:
        if not _STUDENT.fullmatch(name) or set(name) == {"."}:
            raise GradingError(f"{name!r} is no name of a student's folder")
    if not names:
        raise GradingError(
            f"no submission of {found.name} in {course.folder}; expected "
            f"submitted/<student>/{found.name}/{found.name}.ipynb"
        )
    build(found, course.folder)
    with _seeded(seed):
        return [
            _grade_one(course, found, name)
            for name in tqdm(names, desc=found.short, unit="submission", disable=not progress)
        ]


def submitters(lab: Lab, course_dir: Path) -> list[str]:
    """Students who have a folder for a lab below ``submitted``."""
    folders = (course_dir / "submitted").glob(f"*/{lab.name}")
    return sorted(folder.parent.name for folder in folders if folder.is_dir())


def _grade_one(course: Course, lab: Lab, student: str) -> GradeRow:
    maximum = lab.questions.points
    path = course.folder / "submitted" / student / lab.name / f"{lab.name}.ipynb"
    if not path.is_file():
        return GradeRow(student, "missing", 0.0, maximum, message=f"there is no {path}")
    try:
        outcome = course.autograde(lab.name, student)
    except Exception as error:  # whatever a notebook makes nbgrader do, the next one is graded
        text = f"{type(error).__name__}: {error}"
        return GradeRow(student, "failed", 0.0, maximum, message=text[:300])
    if not outcome.success:
        return GradeRow(student, "failed", 0.0, maximum, message=outcome.reason)
    return _read_row(course, lab, student)


def _read_row(course: Course, lab: Lab, student: str) -> GradeRow:
    with course.gradebook() as gradebook:
        try:
            submission = gradebook.find_submission(lab.name, student)
        except MissingEntry:
            message = "nbgrader kept no score"
            return GradeRow(student, "failed", 0.0, lab.questions.points, message=message)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        questions = {grade.name.removesuffix(TEST_SUFFIX): _points(grade) for grade in grades}
        waits = any(grade.needs_manual_grade for grade in grades)
        status: Status = "needs manual grading" if waits else "graded"
        return GradeRow(student, status, submission.score, submission.max_score, questions)


def _points(grade: Any) -> float | None:
    waiting = grade.auto_score is None and grade.manual_score is None
    return None if waiting else float(grade.score)


@contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """The kernels of submissions learn the seed from the environment."""
    before = os.environ.get(SEED_VARIABLE)
    if seed is not None:
        os.environ[SEED_VARIABLE] = str(seed)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SEED_VARIABLE, None)
        else:
            os.environ[SEED_VARIABLE] = before
