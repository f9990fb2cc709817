"""Whose cell is whose: found by name or by function, put in order, compared with the release."""

import dataclasses
import json
from pathlib import Path

import pytest

from autograder.errors import GradingError
from autograder.judging.cells import Release, Submission, match, read_release, release_of
from autograder.judging.reading import Cell
from autograder.labs import Lab, labs

RELEASE = Release(
    (
        Cell("markdown", "# Lab"),
        Cell("code", "import math"),
        Cell("code", "def f(x):\n    raise NotImplementedError", "q1", {"solution": 1.0}),
        Cell("code", 'check("q1", f)', "q1-test", {"grade": 1.0, "locked": 1.0, "points": 3.0}),
        Cell("code", "print(f(1))"),
        Cell("code", "design = {}", "final", {"solution": 1.0}),
        Cell("code", 'check("final", design)', "final-test", {"grade": 1.0, "locked": 1.0}),
    ),
    {"q1": "f", "final": "design"},
)
INTACT = list(RELEASE.cells)


def changed(number: int, **changes: object) -> list[Cell]:
    cells = list(INTACT)
    cells[number] = dataclasses.replace(cells[number], **changes)  # type: ignore[arg-type]
    return cells


def answer(cells: list[Cell], question: str = "q1") -> str | None:
    found = match(cells, RELEASE)
    place = found.answers[question]
    return found.code[place.number] if place.number < len(found.code) else None


def test_an_intact_notebook_has_no_remarks() -> None:
    found = match(INTACT, RELEASE)
    assert (found.remarks, found.tampered, found.belongs) == ((), False, True)
    assert found.code == ("import math", INTACT[2].source, "print(f(1))", "design = {}")
    assert (found.answers["q1"].number, found.answers["q1"].end) == (1, 2)


def test_locked_cells_are_never_run() -> None:
    cells = [*changed(3, source="f = lambda x: 1"), Cell("code", "f = 2", "final-test")]
    found = match(cells, RELEASE)
    assert not any("lambda" in source or "f = 2" in source for source in found.code)
    assert found.tampered
    assert "the locked cell q1-test was changed" in found.remarks


def test_blanks_and_hidden_tests_are_no_change() -> None:
    hidden = "### BEGIN HIDDEN TESTS\nsecret()\n### END HIDDEN TESTS\n"
    source = f'{hidden}\ncheck("q1", f)   \n{hidden}'
    assert not match(changed(3, source=source), RELEASE).tampered
    assert match(changed(3, source='check("q1", f)\nx'), RELEASE).tampered


@pytest.mark.parametrize("flags", [{}, {"solution": 1.0, "points": 100.0}, {"locked": 1.0}])
def test_other_flags_are_a_change(flags: dict[str, float]) -> None:
    found = match(changed(2, flags=flags), RELEASE)
    assert found.tampered
    assert found.remarks == ("the metadata of cell q1 were changed",)


def test_the_last_of_several_counts() -> None:
    second = dataclasses.replace(INTACT[2], source="def f(x):\n    return 2")
    assert answer([*INTACT, second]) == second.source
    assert answer([second, *INTACT]) == INTACT[2].source
    assert "cell q1 is there 2 times" in match([*INTACT, second], RELEASE).remarks


def test_without_names_functions_are_found_by_their_definition() -> None:
    bare = [Cell(cell.kind, cell.source) for cell in INTACT]
    assert answer(bare) == INTACT[2].source
    assert answer(bare, "final") == "design = {}"
    assert answer([Cell("code", "def g(): pass"), Cell("code", "f = lambda x: x")]) == (
        "f = lambda x: x"
    )
    assert answer([Cell("code", "f == 3\ndef ff(): pass")]) is None


def test_a_cell_added_behind_the_answer_belongs_to_it() -> None:
    added = Cell("code", "def f(x):\n    return 3")
    cells = [*INTACT[:3], added, *INTACT[3:]]
    found = match(cells, RELEASE)
    assert found.code[found.answers["q1"].number] == INTACT[2].source
    assert found.code[found.answers["q1"].end] == "print(f(1))"
    assert added.source in found.code[: found.answers["q1"].end]


def test_cells_are_put_in_order_with_what_follows_them() -> None:
    added = Cell("code", "helper = 1")
    cells = [*INTACT[5:], *INTACT[:4], added, INTACT[4]]
    found = match(cells, RELEASE)
    assert found.code.index(INTACT[2].source) < found.code.index("design = {}")
    assert found.code.index("helper = 1") < found.code.index("design = {}")
    assert "cells are in another order; the lab's order is used" in found.remarks
    assert not found.tampered


@pytest.mark.parametrize("cells", [[], [Cell("markdown", "def f(): pass")], [Cell("code", "x")]])
def test_a_notebook_without_any_question_does_not_belong(cells: list[Cell]) -> None:
    assert not match(cells, RELEASE).belongs


@pytest.mark.parametrize("lab", [pytest.param(lab, id=lab.short) for lab in labs().values()])
def test_every_released_lab_matches_itself(lab: Lab) -> None:
    release = read_release(lab)
    found: Submission = match(release.cells, release)
    assert (found.remarks, found.tampered, found.belongs) == ((), False, True)
    tasks = lab.questions.questions
    assert {q.name: q.function_name for q in tasks}.items() <= release.variables.items()


def test_a_release_without_a_test_cell_is_the_instructors_mistake(tmp_path: Path) -> None:
    lab = next(iter(labs().values()))
    path = tmp_path / "lab.ipynb"
    with pytest.raises(GradingError, match="tinyml release"):
        release_of(lab, path)
    path.write_text(json.dumps({"nbformat": 4, "cells": []}))
    with pytest.raises(GradingError, match="q1"):
        release_of(lab, path)
