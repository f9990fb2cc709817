"""nbgrader's gradebook: this process alone writes to it, and what a person entered stays.

Judgements go into ``auto_score`` and ``auto_comment``. Manual scores, extra credit, manual
comments, extensions and due dates are the instructor's and are never touched. Late penalties are
nbgrader's own, computed by the plugin that the course has set.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.exc import DatabaseError, OperationalError

from autograder.errors import GradingError
from autograder.grading.journal import Record
from autograder.grading.paper import Paper
from autograder.grading.words import comment_of
from autograder.labs import Lab
from autograder.nbgrader_api import Course, no_warnings, tools_on_path
from autograder.notebook import TEST_SUFFIX

LOCK_WAIT_S = 30.0
_RETRY_S = 0.25
_TIMESTAMP_BYTES = 200
Result = TypeVar("Result")


class GradebookError(GradingError):
    """The gradebook cannot be used now; the journal keeps what was judged."""


@dataclass(frozen=True)
class Entry:
    """What the gradebook holds of one submission.

    Attributes:
        score: points so far, those of a person included.
        max_score: points of the lab.
        questions: points by question; ``None`` where a person has to read first.
        waits: whether a person has to read or confirm something.
        late_penalty: points that nbgrader takes off.
    """

    score: float
    max_score: float
    questions: dict[str, float | None]
    waits: bool
    late_penalty: float


class GradebookWriter:
    """Writes one lab's judgements.

    Args:
        course: nbgrader's folder.
        lab: the lab, which must be in the gradebook.
        wait_s: seconds to wait for another program that has it locked.
    """

    def __init__(self, course: Course, lab: Lab, wait_s: float = LOCK_WAIT_S) -> None:
        self.course = course
        self.lab = lab
        self.wait_s = wait_s
        self._book: Any = None

    def close(self) -> None:
        """Let go of the database."""
        if self._book is not None:
            self._book.close()
            self._book = None

    def roster(self) -> list[str]:
        """Every student that the gradebook knows.

        Raises:
            GradebookError: it is locked, damaged or cannot be read.
        """
        return self._patiently(lambda book: [str(student.id) for student in book.students])

    def cells(self) -> dict[str, float]:
        """The lab's graded cells and their points; empty where the lab has not been entered.

        Raises:
            GradebookError: as for `roster`.
        """

        def look(book: Any) -> dict[str, float]:
            try:
                found = book.find_notebook(self.lab.name, self.lab.name)
            except MissingEntry:
                return {}
            known = {cell.name for cell in found.source_cells}
            return {c.name: float(c.max_score) for c in found.grade_cells if c.name in known}

        return self._patiently(look)

    def fill(self, record: Record, paper: Paper, fresh: bool) -> Entry:
        """Enter one judgement; doing it twice changes nothing.

        Args:
            record: the judgement.
            paper: tells which written questions have no answer.
            fresh: whether it is new: then a person is asked to confirm a score that they gave to
                an earlier version, as nbgrader does.

        Raises:
            GradebookError: as for `roster`.
        """
        return self._patiently(lambda book: self._fill(book, record, paper, fresh))

    def _fill(self, book: Any, record: Record, paper: Paper, fresh: bool) -> Entry:
        student, lab = record.student, self.lab.name
        try:
            book.find_submission(lab, student)
        except MissingEntry:
            fresh = True
        book.update_or_create_student(student)
        stamp = _timestamp(self.course.folder / "submitted" / student / lab / "timestamp.txt")
        submission = book.update_or_create_submission(
            lab, student, **({} if stamp is None else {"timestamp": stamp})
        )
        [notebook] = [each for each in submission.notebooks if each.name == lab]
        judged = {question.name: question for question in record.outcome.questions}
        for grade in notebook.grades:
            self._enter(grade, judged, paper, fresh)
        for comment in notebook.comments:
            question = judged.get(comment.name)
            text = comment_of(question, record.outcome) if question else None
            comment.auto_comment = "No response." if comment.name in paper.unanswered else text
        book.db.commit()
        if submission.total_seconds_late or notebook.late_submission_penalty is not None:
            self._late_penalty(student)
            book.db.expire_all()
        return _entry(submission)

    def _enter(self, grade: Any, judged: dict[str, Any], paper: Paper, fresh: bool) -> None:
        score: float | None
        if grade.name.endswith(TEST_SUFFIX):
            question = judged.get(grade.name.removesuffix(TEST_SUFFIX))
            score = 0.0 if question is None else min(max(question.points, 0.0), question.max_points)
        else:
            score = 0.0 if grade.name in paper.unanswered else None
        if fresh or grade.auto_score != score:
            grade.auto_score = score
            grade.needs_manual_grade = score is None or grade.manual_score is not None

    def _late_penalty(self, student: str) -> None:
        """Take nbgrader's own step for late days, with the plugin that the course has set."""
        lab = self.lab.name
        names = {"notebook": lab, "assignment": lab, "student": student}
        step = AssignLatePenalties(config=self.course.config)
        step.log.setLevel("ERROR")
        empty = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
        step.preprocess(empty, {"nbgrader": {**names, "db_url": self._url()}})

    def _url(self) -> str:
        return f"{self.course.db_url}?timeout={min(self.wait_s, 5.0):g}"

    def _patiently(self, work: Callable[[Any], Result]) -> Result:
        """Do something with the gradebook; wait where another program has locked it.

        Raises:
            GradebookError: that took too long, or it is no gradebook.
        """
        end = time.monotonic() + self.wait_s
        while True:
            try:
                with self._opened() as book, no_warnings():
                    return work(book)
            except OperationalError as error:
                reason = str(error.orig)
                if "locked" not in reason:
                    raise GradebookError(self._trouble(reason)) from error
                if time.monotonic() > end:
                    raise GradebookError(
                        f"{self._path()} was locked by another program for {self.wait_s:g} s; "
                        "close that program"
                    ) from error
                time.sleep(_RETRY_S)
            except (DatabaseError, MissingEntry, ValueError) as error:
                reason = str(getattr(error, "orig", error))
                raise GradebookError(self._trouble(reason)) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            if self._book is None:
                self._make()
                self._book = Gradebook(self._url(), self._course_id())
            yield self._book
            self._book.db.rollback()  # no lock stays behind a look
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        """A new gradebook appears whole or not at all; nbgrader makes it in several steps."""
        path = self._path()
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        started = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        started.unlink(missing_ok=True)
        try:
            with tools_on_path():
                Gradebook(f"sqlite:///{started}", self._course_id()).close()
            started.replace(path)
        finally:
            started.unlink(missing_ok=True)

    def _course_id(self) -> str:
        return str(self.course.config.CourseDirectory.course_id)

    def _path(self) -> Path:
        return self.course.folder / "gradebook.db"

    def _trouble(self, reason: str) -> str:
        return (
            f"{self._path()} cannot be used ({reason[:200]}); if it is damaged, put a backup in "
            "its place, or move it away: scores come back from the journal, what people entered "
            "comes back from a backup only"
        )


def _entry(submission: Any) -> Entry:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return Entry(
        float(submission.score),
        float(submission.max_score),
        {grade.name.removesuffix(TEST_SUFFIX): _points(grade) for grade in grades},
        any(grade.needs_manual_grade for grade in grades),
        float(submission.late_submission_penalty or 0.0),
    )


def _points(grade: Any) -> float | None:
    waiting = grade.auto_score is None and grade.manual_score is None
    return None if waiting else float(grade.score)


def _timestamp(path: Path) -> Any:
    """When it was handed in, from the file that nbgrader's exchange puts beside a submission."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _TIMESTAMP_BYTES:
        return None
    try:
        return parse_utc(path.read_text().strip())
    except (ValueError, OverflowError, OSError):
        return None
