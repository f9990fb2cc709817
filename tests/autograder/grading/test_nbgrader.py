"""nbgrader's own commands and its formgrader, on a course that was graded here."""

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import watch
from contents import gradebook
from fakes import FakeJudge, submission, submit, write_answer

from autograder import files
from autograder.grading.run import Options, grade
from autograder.labs import Lab
from autograder.leaks import hidden_lines
from autograder.notebook import grade_id, instructor_notebook

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
pytestmark = pytest.mark.slow


def nbgrader(course: Path, *arguments: str, good: bool = True) -> str:
    """Run a command of nbgrader as an instructor does: in the course folder, nothing else set."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=course,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    log = done.stdout + done.stderr
    assert (done.returncode == 0) == good, log[-3000:]
    return log


@pytest.fixture(scope="module")
def graded(prepared: Path, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three submissions graded, one of them hostile."""
    course = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(prepared, course)
    judge = FakeJudge(course.parent / "judged.txt")
    submit(
        course, lab, "ada", write_answer(submission(lab, *lab.questions.tasks), "written", "Ok.")
    )
    submit(course, lab, "bob", submission(lab, "q1"))
    evil = write_answer(submission(lab, "q1"), "written", f"{EVIL}\n\n[x](javascript:alert(1))")
    evil.cells[0].source += f"\n\n{EVIL}"
    write_answer(evil, "q2", f"# {EVIL}\ndef conv_params():\n    return '''{EVIL}'''")
    submit(course, lab, "eve", evil)
    report = grade(lab.short, Options(course_dir=course, progress=False, seed=1), judge=judge)
    assert not report.needs_attention
    return course


def test_feedback_shows_scores_and_reasons_and_no_hidden_test(graded: Path, lab: Lab) -> None:
    nbgrader(graded, "generate_feedback", lab.name)
    name = f"{lab.name}.html"
    pages = {s: graded / "feedback" / s / lab.name / name for s in ("ada", "bob", "eve")}
    text = {student: path.read_text() for student, path in pages.items()}
    points = lab.questions.tasks["q1"].points
    assert f"(Score: {points:.1f} / 100.0)" in text["bob"]
    assert "(Score: 90.0 / 100.0)" in text["ada"]
    assert "got 3, expected 4" in text["bob"]
    assert "No response." in text["bob"]
    secret = [line for line, _ in hidden_lines(instructor_notebook(lab)) if len(line) > 30]
    for page in text.values():
        assert "HIDDEN TESTS" not in page
        assert "autograder.judge" not in page
        shown = " ".join("".join(watch(page).text).split())
        assert not [line for line in secret if " ".join(line.split()) in shown]
        assert "Rubric" not in shown


def test_a_students_html_does_not_reach_the_feedback(graded: Path, lab: Lab) -> None:
    nbgrader(graded, "generate_feedback", lab.name)
    pages = {
        student: (graded / "feedback" / student / lab.name / f"{lab.name}.html").read_text()
        for student in ("bob", "eve")
    }
    harmless, hostile = (watch(pages[student]) for student in ("bob", "eve"))
    # What the template itself loads is in both; the student adds nothing.
    assert hostile.found == harmless.found
    assert "document.title='owned'" in "".join(hostile.text), "it is shown as text"


def test_export_has_the_scores(graded: Path, lab: Lab) -> None:
    nbgrader(graded, "export", "--to", "grades.csv")
    with (graded / "grades.csv").open() as file:
        found = {row["student_id"]: row for row in csv.DictReader(file)}
    points = lab.questions.tasks["q1"].points
    scores = {student: float(row["score"]) for student, row in found.items()}
    assert scores == {"ada": 90, "bob": points, "eve": points}


def test_generate_assignment_again_changes_nothing(graded: Path, lab: Lab) -> None:
    before = gradebook(graded)
    release = graded / "release" / lab.name / f"{lab.name}.ipynb"
    text = release.read_text()
    nbgrader(graded, "generate_assignment", lab.name, "--force")
    assert gradebook(graded) == before
    assert json.loads(release.read_text())["cells"][3] == json.loads(text)["cells"][3]


def test_plain_autograde_gives_points_and_its_feedback_shows_no_hidden_test(
    prepared: Path, lab: Lab, tmp_path: Path
) -> None:
    course = tmp_path / "course"
    shutil.copytree(prepared, course)
    solved = {grade_id(cell): cell.source for cell in instructor_notebook(lab).cells}
    one = write_answer(files.read(lab.notebook), "q1", solved["q1"])
    one.cells = [cell for cell in one.cells if grade_id(cell) != "q3-test"]  # comes back
    submit(course, lab, "ada", one)
    nbgrader(course, "autograde", lab.name)
    nbgrader(course, "generate_feedback", lab.name)
    grades = {cell: score for _, _, cell, score, *_ in gradebook(course)["grades"]}
    assert grades["q1-test"] == lab.questions.tasks["q1"].points
    assert grades["q2-test"] == grades["q3-test"] == 0
    page = (course / "feedback" / "ada" / lab.name / f"{lab.name}.html").read_text()
    shown = "".join(watch(page).text)
    assert "grading(" not in shown
    assert "HIDDEN TESTS" not in shown


