"""A submitted notebook read as hostile data: what is used of it is checked, the rest is not kept.

Outputs are not looked at, nor is the kernel's name, nor any metadata but nbgrader's.
"""

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autograder.judging.limits import Limits

CellType = Literal["code", "markdown", "raw"]
FLAGS = ("grade", "solution", "locked", "task")
_TYPES = ("code", "markdown", "raw")


class UnreadableError(Exception):
    """The file is no notebook. The message is for the learner."""


class TooLargeError(Exception):
    """The file is larger than a notebook may be."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        kind: its type.
        source: its text.
        grade_id: nbgrader's name of it, where it has one.
        flags: nbgrader's other metadata: `FLAGS` that are set, and the points.
        cell_id: Jupyter's name of it.
    """

    kind: CellType
    source: str
    grade_id: str | None = None
    flags: dict[str, float] = field(default_factory=dict)
    cell_id: str | None = None


def read_cells(path: Path, limits: Limits) -> tuple[Cell, ...]:
    """The cells of a notebook file.

    Raises:
        UnreadableError: it is missing, no regular file, or no notebook of format 4.
        TooLargeError: it has too many bytes or cells.
    """
    try:
        data = json.loads(_content(path, limits.notebook_bytes).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or too deep
        raise UnreadableError(f"the file is no JSON: {_one_line(error)}") from error
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        raise UnreadableError("the file is JSON, but no notebook: it has no list of cells")
    if data.get("nbformat") != 4:
        raise UnreadableError("the notebook is not of format 4; save it with a newer Jupyter")
    if len(data["cells"]) > limits.notebook_cells:
        raise TooLargeError(
            f"the notebook has {len(data['cells']):,} cells, at most {limits.notebook_cells:,} "
            "are read"
        )
    return tuple(_cell(number, cell) for number, cell in enumerate(data["cells"]))


def _content(path: Path, most_bytes: int) -> bytes:
    """The file's bytes. A link may lead to somebody else's work, so none is followed."""
    if path.parent.is_symlink():
        raise UnreadableError("the submission's folder is a link, not a folder")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror
        raise UnreadableError(f"the file cannot be opened: {reason}") from error
    except ValueError as error:
        raise UnreadableError("the file has an impossible name") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise UnreadableError("it is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > most_bytes:
            raise TooLargeError(f"the file has {found.st_size:,} bytes, {most_bytes:,} are allowed")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise TooLargeError(f"the file has more than {most_bytes:,} bytes")
    return content


def _cell(number: int, data: Any) -> Cell:
    kind = data.get("cell_type") if isinstance(data, dict) else None
    if kind not in _TYPES:
        raise UnreadableError(f"cell {number} is no cell: its type is {kind!r:.40}")
    source = data.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise UnreadableError(f"cell {number} has no text")
    metadata = data.get("metadata")
    given = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name, cell_id = _text(given, "grade_id"), _text(data, "id")
    return Cell(kind, source, name, flags_of(given) if name is not None else {}, cell_id)


def flags_of(given: Any) -> dict[str, float]:
    """Metadata of nbgrader that says what a cell is worth: flags that are set, points."""
    if not isinstance(given, dict):
        return {}
    points = given.get("points")
    number = isinstance(points, int | float) and not isinstance(points, bool)
    flags = {name: 1.0 for name in FLAGS if given.get(name) is True}
    return flags | ({"points": float(points)} if number and points else {})


def _text(data: Any, key: str) -> str | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
