"""Grading through nbgrader, on real notebooks."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import files, notebook
from autograder.errors import GradingError
from autograder.grade import GradeRow, grade
from autograder.labs import Lab, labs
from tinyml_course.errors import UnknownNameError

LABS = list(labs().values())


def submit(course: Path, lab: Lab, student: str, content: Any) -> None:
    path = course / "submitted" / student / lab.name / f"{lab.name}.ipynb"
    path.parent.mkdir(parents=True)
    text = content if isinstance(content, str) else files.as_text(content)
    path.write_text(text)


def edited(lab: Lab, cell_id: str, source: str) -> Any:
    """The student notebook with one cell written anew."""
    result = files.read(lab.notebook)
    cell = next(cell for cell in result.cells if notebook.grade_id(cell) == cell_id)
    cell.source = source
    return result


def without_cell(lab: Lab, cell_id: str) -> Any:
    result = files.read(lab.notebook)
    result.cells = [cell for cell in result.cells if notebook.grade_id(cell) != cell_id]
    return result


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.short)
def test_solved_has_all_points_and_unsolved_none(lab: Lab, tmp_path: Path) -> None:
    submit(tmp_path, lab, "solved", notebook.instructor_notebook(lab))
    submit(tmp_path, lab, "unsolved", files.read(lab.notebook))
    solved, unsolved = grade(lab.short, course_dir=tmp_path, progress=False)
    assert (solved.student, solved.status) == ("solved", "needs manual grading")
    assert solved.questions.pop("written") is None
    points = {name: task.points for name, task in lab.questions.tasks.items()}
    assert solved.questions == points
    assert (solved.score, solved.max_score) == (90, 100)
    assert (unsolved.student, unsolved.status) == ("unsolved", "graded")
    assert unsolved.score == 0
    assert set(unsolved.questions.values()) == {0.0}


@pytest.mark.slow
def test_one_broken_submission_does_not_stop_the_rest(tmp_path: Path) -> None:
    lab = LABS[0]
    wrong = "def conv_output_size(size, kernel, stride=1, padding=0):\n    return size // stride"
    noisy = (
        "import logging, sys, warnings\n"
        "check = None\n"
        "def peak_chain(sizes):\n"
        "    print('...'); print('...', file=sys.stderr)\n"
        "    warnings.warn('slow'); logging.warning('hm')\n"
        "    return max(a + b for a, b in zip(sizes, sizes[1:]))"
    )
    twice = files.read(lab.notebook)
    twice.cells.append(twice.cells[-1].copy())
    twice.cells.insert(8, next(c for c in twice.cells if notebook.grade_id(c) == "q1").copy())
    submit(tmp_path, lab, "a-not-json", "{nothing")
    submit(tmp_path, lab, "b-no-notebook", json.dumps({"cells": 5, "nbformat": 4}))
    submit(tmp_path, lab, "c-wrong", edited(lab, "q1", wrong))
    submit(tmp_path, lab, "d-noisy", edited(lab, "q6", noisy))
    submit(tmp_path, lab, "e-deleted", without_cell(lab, "q1-test"))
    submit(tmp_path, lab, "f-syntax", edited(lab, "q1", "def conv_output_size(size:"))
    submit(tmp_path, lab, "g-twice", twice)
    (tmp_path / "submitted" / "h-missing" / lab.name).mkdir(parents=True)
    rows = {row.student[0]: row for row in grade(lab.name, course_dir=tmp_path, progress=False)}
    assert list(rows) == list("abcdefgh")
    assert {rows[key].status for key in "ab"} == {"failed"}
    assert "JSON" in rows["a"].message
    assert rows["h"].status == "missing"
    assert all(rows[key].message for key in "abh")
    assert rows["c"].score == 0
    assert (rows["d"].questions["q6"], rows["d"].score) == (8, 8)
    for key in "efg":
        assert isinstance(rows[key], GradeRow)
        assert rows[key].score == 0
        assert rows[key].max_score == 100


def test_what_cannot_be_graded_at_all_raises(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="lab0"):
        grade("lab77", course_dir=tmp_path)
    with pytest.raises(GradingError, match="submitted"):
        grade("lab0", course_dir=tmp_path, progress=False)
    with pytest.raises(GradingError, match="no name"):
        grade("lab0", ["../../elsewhere"], course_dir=tmp_path)
    assert nbformat.validate(files.read(LABS[0].notebook)) is None
