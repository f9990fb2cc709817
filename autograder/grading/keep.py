"""The way of a judgement: journal first, then the notebook for formgrader, then the gradebook.

Whatever cannot be written is told once and does not stop the rest; the next run completes it.
"""

import dataclasses

from nbformat import NotebookNode

from autograder import files
from autograder.grading.gradebook import GradebookError, GradebookWriter
from autograder.grading.journal import Journal, Key, Record
from autograder.grading.paper import Paper, make_paper
from autograder.grading.report import GradeRow
from autograder.grading.submissions import Submission
from autograder.grading.words import visible
from autograder.judging.limits import Limits
from autograder.judging.outcome import Outcome
from tinyml_course.whole_file import write_whole

AGAIN = "run the same command again: nothing is judged twice"


class Keeper:
    """Keeps what the judge says; the only writer of journal, notebooks and gradebook.

    Args:
        journal: of the lab.
        gradebook: of the course.
        limits: of a submitted file's size.

    Attributes:
        released: the lab as students got it.
        rows: student to row, as far as it has come.
        troubles: what could not be written, and how to go on.
        gradebook_works: whether entering scores is still tried.
    """

    released: NotebookNode

    def __init__(self, journal: Journal, gradebook: GradebookWriter, limits: Limits) -> None:
        self.journal = journal
        self.gradebook = gradebook
        self.limits = limits
        self.max_score = gradebook.lab.questions.points
        self.rows: dict[str, GradeRow] = {}
        self.troubles: list[str] = []
        self.gradebook_works = True

    def without_judgement(self, student: str, status: str, message: str) -> None:
        """A row for a student of whom there is nothing to keep."""
        self.rows[student] = GradeRow(student, status, 0.0, self.max_score, message=message)

    def judged(self, submission: Submission, key: Key, outcome: Outcome) -> None:
        """Keep a new judgement."""
        try:
            record = self.journal.judged(submission.student, key, outcome)
        except OSError as error:
            self.trouble(
                f"{self.journal.path} could not be written ({error.strerror}), so some judgements "
                "are not kept; make room and run the same command again: they are judged anew"
            )
            self.rows[submission.student] = self._row(submission, outcome, fresh=True)
            return
        self.enter(record, submission, fresh=True)

    def enter(self, record: Record, submission: Submission, fresh: bool) -> None:
        """Bring what the journal holds to where it is not yet.

        Args:
            record: from the journal.
            submission: that it is about.
            fresh: whether it was judged in this run.
        """
        assert submission.path is not None
        student = submission.student
        self.rows[student] = self._row(submission, record.outcome, fresh)
        try:
            lab = self.gradebook.lab
            paper = make_paper(lab, self.released, submission.path, self.limits, record.outcome)
            self._write_notebook(student, paper.notebook)
            if self.gradebook_works:
                self._write_scores(record, paper)
        except GradebookError as error:
            self.gradebook_fails(error)
        except OSError as error:
            self.trouble(f"what belongs to {student} could not be written: {error}; {AGAIN}")

    def gradebook_fails(self, error: Exception) -> None:
        """Enter nothing more in this run; the journal goes on."""
        self.gradebook_works = False
        self.trouble(f"{error}. The journal keeps the scores; mend that, then {AGAIN}")

    def trouble(self, text: str) -> None:
        """Note something that an instructor has to mend, once."""
        if text not in self.troubles:
            self.troubles.append(text)

    def _write_notebook(self, student: str, notebook: NotebookNode) -> None:
        """Written before the gradebook: formgrader shows who is in both."""
        lab = self.gradebook.lab.name
        path = self.gradebook.course.folder / "autograded" / student / lab / f"{lab}.ipynb"
        text = files.as_text(notebook).encode()
        if not path.is_file() or path.read_bytes() != text:
            write_whole(path, text)

    def _write_scores(self, record: Record, paper: Paper) -> None:
        new = record.number not in self.journal.filled
        entry = self.gradebook.fill(record, paper, new)
        self.rows[record.student] = dataclasses.replace(
            self.rows[record.student],
            score=entry.score,
            max_score=entry.max_score,
            questions=entry.questions,
            waits=entry.waits,
            late_penalty=entry.late_penalty,
        )
        if new:
            self.journal.note_filled(record)

    def _row(self, submission: Submission, outcome: Outcome, fresh: bool) -> GradeRow:
        note = " ".join(filter(None, [visible(outcome.message), submission.note]))
        return GradeRow(
            submission.student,
            outcome.status,
            outcome.points,
            self.max_score,
            outcome.seconds,
            {question.name: question.points for question in outcome.questions},
            note,
            fresh=fresh,
        )
