"""Hostile and broken submissions: the right status and score, no point forged, nothing seen."""

import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attack import Attack, solved
from forgeries import FORGERIES
from notebooks import NOTEBOOKS
from resources import RESOURCES, q5
from secrets_and_places import SECRETS

from autograder.judging import Limits, Outcome, judge_submission
from autograder.labs import COURSE_DIR, find_lab
from autograder.sandbox import Sandbox, SandboxError, find_sandbox

LAB = find_lab("lab0")
LIMITS = Limits(
    question_s=4,
    final_s=30,
    submission_s=120,
    memory_bytes=512 << 20,
    file_bytes=8 << 20,
    scratch_bytes=16 << 20,
    answer_bytes=2 << 20,
    notebook_bytes=5 << 20,
)
ATTACKS = [*RESOURCES, *SECRETS, *FORGERIES, *NOTEBOOKS]
WEAK = Sandbox("rlimits")
CANARY = "canary-5e3d1b"


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    try:
        return find_sandbox(insist=True)
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Things to find: files, an environment variable, a server, a socket."""
    folder = tmp_path_factory.mktemp("course")
    others = folder / "submitted" / "ada" / LAB.name / f"{LAB.name}.ipynb"
    hidden = [folder / "gradebook.db", folder / "source" / "solved.ipynb", others]
    for path in hidden:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CANARY)
    files = [LAB.source, LAB.source.with_name("hidden.py"), COURSE_DIR, LAB.notebook, *hidden]
    place = folder / "socket"
    os.environ["TINYML_CANARY"] = CANARY
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(place))
        local.listen()
        yield {
            "HIDDEN": [str(path) for path in files],
            "FOLDER": str(folder),
            "PORT": server.getsockname()[1],
            "SOCKET": str(place),
            "CANARY": CANARY,
        }
    del os.environ["TINYML_CANARY"]
    assert not (folder / "written").exists()


def judged(attack: Attack, folder: Path, secrets: dict[str, object], sandbox: Sandbox) -> Outcome:
    path = folder / "eve" / LAB.name / f"{LAB.name}.ipynb"
    attack.write(LAB, path, secrets)
    before = path.read_bytes()
    outcome = judge_submission(LAB, path, seed=3, limits=LIMITS, sandbox=sandbox)
    assert path.read_bytes() == before
    return outcome


def expect(attack: Attack, outcome: Outcome) -> None:
    tasks = LAB.questions.tasks
    states = {question.name: question.status for question in outcome.questions}
    assert states == dict.fromkeys(tasks, "right") | attack.lost
    points = {question.name: question.points for question in outcome.questions}
    assert points == {q: 0 if q in attack.lost else task.points for q, task in tasks.items()}
    assert outcome.status == attack.status
    texts = [outcome.message, *(q.message for q in outcome.questions if q.name in attack.lost)]
    texts += [g.message for q in outcome.questions for g in q.groups if q.name in attack.lost]
    assert any(attack.said in text for text in texts)
    everything = json.dumps(outcome.to_dict())
    assert Outcome.from_dict(json.loads(everything)) == outcome
    for hidden in (CANARY, "leak", "<script"):
        assert hidden not in everything


def attacks() -> list[object]:
    marks = {True: (pytest.mark.slow,), False: ()}
    return [pytest.param(one, id=one.name, marks=marks[one.slow]) for one in ATTACKS]


def test_there_are_enough_attacks_of_different_names() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40


@pytest.mark.parametrize("attack", attacks())
def test_attack(
    attack: Attack, tmp_path: Path, secrets: dict[str, object], sandbox: Sandbox
) -> None:
    expect(attack, judged(attack, tmp_path, secrets, sandbox))


@pytest.mark.parametrize(
    "attack", [pytest.param(one, id=one.name) for one in ATTACKS if one.everywhere]
)
def test_limits_alone_hold_the_usual_accidents(
    attack: Attack, tmp_path: Path, secrets: dict[str, object]
) -> None:
    expect(attack, judged(attack, tmp_path, secrets, WEAK))


def test_nothing_runs_on_after_judging(
    tmp_path: Path, secrets: dict[str, object], sandbox: Sandbox
) -> None:
    mark = f"stray-{os.getpid()}"
    shell = f"'/bin/sh', ['{mark}', '-c', 'sleep 300; true']"
    body = f"""import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        os.execv({shell})
time.sleep(99)"""
    attack = Attack("strays", q5(body), status="timeout", lost={"q5": "timeout"})
    expect(attack, judged(attack, tmp_path, secrets, sandbox))
    deadline = time.monotonic() + 5
    while strays(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not strays(mark)


def strays(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(path)] if mark in path.read_text() else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "name", ["a b.ipynb", "$(touch x).ipynb", "-rf.ipynb", "ü\n'\".ipynb", "..ipynb", "x" * 200]
)
def test_names_of_files_are_only_names(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    path = tmp_path / name
    path.write_bytes(json.dumps(solved(LAB)).encode())
    outcome = judge_submission(LAB, path, seed=3, limits=LIMITS, sandbox=sandbox)
    assert (outcome.status, outcome.points) == ("ok", outcome.max_points)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["link", "folder link", "dangling", "folder", "pipe", "missing"])
def test_only_regular_files_are_read(kind: str, tmp_path: Path) -> None:
    real = tmp_path / "ada" / "lab0.ipynb"
    real.parent.mkdir()
    real.write_bytes(json.dumps(solved(LAB)).encode())
    path = tmp_path / "eve.ipynb"
    if kind == "link":
        path.symlink_to(real)
    elif kind == "folder link":
        (tmp_path / "eve").symlink_to(real.parent)
        path = tmp_path / "eve" / real.name
    elif kind == "dangling":
        path.symlink_to("/nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    outcome = judge_submission(LAB, path, seed=3, limits=LIMITS, sandbox=WEAK)
    assert (outcome.status, outcome.points) == ("unreadable", 0)
    assert {q.status for q in outcome.questions} == {"not judged"}


def test_the_time_of_a_submission_is_limited(
    tmp_path: Path, secrets: dict[str, object], sandbox: Sandbox
) -> None:
    sleepy = {f"q{n}": "while True: pass" for n in range(1, 11)}
    attack = Attack("sleepy", sleepy)
    path = tmp_path / "sleepy.ipynb"
    attack.write(LAB, path, secrets)
    limits = dataclasses.replace(LIMITS, question_s=1, submission_s=2.5)
    start_s = time.monotonic()
    outcome = judge_submission(LAB, path, seed=3, limits=limits, sandbox=sandbox)
    states = [question.status for question in outcome.questions]
    assert states[0] == "timeout"
    assert states[-1] == "not judged"
    assert outcome.status == "timeout"
    assert time.monotonic() - start_s < 60  # 2.5 s and starts, on a machine that is very busy
