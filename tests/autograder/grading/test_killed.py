"""A grader killed at any moment: the next run completes it, and nothing is lost or doubled."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from contents import autograded, gradebook
from fakes import FakeJudge, submission, submit, write_answer

from autograder.labs import Lab

HERE = Path(__file__).resolve().parent
STUDENTS = ["ada", "bob", "cyd", "dan"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and kills")


def hand_in(course: Path, lab: Lab) -> None:
    tasks = list(lab.questions.tasks)
    for index, student in enumerate(STUDENTS):
        notebook = submission(lab, *tasks[: 3 * index])
        submit(course, lab, student, write_answer(notebook, "written", "Maps." * index))
    submit(course, lab, "eve", "{")


def kill_and_resume(base: Path, work: Path, shares: list[float]) -> None:
    """Check that each killed and completed folder is what an undisturbed run makes."""
    work.mkdir()
    command = [sys.executable, str(HERE / "killed_graders.py"), str(base), str(work)]
    command += [f"{share:.6f}" for share in shares]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == len(shares)
    expected = work / "whole"
    assert set(autograded(expected)) == {
        f"{student}/lab0_memory_gap/lab0_memory_gap.ipynb" for student in [*STUDENTS, "eve"]
    }
    for number, share in enumerate(shares):
        course = work / str(number)
        assert gradebook(course) == gradebook(expected), share
        assert autograded(course) == autograded(expected), share
        judged = FakeJudge(course.with_suffix(".judged")).judged()
        # A kill costs the judgement that was under way, or just done, and no more.
        assert set(judged) == {*STUDENTS, "eve"}
        assert len(judged) <= len(STUDENTS) + 2, share


@pytest.mark.slow
def test_resuming_after_a_kill_equals_a_run_without(lab: Lab, course: Path, tmp_path: Path) -> None:
    """Twenty random moments, spread over the run so that none of its parts is left out."""
    hand_in(course, lab)
    rng = random.Random(20)
    shares = [(number + rng.random()) / 20 for number in range(20)]
    kill_and_resume(course, tmp_path / "work", shares)


@pytest.mark.slow
def test_also_while_the_course_folder_is_made(lab: Lab, tmp_path: Path) -> None:
    hand_in(tmp_path / "empty", lab)
    rng = random.Random(3)
    shares = [(number + rng.random()) / 4 for number in range(4)]
    kill_and_resume(tmp_path / "empty", tmp_path / "work", shares)
