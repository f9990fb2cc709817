"""What a judgement depends on, in short: digests of files, limits and the lab itself."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import tinyml_course
from autograder.judging.limits import Limits
from autograder.labs import Lab

_CHUNK_BYTES = 1 << 20


def file_digest(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def limits_digest(limits: Limits) -> str:
    """Of the limits' values."""
    return _short(json.dumps(asdict(limits), sort_keys=True, default=str).encode())


def lab_version(lab: Lab) -> str:
    """Of everything that decides a lab's points: source, hidden tests, questions.

    The library's references are part of the questions' folder or imported from there; a change in
    the library behind them calls for ``--force``.
    """
    questions = Path(tinyml_course.__file__).parent / "course"
    own = [*questions.glob(f"{lab.name}/**/*.py"), *questions.glob(f"{lab.name}.py")]
    files = sorted([*lab.source.parent.glob("*.py"), *own])
    return _short(b"".join(path.read_bytes() for path in files))


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
