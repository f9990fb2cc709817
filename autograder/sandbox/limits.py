"""What a submission may take: read from ``autograder/limits.toml``, which says what each is for."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from autograder.errors import GradingError
from autograder.labs import ROOT
from tinyml_course.errors import reject_unknown_keys

LIMITS_FILE = ROOT / "limits.toml"


@dataclass(frozen=True)
class Limits:
    """Limits of a question, of the final task and of a whole submission.

    Attributes:
        question_s: seconds for one question, all its inputs together.
        final_s: seconds for the cells that make the design of the final task.
        submission_s: seconds for everything; questions that come later are not asked.
        memory_bytes: of all processes of a submission together, and of each.
        processes: that may run at a time.
        file_bytes: of one file.
        scratch_bytes: of the private scratch folder in all.
        answer_bytes: of one answer on its way to the judge.
        notebook_bytes: of the submitted file.
        notebook_cells: in it.
    """

    question_s: float = 10.0
    final_s: float = 60.0
    submission_s: float = 180.0
    memory_bytes: int = 2 << 30
    processes: int = 16
    file_bytes: int = 32 << 20
    scratch_bytes: int = 64 << 20
    answer_bytes: int = 8 << 20
    notebook_bytes: int = 10 << 20
    notebook_cells: int = 2000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type is int and type(value) is not int
            if isinstance(value, bool) or not isinstance(value, int | float) or whole or value <= 0:
                kind = "whole number" if field.type is int else "number"
                raise GradingError(f"limit {field.name} must be a {kind} above 0, it is {value!r}")


def load_limits(path: Path | None = None) -> Limits:
    """The limits in a TOML file; what it leaves out keeps its default.

    Args:
        path: by default ``autograder/limits.toml``.

    Raises:
        UnknownNameError: a key that is no limit.
        GradingError: the file is missing, is no TOML, or has a value that is no limit.
    """
    path = path or LIMITS_FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GradingError(f"the limits cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GradingError(f"{path} is no TOML: {error}") from error
    reject_unknown_keys("limit", found, [field.name for field in fields(Limits)])
    return Limits(**found)
