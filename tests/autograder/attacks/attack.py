"""An attack: what is done to a solved notebook, and what must come of it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.labs import Lab
from autograder.notebook import grade_id, instructor_notebook

Notebook = dict[str, Any]
Edit = Callable[[Notebook], Any]
DESIGN = 'design = {"width": 0.4, "resolution": 144}'
"""The best one, so that the final task needs no search here."""


@dataclass(frozen=True)
class Attack:
    """One submission.

    Attributes:
        name: of it.
        cells: the text of answers, by question, in the place of the right ones.
        edit: what else is done to the notebook, in place.
        content: the file's bytes, made from the notebook's; by default JSON.
        status: of the submission.
        lost: status of the questions that get no points; all others have all of theirs.
        said: what the message of the submission, or of a lost question, contains.
        slow: it takes more than five seconds.
        everywhere: it is held without bubblewrap too.
    """

    name: str
    cells: dict[str, str] = field(default_factory=dict)
    edit: Edit = lambda _notebook: None
    content: Callable[[Notebook], bytes] | None = None
    status: str = "ok"
    lost: dict[str, str] = field(default_factory=dict)
    said: str = ""
    slow: bool = False
    everywhere: bool = False

    def write(self, lab: Lab, path: Path, words: dict[str, str]) -> None:
        """Write the notebook file.

        Args:
            lab: that it attacks.
            path: of the file.
            words: to be put into the place of ``@NAME@`` in answers.
        """
        notebook = solved(lab)
        for question, source in self.cells.items():
            for name, value in words.items():
                source = source.replace(f"@{name}@", repr(value))
            cell_of(notebook, question)["source"] = source
        self.edit(notebook)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content(notebook) if self.content else as_bytes(notebook))


def as_bytes(notebook: Notebook) -> bytes:
    return json.dumps(notebook).encode()


_SOLVED: dict[str, Notebook] = {}


def solved(lab: Lab) -> Notebook:
    """The released notebook with every answer written, as a learner hands it in."""
    if lab.name not in _SOLVED:
        notebook: Notebook = json.loads(lab.notebook.read_text())
        answers = {grade_id(cell): cell.source for cell in instructor_notebook(lab).cells}
        for name in lab.questions.tasks:
            cell_of(notebook, name)["source"] = answers[name]
        cell_of(notebook, lab.questions.final.name)["source"] = DESIGN
        _SOLVED[lab.name] = notebook
    return copy.deepcopy(_SOLVED[lab.name])


def cell_of(notebook: Notebook, name: str) -> dict[str, Any]:
    """The cell that nbgrader calls ``name``."""
    found = [cell for cell in notebook["cells"] if named(cell) == name]
    return found[0]  # type: ignore[no-any-return]


def named(cell: dict[str, Any]) -> str | None:
    name = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) else None


def code_cell(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"added-{abs(hash(source)) % 10**8}",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
