"""The journal: what was written is there, what was cut off is not, and nobody else writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import GradingError
from autograder.grading.journal import Journal, Key
from autograder.judging.outcome import Group, Outcome, QuestionOutcome

KEY = Key("lab0_memory_gap", "version", "digest", 7, "limits")


def outcome(points: float, message: str = "") -> Outcome:
    group = Group("edges", 2, 5, "got 1, expected 2")
    question = QuestionOutcome("q1", points, 6.0, "partly right", message, (group,))
    return Outcome("ok", (question,), message, 1.5, 1 << 20, "bubblewrap")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "lab0.jsonl"


def test_what_was_judged_is_there_when_it_is_opened_again(path: Path) -> None:
    with Journal(path) as journal:
        first = journal.judged("ada", KEY, outcome(3, "ünï\n\x00"))
        second = journal.judged("bob", KEY, outcome(0))
        journal.note_filled(first)
        assert journal.records == {"ada": first, "bob": second}
    with Journal(path) as journal:
        assert journal.records == {"ada": first, "bob": second}
        assert journal.filled == {first.number}
        third = journal.judged("ada", KEY, outcome(6))
        assert third.number not in {first.number, second.number}
    with Journal(path) as journal:
        assert journal.records["ada"] == third
        assert journal.filled == {first.number}


@given(st.data())
def test_a_line_that_was_cut_off_is_dropped_and_the_rest_stays(data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lab0.jsonl"
        with Journal(path) as journal:
            kept = [journal.judged(f"s{i}", KEY, outcome(i)) for i in range(3)]
        content = path.read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:cut])
        lines = content[:cut].count(b"\n")
        with Journal(path) as journal:
            assert list(journal.records.values()) == kept[:lines]
            assert not journal.unreadable_lines
            journal.judged("last", KEY, outcome(1))
        with Journal(path) as journal:
            assert set(journal.records) == {*(f"s{i}" for i in range(lines)), "last"}
            assert not journal.unreadable_lines


@pytest.mark.parametrize(
    "damage",
    [
        b"\0\0\0\0",
        b"[]",
        b'{"version": 2}',
        b'{"version": 1, "kind": "judged", "student": "x"}',
        b'{"version": 1, "kind": "judged", "student": "x", "key": {"no": 1}, "outcome": {}}',
    ],
)
def test_a_damaged_line_is_told_and_costs_only_itself(path: Path, damage: bytes) -> None:
    with Journal(path) as journal:
        for student in ("ada", "bob", "cyd"):
            journal.judged(student, KEY, outcome(1))
    lines = path.read_bytes().splitlines()
    lines[1] = damage
    path.write_bytes(b"\n".join(lines) + b"\n")
    with Journal(path) as journal:
        assert set(journal.records) == {"ada", "cyd"}
        assert journal.unreadable_lines == [2]


def test_each_judgement_is_on_the_disk_before_it_is_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    write, sync = os.write, os.fsync
    with Journal(path) as journal:
        monkeypatch.setattr(os, "write", lambda *a: (events.append("write"), write(*a))[1])
        monkeypatch.setattr(os, "fsync", lambda *a: (events.append("sync"), sync(*a))[1])
        journal.judged("ada", KEY, outcome(1))
    assert events == ["write", "sync"]


@pytest.mark.parametrize("fails", ["write", "fsync"])
def test_a_line_that_cannot_be_written_leaves_the_journal_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    with Journal(path) as journal:
        first = journal.judged("ada", KEY, outcome(1))
        before = path.read_bytes()
        write = os.write

        def half(handle: int, text: memoryview) -> int:
            if len(text) < 50:
                raise OSError(28, "No space left on device")
            return write(handle, text[: len(text) // 2])

        def no_sync(_: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, fails, half if fails == "write" else no_sync)
            with pytest.raises(OSError, match=r"space|Input"):
                journal.judged("bob", KEY, outcome(1))
        assert path.read_bytes() == before
        second = journal.judged("cyd", KEY, outcome(1))
        assert second.number == first.number + 1
    with Journal(path) as journal:
        assert set(journal.records) == {"ada", "cyd"}


def test_one_grader_at_a_time_also_from_another_process(path: Path) -> None:
    probe = (
        "import sys; from pathlib import Path\n"
        "from autograder.grading.journal import Journal\n"
        "Journal(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", probe, str(path)]
    with Journal(path):
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "another `tinyml grade` is working on lab0" in other.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file, not a folder")
    with pytest.raises(GradingError, match="journal"):
        Journal(tmp_path / "journal" / "lab0.jsonl")


def test_the_journal_holds_one_plain_json_record_a_line(path: Path) -> None:
    with Journal(path) as journal:
        journal.judged("ada", KEY, outcome(1))
    [line] = path.read_text().splitlines()
    entry = json.loads(line)
    assert entry["key"] == {
        "lab": "lab0_memory_gap",
        "lab_version": "version",
        "sha256": "digest",
        "seed": 7,
        "limits": "limits",
    }
    assert path.stat().st_mode & 0o077 == 0, "scores are nobody else's business"
