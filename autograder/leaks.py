"""Nothing of a solution or of a hidden test may stand in what students get."""

import re

from nbformat import NotebookNode

from autograder.errors import ReleaseError
from autograder.notebook import grade_id

_REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
_MARKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
_SHORTEST = 12
"""Shorter lines, such as ``else:``, say nothing."""


def check_leaks(instructor: NotebookNode, student: NotebookNode) -> None:
    """Compare what was hidden, line by line, with every cell that is released.

    Args:
        instructor: with solutions and hidden tests.
        student: what is released.

    Raises:
        ReleaseError: naming the cell and the line that leaks.
    """
    hidden = {line: name for line, name in hidden_lines(instructor) if len(line) >= _SHORTEST}
    for index, cell in enumerate(student.cells):
        place = f"cell {grade_id(cell) or cell.get('id')!r} (number {index})"
        if cell.get("outputs"):
            raise ReleaseError(f"{place} has outputs; they may show a solution")
        for mark in _MARKS:
            if mark in cell.source:
                raise ReleaseError(f"{place} still holds the mark '{mark}'")
        for line in cell.source.splitlines():
            if _bare(line) in hidden:
                raise ReleaseError(
                    f"{place} shows a line of what is hidden in {hidden[_bare(line)]!r}: {line!r}"
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


def _bare(line: str) -> str:
    """Without indentation and comment marks: a solution in a comment is a solution."""
    return line.strip().lstrip("#").strip()