def test_collect_brings_what_students_submitted_and_it_is_graded(
    prepared: Path, lab: Lab, tmp_path: Path
) -> None:
    course, exchange = tmp_path / "course", tmp_path / "exchange"
    shutil.copytree(prepared, course)
    (exchange / "tinyml-course").mkdir(parents=True)
    for folder, mode in ((exchange, 0o777), (exchange / "tinyml-course", 0o755)):
        folder.chmod(mode)
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + f"\nc.Exchange.root = {str(exchange)!r}\n")
    nbgrader(course, "release_assignment", lab.name)
    home = tmp_path / "student"
    home.mkdir()
    (home / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\n"
        "c.CourseDirectory.course_id = 'tinyml-course'\n"
    )
    nbgrader(home, "fetch_assignment", lab.name)
    fetched = home / lab.name / f"{lab.name}.ipynb"
    files.write(submission(lab, "q1"), fetched)
    nbgrader(home, "submit", lab.name)
    nbgrader(course, "collect", lab.name)
    judge = FakeJudge(tmp_path / "judged.txt")
    report = grade(lab.short, Options(course_dir=course, progress=False, seed=1), judge=judge)
    [row] = report.rows
    assert (row.status, row.score) == ("ok", lab.questions.tasks["q1"].points)
    [(_, stamp, *_), *_] = gradebook(course)["grades"]
    assert stamp, "nbgrader's time of submission is in the gradebook"


@contextlib.contextmanager
def formgrader(course: Path) -> Iterator[str]:
    """A Jupyter server in the course folder; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "server",
        "--allow-root",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    log = (course.parent / "server.log").open("w")
    server = subprocess.Popen(
        command, cwd=course, env=os.environ | {"PATH": path}, stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/formgrader/api/status", timeout=5)
                break
            except OSError:
                text = (course.parent / "server.log").read_text()
                assert server.poll() is None, text
                assert time.monotonic() < end, text
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def rendered(address: str, folder: Path) -> str:
    """A page as it is after its scripts have run, in a browser without a window."""
    assert CHROMIUM
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    return done.stdout


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def test_formgrader_has_the_scores_and_the_rubric(graded: Path, lab: Lab) -> None:
    with formgrader(graded) as address:
        submissions = json.loads(
            get(f"{address}/formgrader/api/submitted_notebooks/{lab.name}/{lab.name}")
        )
        points = lab.questions.tasks["q1"].points
        assert {s["student"]: s["score"] for s in submissions} == {
            "ada": 90,
            "bob": points,
            "eve": points,
        }
        assert {s["student"]: s["needs_manual_grade"] for s in submissions} == {
            "ada": True,
            "bob": False,
            "eve": True,
        }
        pages = {
            s["student"]: get(f"{address}/formgrader/submissions/{s['id']}/") for s in submissions
        }
    assert "For the grader only" in pages["ada"]
    assert "Rubric" in pages["ada"]
    assert watch(pages["eve"]).found == [
        each.replace(ids(submissions, "bob"), ids(submissions, "eve"))
        for each in watch(pages["bob"]).found
    ]


def ids(submissions: list[dict[str, str]], student: str) -> str:
    return next(s["id"] for s in submissions if s["student"] == student)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open formgrader with")
def test_formgrader_opens_in_a_browser_and_shows_the_scores(
    graded: Path, lab: Lab, tmp_path: Path
) -> None:
    points = lab.questions.tasks["q1"].points
    with formgrader(graded) as address:
        table = rendered(f"{address}/formgrader/manage_submissions/{lab.name}", tmp_path / "a")
        shown = " ".join("".join(watch(table).text).split())
        for student, score in (("ada", 90), ("bob", points), ("eve", points)):
            assert student in shown
            assert f"{score:g} / 100" in shown
        listing = f"{address}/formgrader/api/submitted_notebooks/{lab.name}/{lab.name}"
        eve = ids(json.loads(get(listing)), "eve")
        page = rendered(f"{address}/formgrader/submissions/{eve}/", tmp_path / "b")
    assert "<title>owned" not in page, "a student's script has run"
    assert "For the grader only" in page
    assert "document.title='owned'" in "".join(watch(page).text)
