"""What grading comes to: a row for each student, a table, a CSV for an LMS."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import GradingError
from tinyml_course.whole_file import write_whole

OK = "ok"
NOT_JUDGED = "not judged"
"""The judging process itself failed; the student is not at fault, and the next run tries again."""


@dataclass(frozen=True)
class GradeRow:
    """The outcome for one student.

    Attributes:
        student: nbgrader's name of the student: the folder below ``submitted``.
        status: of the judgement, such as ``ok``, ``timeout`` or ``tampered``; or why there is
            none: one of `autograder.grading.submissions.Trouble`, or ``not judged``.
        score: points so far.
        max_score: points of the lab.
        seconds: that judging took.
        questions: points by question; ``None`` where a person has to read first.
        message: what an instructor should know.
        waits: whether a person has to read or confirm something.
        late_penalty: points that nbgrader takes off; not yet taken off ``score``.
        fresh: judged in this run, not in an earlier one.
    """

    student: str
    status: str
    score: float
    max_score: float
    seconds: float = 0.0
    questions: dict[str, float | None] = field(default_factory=dict)
    message: str = ""
    waits: bool = False
    late_penalty: float = 0.0
    fresh: bool = True


@dataclass(frozen=True)
class Report:
    """A whole run.

    Attributes:
        lab: name.
        rows: one a student.
        notes: what an instructor should know about the run as a whole.
        troubles: what was not kept where it should be, and how to go on.
    """

    lab: str
    rows: tuple[GradeRow, ...]
    notes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def needs_attention(self) -> bool:
        """Whether something did not end as it should; written answers to read do not count."""
        return bool(self.troubles) or any(row.status != OK for row in self.rows)

    def summary(self) -> str:
        """One line: how many submissions ended how."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.status] = counts.get(row.status, 0) + 1
        parts = [f"{n} {status}" for status, n in counts.items()]
        before = sum(not row.fresh for row in self.rows)
        waiting = sum(row.waits for row in self.rows)
        parts += [f"{before} judged in an earlier run"] * bool(before)
        parts += [f"{waiting} wait for a person to read"] * bool(waiting)
        return "; ".join(parts)


def write_csv(target: Path, rows: Sequence[GradeRow]) -> None:
    """A row a student, a column a question; the file appears whole or not at all.

    The columns hold nothing that came out of a student's program.

    Raises:
        GradingError: the file cannot be written.
    """
    questions = list(dict.fromkeys(name for row in rows for name in row.questions))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    head = ["student", "status", "score", "max_score", "late_penalty", "waits"]
    writer.writerow([*head, *questions])
    for row in rows:
        points = [row.questions.get(name) for name in questions]
        fixed = [row.student, row.status, row.score, row.max_score, row.late_penalty]
        writer.writerow([*fixed, "yes" if row.waits else "no", *points])
    try:
        write_whole(target, text.getvalue().encode())
    except OSError as error:
        raise GradingError(f"cannot write {target}: {error}; choose another --csv") from error
