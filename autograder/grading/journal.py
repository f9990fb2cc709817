"""The journal of a course: every judgement on disk, one line each, before it is used.

It is what a killed run resumes from, and what the gradebook is filled from. A line is appended and
synced to the disk before the next step; a line that was cut off by a crash is dropped when the
journal is opened again, and what it would have told is judged again.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.errors import GradingError
from autograder.judging.outcome import Outcome
from tinyml_course.errors import TinyMLError

FOLDER = "journal"
VERSION = 1


@dataclass(frozen=True)
class Key:
    """What a judgement depends on: with an equal key, judging again gives the same.

    Attributes:
        lab: name.
        lab_version: digest of the lab's questions, references and hidden tests.
        sha256: of the submitted file.
        seed: of the hidden inputs.
        limits: digest of the limits.
    """

    lab: str
    lab_version: str
    sha256: str
    seed: int
    limits: str


@dataclass(frozen=True)
class Record:
    """One judgement.

    Attributes:
        number: of the line; later judgements have larger numbers.
        student: whose.
        key: of what.
        outcome: what the judge said.
        judged_at: when, UTC, ISO 8601.
    """

    number: int
    student: str
    key: Key
    outcome: Outcome
    judged_at: str


class Journal:
    """The journal of one lab, open for one grader at a time.

    Args:
        path: of the file; it and its folder are made if they are not there.

    Raises:
        GradingError: another grader has it open, or it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, Record] = {}
        self.filled: set[int] = set()
        self.unreadable_lines: list[int] = []
        self._lines = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise GradingError(f"cannot open the journal {path}: {error.strerror}") from error
        try:
            self._lock()
            self._read()
            _sync_folder(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def judged(self, student: str, key: Key, outcome: Outcome) -> Record:
        """Keep a judgement; when this returns, it is on the disk.

        Raises:
            OSError: it could not be written; the journal is as it was before.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(self._lines + 1, student, key, outcome, now)
        self._append(
            {
                "version": VERSION,
                "kind": "judged",
                "student": student,
                "key": asdict(key),
                "outcome": outcome.to_dict(),
                "judged_at": now,
            }
        )
        self.records[student] = record
        return record

    def note_filled(self, record: Record) -> None:
        """Remember that the gradebook holds this judgement.

        Raises:
            OSError: as for `judged`.
        """
        self._append({"version": VERSION, "kind": "filled", "record": record.number})
        self.filled.add(record.number)

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=True, allow_nan=False).encode() + b"\n"
        end = os.fstat(self._file).st_size
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)  # a full disk must not leave half a line
            raise
        self._lines += 1

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GradingError(
                f"another `tinyml grade` is working on {self.path.stem}; wait for it or stop it"
            ) from error

    def _read(self) -> None:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        for line in whole.splitlines():
            self._lines += 1
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, KeyError, TinyMLError):
                self.unreadable_lines.append(self._lines)

    def _take(self, entry: dict[str, Any]) -> None:
        if entry["version"] != VERSION:
            raise ValueError(f"version {entry['version']}")
        if entry["kind"] == "filled":
            self.filled.add(int(entry["record"]))
            return
        key, outcome = Key(**entry["key"]), Outcome.from_dict(entry["outcome"])
        student = str(entry["student"])
        record = Record(self._lines, student, key, outcome, str(entry["judged_at"]))
        self.records[student] = record


@contextlib.contextmanager
def open_journal(course_dir: Path, lab: str) -> Iterator[Journal]:
    """The journal of a lab in a course folder.

    Raises:
        GradingError: as for `Journal`.
    """
    with Journal(course_dir / FOLDER / f"{lab}.jsonl") as journal:
        yield journal


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
