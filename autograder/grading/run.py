"""Grading a lab, from the folder of submissions to the gradebook, so that nothing is lost.

A run that is killed anywhere is completed by the next one: what is in the journal is not judged
again, and what is not yet in the gradebook is entered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from autograder.errors import GradingError, ReleaseError
from autograder.grading.fingerprint import file_digest, lab_version, limits_digest
from autograder.grading.gradebook import LOCK_WAIT_S, GradebookError, GradebookWriter
from autograder.grading.journal import Key, open_journal
from autograder.grading.keep import Keeper
from autograder.grading.prepare import prepare, released_notebook
from autograder.grading.report import NOT_JUDGED, Report
from autograder.grading.spread import Crew, Judge, Task, judge_all
from autograder.grading.submissions import Submission, find_submissions
from autograder.judge import grading_seed
from autograder.judging import judge_submission
from autograder.judging.limits import Limits, load_limits
from autograder.judging.outcome import Outcome
from autograder.labs import Lab, find_lab
from autograder.nbgrader_api import Course
from autograder.sandbox import find_sandbox


@dataclass(frozen=True)
class Options:
    """How a lab is graded.

    Attributes:
        students: only these; ``None`` means everybody.
        course_dir: nbgrader's folder; ``None`` means ``autograder/course``.
        seed: of the hidden inputs; ``None`` means the environment's or the judge's own.
        limits: file of the limits for student code; ``None`` means ``autograder/limits.toml``.
        force: judge again what has been judged.
        progress: show a progress bar.
        lock_wait_s: seconds to wait for a gradebook that another program has locked.
    """

    students: Sequence[str] | None = None
    course_dir: Path | None = None
    seed: int | None = None
    limits: Path | None = None
    force: bool = False
    progress: bool = True
    lock_wait_s: float = LOCK_WAIT_S


def grade(
    lab: str, options: Options | None = None, crew: Crew | None = None, judge: Judge | None = None
) -> Report:
    """Grade submissions of a lab: ``submitted/<student>/<lab>/<lab>.ipynb``.

    Args:
        lab: ``"lab0"`` or ``"lab0_memory_gap"``.
        options: which, and how.
        crew: who judges; by default this process.
        judge: instead of `autograder.judging.judge_submission`.

    Returns:
        One row a student, in alphabetical order, or in the order of ``students``.

    Raises:
        UnknownNameError: there is no such lab, or no such limit.
        GradingError: nothing can be graded: there is no submission at all, the limits are wrong,
            another grader is at work, or the sandbox that was insisted on cannot be had.
    """
    options, found, crew = options or Options(), find_lab(lab), crew or Crew()
    if crew.scheduler is None:
        find_sandbox(crew.insist_sandbox)  # told once, and before anything is done
    limits = load_limits(options.limits)
    seed = grading_seed() if options.seed is None else options.seed
    course = Course(options.course_dir)
    with open_journal(course.folder, found.name) as journal:
        gradebook = GradebookWriter(course, found, options.lock_wait_s)
        keeper = Keeper(journal, gradebook, limits)
        run = _Run(found, options, crew, keeper, seed, limits)
        try:
            return run.report(judge or judge_submission)
        finally:
            gradebook.close()


class _Run:
    """One run; its fields are what every step needs."""

    def __init__(
        self, lab: Lab, options: Options, crew: Crew, keeper: Keeper, seed: int, limits: Limits
    ) -> None:
        self.lab, self.options, self.crew, self.keeper = lab, options, crew, keeper
        self.seed, self.limits = seed, limits
        self.version, self.limits_id = lab_version(lab), limits_digest(limits)
        self.keys: dict[str, Key] = {}

    def report(self, judge: Judge) -> Report:
        folder, keeper = self.keeper.gradebook.course.folder, self.keeper
        roster = self._prepare()
        submissions = find_submissions(self.lab, folder, roster, self.options.students)
        if not submissions:
            raise GradingError(
                f"no submission of {self.lab.name} in {folder}; expected "
                f"submitted/<student>/{self.lab.name}/{self.lab.name}.ipynb"
            )
        keeper.released = released_notebook(self.lab, folder)
        self._judge(judge, [each for each in submissions if not self._settled(each)])
        rows = tuple(keeper.rows[each.student] for each in submissions)
        return Report(self.lab.name, rows, tuple(self._notes()), tuple(keeper.troubles))

    def _prepare(self) -> list[str]:
        """The lab in the gradebook and in ``release``; the students that the gradebook knows."""
        try:
            prepare(self.lab, self.keeper.gradebook)
            return self.keeper.gradebook.roster()
        except (GradebookError, ReleaseError) as error:
            self.keeper.gradebook_fails(error)
            return []

    def _settled(self, submission: Submission) -> bool:
        """Whether nothing is left to judge; then its row is made here."""
        student, keeper = submission.student, self.keeper
        if submission.path is None:
            keeper.without_judgement(student, str(submission.trouble), submission.note)
            return True
        try:
            # Taken before judging: a file that changes meanwhile is judged anew by the next run.
            digest = file_digest(submission.path)
        except OSError as error:
            note = f"{submission.path} cannot be read: {error.strerror}"
            keeper.without_judgement(student, "unreadable", note)
            return True
        key = Key(self.lab.name, self.version, digest, self.seed, self.limits_id)
        self.keys[student] = key
        record = keeper.journal.records.get(student)
        if record is None or record.key != key or self.options.force:
            return False
        keeper.enter(record, submission, fresh=False)
        return True

    def _judge(self, judge: Judge, submissions: Sequence[Submission]) -> None:
        by_student = {each.student: each for each in submissions}
        tasks = [Task(each.student, each.path) for each in submissions if each.path is not None]
        if not tasks:
            return
        results = judge_all(judge, self.lab, tasks, self.seed, self.limits, self.crew)
        quiet = not self.options.progress
        bar = tqdm(results, desc=self.lab.short, total=len(tasks), unit="submission", disable=quiet)
        for task, result in bar:
            if isinstance(result, Outcome):
                self.keeper.judged(by_student[task.student], self.keys[task.student], result)
            elif result.fatal:
                raise GradingError(result.message)
            else:
                self.keeper.without_judgement(task.student, NOT_JUDGED, result.message)

    def _notes(self) -> list[str]:
        journal = self.keeper.journal
        if not journal.unreadable_lines:
            return []
        lines = ", ".join(map(str, journal.unreadable_lines))
        return [f"{journal.path}: what stood in line {lines} cannot be read and was judged again"]
