"""A submission as formgrader and the feedback show it: the student's text, nothing that runs.

The cells are the student's, in the student's order. Everything that nbgrader reads comes from the
release: the metadata, the test cells, and cells that were deleted. Outputs are the judge's words.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict

from autograder.grading.words import test_output
from autograder.judging.cells import match, read_release
from autograder.judging.limits import Limits
from autograder.judging.outcome import Outcome
from autograder.judging.reading import Cell, TooLargeError, UnreadableError, read_cells
from autograder.labs import Lab
from autograder.notebook import TEST_SUFFIX, grade_id, normal

MOST_CELLS = 1000
MOST_CHARACTERS = 50_000
"""Of a cell; a page of formgrader has to stay readable."""
_MISSING = "This cell ({name}) was missing from the submission."
_UNREADABLE = "**The submitted file cannot be shown:** `{reason}`. The cells below are the lab's."


@dataclass(frozen=True)
class Paper:
    """What the gradebook and the autograded folder get of one submission.

    Attributes:
        notebook: for ``autograded/``.
        unanswered: written questions that nobody needs to read.
    """

    notebook: NotebookNode
    unanswered: frozenset[str]


def make_paper(
    lab: Lab, released: NotebookNode, path: Path, limits: Limits, outcome: Outcome
) -> Paper:
    """Set a submission for its readers. Whatever is in the file, this does not raise.

    Args:
        lab: which.
        released: the lab as students got it.
        path: of the submitted file.
        limits: of its size.
        outcome: what the judge said.
    """
    ours = {str(grade_id(cell)): cell for cell in released.cells if grade_id(cell)}
    try:
        cells = _set(lab, read_cells(path, limits)[:MOST_CELLS], ours)
    except (UnreadableError, TooLargeError) as error:
        reason = " ".join(str(error).replace("`", "'").split())
        note = _cell("markdown", _UNREADABLE.format(reason=reason))
        cells = [note, *(_cell(c.cell_type, c.source, c.metadata) for c in released.cells)]
    for name in ours:
        if all(grade_id(cell) != name for cell in cells):
            cells.insert(_place(name, list(ours), cells), _restored(name, ours[name]))
    questions = {question.name + TEST_SUFFIX: question for question in outcome.questions}
    for cell in cells:
        if cell.cell_type == "code" and grade_id(cell) in questions:
            cell.outputs = [test_output(questions[str(grade_id(cell))], outcome)]
    notebook = normal(from_dict({"cells": []}))  # type: ignore[no-untyped-call]
    notebook.cells = _with_ids(cells)
    return Paper(notebook, _unanswered(cells, ours))


def _set(lab: Lab, given: Sequence[Cell], ours: dict[str, NotebookNode]) -> list[NotebookNode]:
    """The student's cells; those that the judge took as answers carry the lab's metadata."""
    found = match(given, read_release(lab))
    judged = {
        found.code[answer.number]: name
        for name, answer in found.answers.items()
        if answer.number < len(found.code)
    }
    cells: list[NotebookNode] = []
    seen: set[str] = set()
    for cell in reversed(given):  # of several with one name the last counts
        name = judged.get(cell.source) or cell.grade_id or ""
        fresh = name in ours and name not in seen
        seen.add(name)
        cells.append(_recognized(cell, ours[name]) if fresh else _own(cell))
    return cells[::-1]


def _own(cell: Cell) -> NotebookNode:
    return _cell("markdown" if cell.kind == "markdown" else "code", _shortened(cell.source))


def _recognized(cell: Cell, known: NotebookNode) -> NotebookNode:
    answer = known.metadata.nbgrader.get("solution")
    source = _shortened(cell.source) if answer else known.source
    return _cell(known.cell_type, source, known.metadata)


def _shortened(text: str) -> str:
    # Lone surrogates are valid in JSON, but in no file.
    text = text.encode("utf-8", "replace").decode("utf-8")
    left = len(text) - MOST_CHARACTERS
    return text if left <= 0 else f"{text[:MOST_CHARACTERS]}\n# ... {left:,} more characters"


def _restored(name: str, known: NotebookNode) -> NotebookNode:
    if not known.metadata.nbgrader.get("solution"):
        return _cell(known.cell_type, known.source, known.metadata)
    mark = "# " if known.cell_type == "code" else ""
    return _cell(known.cell_type, mark + _MISSING.format(name=name), known.metadata)


def _place(name: str, order: list[str], cells: list[NotebookNode]) -> int:
    """Behind the nearest cell that comes before it in the lab."""
    before = set(order[: order.index(name)])
    places = [i for i, cell in enumerate(cells) if grade_id(cell) in before]
    return places[-1] + 1 if places else 0


def _unanswered(cells: list[NotebookNode], ours: dict[str, NotebookNode]) -> frozenset[str]:
    """Written answers that are empty, missing, or still the lab's own words."""
    found = set()
    for cell in cells:
        name, flags = str(grade_id(cell)), cell.metadata.get("nbgrader", {})
        if flags.get("solution") and flags.get("grade"):
            text = cell.source.strip()
            if text in ("", ours[name].source.strip(), _MISSING.format(name=name)):
                found.add(name)
    return frozenset(found)


def _cell(kind: str, source: str, metadata: dict[str, Any] | None = None) -> NotebookNode:
    # Not nbformat's functions: they check every cell against the whole schema.
    code: dict[str, Any] = {} if kind == "markdown" else {"execution_count": None, "outputs": []}
    kind = "code" if code else "markdown"
    cell = {"cell_type": kind, "metadata": dict(metadata or {}), "source": source, **code}
    made: NotebookNode = from_dict(cell)  # type: ignore[no-untyped-call]
    return made


def _with_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Ids that depend on nothing but the place, so that the same submission gives the same file."""
    used: Counter[str] = Counter()
    for index, cell in enumerate(cells):
        name = str(grade_id(cell) or f"cell-{index}")
        used[name] += 1
        cell.id = name if used[name] == 1 else f"{name}-{used[name]}"
    return cells
