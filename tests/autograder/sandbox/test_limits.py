"""Limits come from a file that an instructor can read, and a wrong one is said."""

from pathlib import Path

import pytest

from autograder.errors import GradingError
from autograder.sandbox.limits import LIMITS_FILE, Limits, load_limits
from tinyml_course.errors import UnknownNameError


def test_the_file_holds_every_limit_at_its_default() -> None:
    assert load_limits() == Limits()
    names = [line.split(" =")[0] for line in LIMITS_FILE.read_text().splitlines() if " = " in line]
    assert names == list(Limits.__dataclass_fields__)


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text("question_s = 2.5\nprocesses = 3\n")
    assert load_limits(path) == Limits(question_s=2.5, processes=3)


@pytest.mark.parametrize(
    "text",
    [
        "question_s = 0",
        "question_s = -1",
        "question_s = true",
        'question_s = "5"',
        "processes = 2.5",
    ],
)
def test_a_value_that_is_no_limit(text: str, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text)
    with pytest.raises(GradingError, match=text.split(" ")[0]):
        load_limits(path)


def test_a_key_that_is_no_limit(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text("question_seconds = 5")
    with pytest.raises(UnknownNameError, match="question_s"):
        load_limits(path)


@pytest.mark.parametrize("content", [None, b"question_s =", b"\xff\xfe"])
def test_a_file_that_is_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GradingError, match="limits"):
        load_limits(path)
