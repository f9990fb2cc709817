"""`tinyml check`: a learner gets the judgement that an instructor gets, and a hint."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from autograder import files
from autograder.errors import GradingError
from autograder.judge import DEFAULT_SEED, examine
from autograder.judging.outcome import Group
from autograder.labs import Lab, labs
from autograder.notebook import grade_id
from autograder.self_check import PRACTICE_SEED, likely_mistake, self_check
from tinyml_course.course.answering import LocalAnswerer

LABS = list(labs().values())
pytest.importorskip("fcntl", reason="the sandbox needs Linux")


def with_answers(lab: Lab, answers: dict[str, str]) -> Any:
    notebook = files.read(lab.notebook)
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            cell.source = answers[str(grade_id(cell))]
    return notebook


def test_practice_is_not_with_the_inputs_that_count() -> None:
    assert PRACTICE_SEED != DEFAULT_SEED


@pytest.mark.slow
def test_a_notebook_that_is_half_done(tmp_path: Path) -> None:
    lab = LABS[0]
    peak = "def peak_chain(sizes):\n    return max(a + b for a, b in zip(sizes, sizes[1:]))"
    without_groups = (
        "def conv_params(c_in, c_out, kernel, groups=1, bias=True):\n"
        "    return c_out * c_in * kernel[0] * kernel[1] + (c_out if bias else 0)"
    )
    answers = {"q1": "def conv_output_size(:", "q2": without_groups, "q6": peak}
    path = tmp_path / "mine.ipynb"
    files.write(with_answers(lab, answers), path)
    before = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = self_check(lab.short, path)
    by_name = {finding.outcome.name: finding for finding in found.findings}
    assert list(by_name) == list(lab.questions.tasks)
    states = {name: finding.outcome.status for name, finding in by_name.items()}
    assert (states["q2"], states["q3"], states["q6"]) == ("partly right", "unsolved", "right")
    assert states["q1"] not in ("right", "unsolved")
    assert by_name["q6"].outcome.points == lab.questions.tasks["q6"].points
    assert "groups" in by_name["q2"].hint
    assert not by_name["q6"].hint
    assert not by_name["q3"].hint
    assert found.written_points == 10
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.short)
def test_a_hint_names_the_mistake_that_was_made_or_nothing(lab: Lab) -> None:
    """Every planted mistake: what is named is right; and enough are named to be of use."""
    named = 0
    mistakes = [(q, m) for q in lab.questions.questions for m in q.mistakes]
    for question, mistake in mistakes:
        judged = examine(lab, question, LocalAnswerer(mistake.wrong), PRACTICE_SEED)
        groups = tuple(Group(g.name, g.right, g.cases) for g in judged.groups)
        hint = likely_mistake(lab, question, groups, PRACTICE_SEED)
        assert hint == "" or mistake.message in hint
        named += bool(hint)
    assert named >= len(mistakes) / 3


def test_what_is_no_notebook(tmp_path: Path) -> None:
    lab = LABS[0].short
    with pytest.raises(GradingError, match="there is no notebook"):
        self_check(lab, tmp_path / "nothing.ipynb")
    (tmp_path / "text.ipynb").write_text("text")
    with pytest.raises(GradingError, match="cannot be judged"):
        self_check(lab, tmp_path / "text.ipynb")


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("autograder.screen", {"jupytext", "nbgrader", "sklearn", "nbclient", "torch"}),
        ("autograder.self_check", {"nbgrader", "sklearn", "nbclient", "torch"}),
        ("autograder.progress", {"jupytext", "nbgrader"}),
    ],
)
def test_learners_need_nothing_of_an_instructors(module: str, foreign: set[str]) -> None:
    probe = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert not foreign & set(found.stdout.split())
