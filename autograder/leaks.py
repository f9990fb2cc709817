"""Nothing of a solution or of a hidden test may stand in what students get."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.errors import ReleaseError
from autograder.notebook import grade_id

_REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
_MARKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
_SHORTEST = 12
"""Shorter lines, such as ``else:``, say nothing."""
_TELLING = 30
"""A line this long leaks also where it is part of another one."""


def check_leaks(instructor: NotebookNode, student: NotebookNode) -> None:
    """Compare what was hidden, line by line, with everything that is released.

    Every string in the notebook counts: text, metadata, attachments, names of cells.

    Args:
        instructor: with solutions and hidden tests.
        student: what is released.

    Raises:
        ReleaseError: naming the cell and the line that leaks.
    """
    secret = _Secret(instructor)
    for index, cell in enumerate(student.cells):
        place = f"cell {grade_id(cell) or cell.get('id')!r} (number {index})"
        if cell.get("outputs"):
            raise ReleaseError(f"{place} has outputs; they may show a solution")
        for text in _strings(cell):
            secret.check(text, place)
    for text in _strings({k: v for k, v in student.items() if k != "cells"}):
        secret.check(text, "the notebook's metadata")


def check_folder(instructor: NotebookNode, folder: Path) -> None:
    """Compare what was hidden with every file of a folder that students get.

    Raises:
        ReleaseError: naming the file and the line that leaks.
    """
    secret = _Secret(instructor)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            # In JSON a notebook's lines stand in quotes, with their own quotes escaped.
            secret.check(text, str(path))
            secret.check(
                re.sub(r'\\n|",?$|^\s*"', "\n", text.replace('\\"', '"'), flags=re.M), path
            )


def hidden_lines(instructor: NotebookNode) -> list[tuple[str, str]]:
    """Every hidden line with the cell it stands in.

    Lines that the instructor's notebook shows elsewhere in the open are no secret.
    """
    secret: list[tuple[str, str]] = []
    shown: set[str] = set()
    for cell in instructor.cells:
        name = grade_id(cell) or str(cell.get("id"))
        for _, body in _REGION.findall(cell.source):
            secret += [(_bare(line), name) for line in body.splitlines()]
        shown |= {_bare(line) for line in _REGION.sub("", cell.source).splitlines()}
    return [(line, name) for line, name in secret if line not in shown]


class _Secret:
    """What must not be shown."""

    def __init__(self, instructor: NotebookNode) -> None:
        lines = {line: name for line, name in hidden_lines(instructor) if len(line) >= _SHORTEST}
        self.lines = lines
        self.telling = {line: name for line, name in lines.items() if len(line) >= _TELLING}
        open_text = "\n".join(_REGION.sub("", cell.source) for cell in instructor.cells)
        self.open = {line for line in self.telling if line in open_text}

    def check(self, text: str, place: object) -> None:
        """Raise where a text holds a mark or a hidden line."""
        for mark in _MARKS:
            if mark in text:
                raise ReleaseError(f"{place} still holds the mark '{mark}'")
        for line in text.splitlines():
            if _bare(line) in self.lines:
                self._found(line, self.lines[_bare(line)], place)
        for hidden, name in self.telling.items():
            if hidden in text and hidden not in self.open:
                self._found(hidden, name, place)

    def _found(self, line: str, name: str, place: object) -> None:
        raise ReleaseError(f"{place} shows a line of what is hidden in {name!r}: {line.strip()!r}")


def _strings(value: Any) -> Iterator[str]:
    """Every string in a structure, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _bare(line: str) -> str:
    """Without indentation and comment marks: a solution in a comment is a solution."""
    return line.strip().lstrip("#").strip()
