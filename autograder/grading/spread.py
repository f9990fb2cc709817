"""Judging many submissions at once: in processes of this machine, or on a Dask cluster.

joblib spreads the work; which of the two it uses is one argument. Workers only judge: they write
nothing, and what they return is plain data.
"""

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from autograder.errors import GradingError
from autograder.judging.limits import Limits
from autograder.judging.outcome import Outcome
from autograder.labs import Lab

Judge = Callable[..., Outcome]
SCHEDULER_WAIT_S = 10
_ORPHAN_CHECK_S = 0.5


@dataclass(frozen=True)
class Crew:
    """Who judges.

    Attributes:
        workers: processes here; 1 means this process itself.
        scheduler: address of a Dask scheduler, such as ``tcp://host:8786``, whose workers judge
            instead. They need this package and the same folders under the same paths.
        insist_sandbox: refuse to judge where the full sandbox cannot be had.
    """

    workers: int = 1
    scheduler: str | None = None
    insist_sandbox: bool = False


@dataclass(frozen=True)
class Task:
    """One submission to judge: the file, and the student it belongs to."""

    student: str
    path: Path


@dataclass(frozen=True)
class Failure:
    """A submission that was not judged, through no fault of its own.

    Attributes:
        message: what went wrong in the judging process.
        fatal: whether the others would fail as well: the instructor has to mend something.
    """

    message: str
    fatal: bool = False


def judge_all(
    judge: Judge, lab: Lab, tasks: Sequence[Task], seed: int, limits: Limits, crew: Crew
) -> Iterator[tuple[Task, Outcome | Failure]]:
    """Judge every task; each comes back once, as soon as it is done, in any order.

    A worker process that dies takes down only the submission that it had: those that were under
    way with it are judged again, one at a time.

    Args:
        judge: `judge_submission`.
        lab: of the submissions.
        tasks: what to judge.
        seed: of the hidden inputs.
        limits: for student code.
        crew: who judges.

    Raises:
        GradingError: the scheduler cannot be reached, or Dask is not installed.
    """
    open_tasks = {task.student: task for task in tasks}
    with _backend(crew) as jobs:
        parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1)
        local = crew.scheduler is None
        calls = [
            delayed(_attempt)(judge, lab, task, seed, limits, crew.insist_sandbox, local)
            for task in tasks
        ]
        try:
            for student, result in parallel(calls):
                yield open_tasks.pop(student), result
        except BrokenProcessPool:
            pass  # what is still open is judged below
        for task in list(open_tasks.values()):
            yield task, _alone(judge, lab, task, seed, limits, crew)


def _alone(
    judge: Judge, lab: Lab, task: Task, seed: int, limits: Limits, crew: Crew
) -> Outcome | Failure:
    """In a process that nobody else uses, so that its death says whose fault it was."""
    call = delayed(_attempt)(judge, lab, task, seed, limits, crew.insist_sandbox, True)
    try:
        with parallel_config(backend="loky"):
            [(_, result)] = Parallel(2, batch_size=1)([call])
    except BrokenProcessPool as error:
        return Failure(f"the process that judged it died twice: {str(error)[:200]}")
    assert isinstance(result, Outcome | Failure)
    return result


@contextlib.contextmanager
def _backend(crew: Crew) -> Iterator[int]:
    """Set joblib up; gives its number of jobs."""
    if crew.scheduler is None:
        try:
            with parallel_config(backend="loky"):
                yield crew.workers
        finally:
            if crew.workers > 1:  # idle ones would stay for minutes, and this process with them
                get_reusable_executor().shutdown(wait=True)
        return
    with _client(crew.scheduler) as client, parallel_config(backend="dask", client=client):
        yield -1


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise GradingError(
            "--scheduler needs Dask, which is not installed; run: pip install -e '.[cluster]'"
        ) from error
    try:
        return Client(address, timeout=SCHEDULER_WAIT_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise GradingError(f"no Dask scheduler answers at {address}: {error}") from error


def _attempt(
    judge: Judge, lab: Lab, task: Task, seed: int, limits: Limits, insist: bool, local: bool
) -> tuple[str, Outcome | Failure]:
    """Judge one submission in a worker; whatever goes wrong comes back as data."""
    if local:
        _die_with(os.getppid())
    try:
        sandbox = _sandbox(insist)
        return task.student, judge(lab, task.path, seed=seed, limits=limits, sandbox=sandbox)
    except GradingError as error:
        return task.student, Failure(str(error), fatal=True)
    except Exception as error:
        return task.student, Failure(f"{type(error).__name__}: {str(error)[:300]}")


@lru_cache(maxsize=2)
def _sandbox(insist: bool) -> Any:
    """Found once in each process: it takes a trial start. The grader has told how strong it is."""
    from autograder.sandbox import find_sandbox

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return find_sandbox(insist)


@lru_cache(maxsize=1)
def _die_with(parent: int) -> None:
    """End this worker soon after its grader is gone, also if that was killed.

    An orphan would go on judging for nobody and hold memory for minutes.
    """
    import multiprocessing

    if multiprocessing.current_process().name == "MainProcess":
        return  # one worker only: this is the grader itself

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()
