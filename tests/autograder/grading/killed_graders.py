"""Graders that are killed at a chosen call, and resumed; all of them forks of this process.

Usage: python killed_graders.py BASE WORK SHARE...

For each SHARE, a number from 0 to 1, BASE is copied to WORK/0, WORK/1, ...; a grader there is
killed after that share of all the calls, of Python and of C functions, that an undisturbed one
makes; then another grader completes its work. Calls are counted instead of seconds, so that the
moments do not depend on how busy the machine is.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes import FakeJudge
from nbgrader import api

from autograder.grading.run import Options, grade
from autograder.nbgrader_api import tools_on_path


def complete(course: Path) -> int:
    """Grade a folder, as the first thing that a process of its own does."""
    grade(
        "lab0",
        Options(course_dir=course, progress=False, seed=3),
        judge=FakeJudge(course.with_suffix(".judged")),
    )
    return 0


def counted(course: Path, kill_at: int | None = None) -> int:
    """The same; the calls it made. Counting them takes more time than grading."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    complete(course)
    sys.setprofile(None)
    return calls


def in_a_fork(work: Callable[[], int]) -> int | None:
    """The result of ``work``; ``None`` if its process was killed."""
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writable, str(work()).encode())
        finally:
            os._exit(1)
    os.close(writable)
    with os.fdopen(readable) as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or text, "a grader failed"
    return None if killed else int(text)


def main() -> None:
    base, work = Path(sys.argv[1]), Path(sys.argv[2])
    # The same for every gradebook; nbgrader starts a program for it, for seconds.
    with tools_on_path():
        version = api.get_alembic_version()
    api.get_alembic_version = lambda: version
    whole = work / "whole"
    shutil.copytree(base, whole)
    in_all = in_a_fork(lambda: counted(whole))
    assert in_all is not None
    for number, share in enumerate(map(float, sys.argv[3:])):
        course = work / str(number)
        shutil.copytree(base, course)
        at = max(1, int(share * in_all))
        assert in_a_fork(lambda at=at, course=course: counted(course, at)) is None, "was not killed"
        in_a_fork(lambda course=course: complete(course))
        print(f"killed at call {at:,} of {in_all:,}", flush=True)


if __name__ == "__main__":
    main()
