"""Spreading: the same results with one worker, with several, and on a Dask cluster."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from contents import autograded, gradebook
from fakes import FakeJudge, submission, submit

from autograder.errors import GradingError
from autograder.grading.run import Options, grade
from autograder.grading.spread import Crew, Failure, Task, judge_all
from autograder.judging.limits import Limits
from autograder.judging.outcome import Outcome
from autograder.labs import Lab

NAMES = [f"s{i}" for i in range(8)]


@pytest.fixture
def options(course: Path, lab: Lab) -> Options:
    tasks = list(lab.questions.tasks)
    for index, student in enumerate(NAMES):
        submit(course, lab, student, submission(lab, *tasks[: index + 1]))
    return Options(course_dir=course, progress=False, seed=1)


@pytest.mark.slow
def test_two_workers_give_what_one_gives(
    options: Options, lab: Lab, judge: FakeJudge, course: Path
) -> None:
    alone = grade(lab.short, options, Crew(1), judge)
    kept = (gradebook(course), autograded(course))
    both = grade(lab.short, dataclasses.replace(options, force=True), Crew(2), judge)
    assert not multiprocessing.active_children()  # idle workers would stay for minutes
    assert [(r.student, r.status, r.score) for r in both.rows] == [
        (r.student, r.status, r.score) for r in alone.rows
    ]
    assert (gradebook(course), autograded(course)) == kept
    assert sorted(judge.judged()) == sorted(NAMES * 2)


@pytest.mark.slow
def test_a_submission_that_kills_its_worker_is_the_only_one_without_a_score(
    options: Options, lab: Lab, judge: FakeJudge, course: Path
) -> None:
    submit(course, lab, "s3", submission(lab, note="die"))
    found = {row.student: row for row in grade(lab.short, options, Crew(2), judge).rows}
    assert found.pop("s3").status == "not judged"
    assert {row.status for row in found.values()} == {"ok"}


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(
    options: Options, lab: Lab, judge: FakeJudge, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", here)  # the cluster's processes have to find the fake judge
    alone = grade(lab.short, options, Crew(1), judge)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        crew = Crew(scheduler=cluster.scheduler_address)
        forced = dataclasses.replace(options, force=True)
        report = grade(lab.short, forced, crew, judge)
    assert [(r.student, r.status, r.score) for r in report.rows] == [
        (r.student, r.status, r.score) for r in alone.rows
    ]
    assert sorted(judge.judged()) == sorted(NAMES * 2)


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_named(
    options: Options, lab: Lab, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    from autograder.grading import spread

    monkeypatch.setattr(spread, "SCHEDULER_WAIT_S", 1)
    with pytest.raises(GradingError, match=r"tcp://127\.0\.0\.1:9"):
        grade(lab.short, options, Crew(scheduler="tcp://127.0.0.1:9"), judge)


def test_without_dask_the_command_that_installs_it_is_named(
    options: Options, lab: Lab, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(GradingError, match=r"pip install -e '\.\[cluster\]'"):
        grade(lab.short, options, Crew(scheduler="tcp://127.0.0.1:9"), judge)


def test_results_come_as_they_are_done(lab: Lab, course: Path, judge: FakeJudge) -> None:
    tasks = [Task(n, submit(course, lab, n, submission(lab))) for n in ("ada", "bob")]
    tasks.append(Task("cyd", submit(course, lab, "cyd", submission(lab, note="bug"))))
    results = judge_all(judge, lab, tasks, 1, Limits(), Crew(1))
    task, result = next(results)
    assert task == tasks[0]
    assert isinstance(result, Outcome)
    assert judge.judged() == ["ada"], "one worker does not run ahead of who takes the results"
    rest = list(results)
    assert [task.student for task, _ in rest] == ["bob", "cyd"]
    assert rest[1][1] == Failure("RuntimeError: the judge has a bug")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_workers_end_with_a_grader_that_is_killed(
    options: Options, lab: Lab, judge: FakeJudge, course: Path, tmp_path: Path
) -> None:
    script = tmp_path / "grader.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from fakes import FakeJudge\n"
        "from autograder.grading.run import Options, grade\n"
        "from autograder.grading.spread import Crew\n"
        f"judge = FakeJudge(Path({str(judge.log)!r}), seconds=60)\n"
        f"grade({lab.short!r}, Options(course_dir=Path({str(course)!r})), Crew(2), judge)\n"
    )
    grader = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(judge.judged()) == 2, 120)
        workers = children(grader.pid)
        assert len(workers) >= 2
    finally:
        grader.send_signal(signal.SIGKILL)
        grader.wait()
    wait_for(lambda: not any(alive(pid) for pid in workers), 30)


def wait_for(condition: object, seconds: float) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z" and os.getpid() != pid
