"""From a lab's source to the instructor's notebook: nbgrader metadata filled in and checked."""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode, from_dict

from autograder.errors import ReleaseError
from autograder.labs import Lab

SCHEMA_VERSION = 3
TEST_SUFFIX = "-test"
POINTS_IN_ALL = 100
_KEYS = ("grade_id", "grade", "solution", "locked", "task", "points", "schema_version")


def instructor_notebook(lab: Lab) -> NotebookNode:
    """The notebook with solutions and hidden tests, from the lab's source.

    The source names what is particular about a cell (``grade_id``, ``solution``, ``grade``,
    ``points``); what nbgrader wants besides is filled in here.

    Raises:
        ReleaseError: metadata that would make nbgrader fail or give wrong points.
    """
    notebook = jupytext.reads(lab.source.read_text(), fmt="py:percent")
    for cell in notebook.cells:
        given = cell.metadata.get("nbgrader")
        meta = {"nbgrader": _complete(given)} if given else {}
        cell.metadata = from_dict(meta)  # type: ignore[no-untyped-call]
    _check(lab, notebook)
    return normal(notebook)


def normal(notebook: NotebookNode) -> NotebookNode:
    """The same notebook in the one form that is compared and kept: stable ids, no outputs."""
    result: NotebookNode = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        metadata={
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
    )
    result.nbformat_minor = 5
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
        build: Callable[..., NotebookNode] = make[cell.cell_type]
        fresh = build(cell.source.strip("\n"), metadata=cell.metadata)
        fresh.id = _cell_id(fresh, seen)
        result.cells.append(fresh)
    nbformat.validate(result)
    return result


def graded_points(lab: Lab) -> dict[str, float]:
    """The graded cells of a lab and their points.

    Raises:
        ReleaseError: as for `instructor_notebook`.
    """
    cells = instructor_notebook(lab).cells
    flags = {grade_id(cell): cell.metadata.get("nbgrader", {}) for cell in cells}
    return {str(name): float(f["points"]) for name, f in flags.items() if f.get("grade")}


def grade_id(cell: NotebookNode) -> str | None:
    """Nbgrader's name of a cell, where it has one."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    return str(name) if name is not None else None


def _complete(given: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(_KEYS)
    if unknown or "grade_id" not in given:
        raise ReleaseError(
            f"nbgrader metadata {given}: grade_id is needed, {sorted(unknown)} is not known"
        )
    filled = {"grade": False, "solution": False, "locked": False, "task": False} | given
    return filled | {"schema_version": SCHEMA_VERSION}


def _check(lab: Lab, notebook: NotebookNode) -> None:
    cells = [cell for cell in notebook.cells if grade_id(cell) is not None]
    twice = [name for name, n in Counter(map(grade_id, cells)).items() if n > 1]
    if twice:
        raise ReleaseError(
            f"{lab.name}: several cells have the grade_id {', '.join(map(str, twice))}"
        )
    points = {
        str(grade_id(cell)): cell.metadata.nbgrader.get("points", 0)
        for cell in cells
        if cell.metadata.nbgrader.grade
    }
    if sum(points.values()) != POINTS_IN_ALL:
        raise ReleaseError(
            f"{lab.name}: the graded cells have {sum(points.values()):g} points, "
            f"not {POINTS_IN_ALL}"
        )
    names = {grade_id(cell) for cell in cells}
    for name, task in lab.questions.tasks.items():
        test = f"{name}{TEST_SUFFIX}"
        if name not in names or test not in points:
            raise ReleaseError(f"{lab.name}: {name} needs a solution cell and a test cell {test!r}")
        if points[test] != task.points:
            raise ReleaseError(
                f"{lab.name}: cell {test!r} has {points[test]:g} points, "
                f"question {name} has {task.points:g}"
            )
    for cell in cells:
        _check_regions(lab, cell)


def _check_regions(lab: Lab, cell: NotebookNode) -> None:
    """A solution cell without a marked solution would lose all its text, the contract too."""
    name, flags = grade_id(cell), cell.metadata.nbgrader
    needed = [("SOLUTION", flags.solution), ("HIDDEN TESTS", flags.grade and not flags.solution)]
    for region, wanted in needed:
        begins = cell.source.count(f"### BEGIN {region}")
        ends = cell.source.count(f"### END {region}")
        if begins != ends or bool(begins) != bool(wanted):
            raise ReleaseError(
                f"{lab.name}: cell {name!r} has {begins} '### BEGIN {region}' and {ends} "
                f"'### END {region}', {'one or more pairs' if wanted else 'none'} expected"
            )


def _cell_id(cell: NotebookNode, seen: Counter[str]) -> str:
    """An id that depends on the cell's text only, so that other cells may come and go."""
    name = grade_id(cell)
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
    base = name or f"{cell.cell_type}-{digest}"
    seen[base] += 1
    return base if seen[base] == 1 else f"{base}-{seen[base]}"
