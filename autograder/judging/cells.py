"""A submission's cells beside those of the release: which is which, and what was changed.

Locked cells are the release's, whatever the submission holds in their place. An answer's cell is
found by nbgrader's name of it; where that is lost, by the function that it defines. Of several with
one name the last counts, as in a run from top to bottom. Cells are put into the order of the
release; a cell that the learner has added stays behind the one it follows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import GradingError
from autograder.judging.limits import Limits
from autograder.judging.reading import Cell, TooLargeError, UnreadableError, read_cells
from autograder.labs import Lab
from autograder.notebook import TEST_SUFFIX

_HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS(?:\n|$)", re.DOTALL)
_RELEASE = Limits(notebook_bytes=64 << 20)


@dataclass(frozen=True)
class Release:
    """The notebook that learners got.

    Attributes:
        cells: in order.
        variables: the name that a question's test cell hands to ``check``, by question.
    """

    cells: tuple[Cell, ...]
    variables: dict[str, str]

    @property
    def locked(self) -> dict[str, Cell]:
        """Cells that learners must not change, by name."""
        return {c.grade_id: c for c in self.cells if c.grade_id and "locked" in c.flags}

    @property
    def named(self) -> dict[str, Cell]:
        """All cells that nbgrader has a name for."""
        return {cell.grade_id: cell for cell in self.cells if cell.grade_id}

    @property
    def open_code(self) -> list[str]:
        """Code that asks for nothing: set-up, experiments, figures."""
        return [c.source for c in self.cells if c.kind == "code" and c.grade_id is None]


@dataclass(frozen=True)
class Answer:
    """Where a question is answered.

    Attributes:
        name: what to ask for: the function, or the design.
        number: of the answer's cell among `Submission.code`; behind the last one if it has none.
        end: number of the last cell before the next one of the release.
    """

    name: str
    number: int
    end: int


@dataclass(frozen=True)
class Submission:
    """What is used of a submitted notebook.

    Attributes:
        code: the text of the code cells that may be run, in order.
        answers: by question.
        remarks: what is unusual about the notebook, in words.
        tampered: whether something that learners must not change was changed.
        belongs: whether it holds any question of the lab.
    """

    code: tuple[str, ...]
    answers: dict[str, Answer]
    remarks: tuple[str, ...] = field(default=())
    tampered: bool = False
    belongs: bool = True


def read_release(lab: Lab) -> Release:
    """The released notebook of a lab.

    Raises:
        GradingError: there is none, or it has no test cell for a question.
    """
    return release_of(lab, lab.notebook)


def release_of(lab: Lab, path: Path) -> Release:
    """A released notebook from a file.

    Raises:
        GradingError: as for `read_release`.
    """
    try:
        cells = read_cells(path, _RELEASE)
    except (UnreadableError, TooLargeError) as error:
        raise GradingError(f"{path}: {error}; run `tinyml release {lab.short}`") from error
    named = {cell.grade_id: cell.source for cell in cells}
    variables = {}
    for name in lab.questions.tasks:
        found = re.search(
            rf"check\(\s*[\"']{name}[\"']\s*,\s*(\w+)\s*\)", named.get(name + TEST_SUFFIX, "")
        )
        if found is None:
            raise GradingError(f"{path}: no test cell calls check({name!r}, ...)")
        variables[name] = found[1]
    return Release(cells, variables)


def match(cells: Sequence[Cell], release: Release) -> Submission:
    """Find the answers among a submission's cells."""
    remarks, tampered = _compare(cells, release)
    ordered, moved = _in_order(cells, release)
    if moved:
        remarks.append("cells are in another order; the lab's order is used")
    run = [cell for cell in ordered if cell.kind == "code" and not _is_locked(cell, release)]
    answers = {q: _answer(q, name, run, release) for q, name in release.variables.items()}
    belongs = any(
        _defines(name).search(cell.source) for name in release.variables.values() for cell in run
    )
    return Submission(
        tuple(cell.source for cell in run), answers, tuple(remarks), tampered, belongs
    )


def _answer(question: str, name: str, run: Sequence[Cell], release: Release) -> Answer:
    by_name = [i for i, cell in enumerate(run) if cell.grade_id == question]
    lost = [i for i, cell in enumerate(run) if _defines(name).search(cell.source)]
    of_others = [i for i in lost if run[i].grade_id in set(release.named) - {question}]
    found = by_name if any(i in lost for i in by_name) else [i for i in lost if i not in of_others]
    found = found or by_name
    if not found:
        return Answer(name, len(run), len(run))
    number = end = found[-1]
    while end + 1 < len(run) and run[end + 1].grade_id not in release.named:
        end += 1
    return Answer(name, number, end)


def _defines(name: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:def\s+{name}\b|{name}\s*(?::[^=]+)?=[^=])", re.MULTILINE)


def _is_locked(cell: Cell, release: Release) -> bool:
    return cell.grade_id is not None and cell.grade_id in release.locked


def _compare(cells: Sequence[Cell], release: Release) -> tuple[list[str], bool]:
    remarks, changed = [], []
    for name, original in release.named.items():
        found = [cell for cell in cells if cell.grade_id == name]
        if not found:
            remarks.append(f"cell {name} is missing")
        if len(found) > 1:
            remarks.append(f"cell {name} is there {len(found)} times")
        for cell in found:
            if cell.kind != original.kind:
                changed.append(f"the type of cell {name} was changed")
            elif cell.flags != original.flags:
                changed.append(f"the metadata of cell {name} were changed")
            elif "locked" in original.flags and _text(cell) != _text(original):
                changed.append(f"the locked cell {name} was changed")
    return [*remarks, *dict.fromkeys(changed)], bool(changed)


def _text(cell: Cell) -> str:
    """A cell's text as learners get it: the instructor's own notebook holds hidden tests too."""
    shown = _HIDDEN.sub("", cell.source)
    return "\n".join(line.rstrip() for line in shown.strip().splitlines())


def _in_order(cells: Sequence[Cell], release: Release) -> tuple[list[Cell], bool]:
    """The cells in the release's order, and whether that is another one."""
    places = {name: place for place, name in enumerate(release.named)}
    groups: list[tuple[int, list[Cell]]] = [(-1, [])]
    for cell in cells:
        if cell.grade_id in places:
            groups.append((places[cell.grade_id], [cell]))
        else:
            groups[-1][1].append(cell)
    keys = [place for place, _ in groups]
    ordered = sorted(groups, key=lambda group: group[0])
    return [cell for _, group in ordered for cell in group], keys != sorted(keys)
