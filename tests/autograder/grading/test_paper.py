"""A submission as it is shown: the student's words, the lab's metadata, the judge's verdict."""

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from fakes import FakeJudge, submission, submit, write_answer

from autograder import files, notebook
from autograder.grading.paper import MOST_CHARACTERS, Paper, make_paper
from autograder.grading.words import comment_of, visible
from autograder.judging.limits import Limits
from autograder.judging.outcome import Group, Outcome, QuestionOutcome
from autograder.labs import Lab
from autograder.notebook import grade_id


@pytest.fixture
def paper(lab: Lab, tmp_path: Path) -> Any:
    released = notebook.normal(files.read(lab.notebook))

    def make(content: Any) -> Paper:
        path = submit(tmp_path, lab, "ada", content)
        judge = FakeJudge(tmp_path / "judged.txt")
        outcome = judge(lab, path, seed=1, limits=None, sandbox=None)
        made = make_paper(lab, released, path, Limits(), outcome)
        nbformat.validate(made.notebook)
        return made

    return make


def cells(made: Paper) -> dict[str, Any]:
    return {str(grade_id(cell)): cell for cell in made.notebook.cells if grade_id(cell)}


def names(lab: Lab) -> list[str]:
    return [str(grade_id(c)) for c in files.read(lab.notebook).cells if grade_id(c)]


def test_every_graded_cell_is_there_once_with_the_labs_metadata(lab: Lab, paper: Any) -> None:
    made = paper(submission(lab, "q1"))
    original = {str(grade_id(c)): c for c in files.read(lab.notebook).cells if grade_id(c)}
    assert [str(grade_id(c)) for c in made.notebook.cells if grade_id(c)] == names(lab)
    for name, cell in cells(made).items():
        assert cell.metadata == original[name].metadata
        assert cell.cell_type == original[name].cell_type
    ids = [cell.id for cell in made.notebook.cells]
    assert len(set(ids)) == len(ids)


def test_the_verdict_stands_below_the_test_cell(lab: Lab, paper: Any) -> None:
    made = cells(paper(submission(lab, "q1")))
    points = lab.questions.tasks["q1"].points
    assert f"{points:g} of {points:g} points" in made["q1-test"].outputs[0].text
    assert (
        f"q2: 0 of {lab.questions.tasks['q2'].points:g} points" in made["q2-test"].outputs[0].text
    )


def test_outputs_attachments_and_metadata_of_students_do_not_come_along(
    lab: Lab, paper: Any
) -> None:
    evil = files.read(lab.notebook)
    html = nbformat.v4.new_output("display_data", data={"text/html": "<script>alert(1)</script>"})
    for cell in evil.cells:
        cell.metadata["evil"] = '"><script>alert(1)</script>'
        if cell.cell_type == "code":
            cell.outputs = [html]
        else:
            cell["attachments"] = {"x.png": {"image/png": '"><script>alert(1)</script>'}}
    evil.metadata["title"] = "<script>alert(1)</script>"
    evil.metadata["kernelspec"]["name"] = "evil"
    text = files.as_text(paper(evil).notebook)
    assert "<script>" not in text
    assert "evil" not in text


def test_locked_cells_are_the_labs(lab: Lab, paper: Any) -> None:
    changed = write_answer(files.read(lab.notebook), "q1-test", "print('all points, please')")
    assert "check(" in cells(paper(changed))["q1-test"].source
    assert "please" not in files.as_text(paper(changed).notebook)


def test_deleted_cells_come_back_in_their_place(lab: Lab, paper: Any) -> None:
    whole = files.read(lab.notebook)
    for gone in ("q2", "q2-test", "written"):
        less = copy.deepcopy(whole)
        less.cells = [cell for cell in less.cells if grade_id(cell) != gone]
        made = paper(less)
        assert [str(grade_id(c)) for c in made.notebook.cells if grade_id(c)] == names(lab)
        if not gone.endswith("-test"):
            assert "was missing" in cells(made)[gone].source
    assert "written" in made.unanswered


def test_of_several_with_a_name_the_last_is_the_answer_and_all_are_shown(
    lab: Lab, paper: Any
) -> None:
    twice = write_answer(files.read(lab.notebook), "q1", "def conv_output_size(): return 1")
    place = next(i for i, cell in enumerate(twice.cells) if grade_id(cell) == "q1")
    again = copy.deepcopy(twice.cells[place])
    again.source, again.id = "def conv_output_size(): return 2", "again"
    twice.cells.insert(place + 1, again)
    made = paper(twice)
    assert cells(made)["q1"].source.endswith("return 2")
    assert [str(grade_id(c)) for c in made.notebook.cells if grade_id(c)] == names(lab)
    assert "return 1" in files.as_text(made.notebook)


def test_an_answer_that_lost_its_name_is_found_as_the_judge_finds_it(lab: Lab, paper: Any) -> None:
    source = "def conv_output_size(*a):\n    return 77"
    lost = write_answer(files.read(lab.notebook), "q1", source)
    next(cell for cell in lost.cells if cell.source == source).metadata = {}
    made = paper(lost)
    assert cells(made)["q1"].source == source
    assert files.as_text(made.notebook).count("return 77") == 1


def test_written_answers(lab: Lab, paper: Any) -> None:
    for text, unanswered in (("", True), (" \n ", True), ("Maps.", False)):
        made = paper(write_answer(files.read(lab.notebook), "written", text))
        assert ("written" in made.unanswered) == unanswered
    assert paper(files.read(lab.notebook)).unanswered == {"written"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{nothing",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({"cells": 5, "nbformat": 4}),
        json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}),
        json.dumps({"cells": [{}], "nbformat": 4}),
        json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}], "nbformat": 4}),
        json.dumps({"cells": [{"cell_type": "raw", "source": ["a", "b"]}], "nbformat": 4}),
        json.dumps({"cells": [{"cell_type": "code", "source": "\ud800"}], "nbformat": 4}),
        json.dumps({"worksheets": [], "nbformat": 3}),
    ],
)
def test_whatever_is_in_the_file_there_is_a_page_for_it(
    lab: Lab, paper: Any, content: str, tmp_path: Path
) -> None:
    made = paper(content)
    assert [str(grade_id(c)) for c in made.notebook.cells if grade_id(c)] == names(lab)
    files.write(made.notebook, tmp_path / "shown.ipynb")


def test_huge_cells_are_shortened(lab: Lab, paper: Any) -> None:
    made = paper(write_answer(files.read(lab.notebook), "q1", "x" * 1_000_000))
    assert len(cells(made)["q1"].source) < MOST_CHARACTERS + 100
    assert "950,000 more" in cells(made)["q1"].source


def test_comments_are_fenced_and_tell_what_failed() -> None:
    failed = Group("edges", 2, 5, "got `1`, expected 2 ```` <script>")
    question = QuestionOutcome(
        "q1", 3.0, 6.0, "partly right", "hint", (Group("plain", 5, 5), failed)
    )
    text = comment_of(
        question, Outcome("tampered", (question,), "a locked cell was changed\x1b[0m")
    )
    assert text is not None
    fence = text.splitlines()[0]
    assert set(fence) == {"`"}
    assert len(fence) == 5, "longer than any in the text"
    for words in (
        "3 of 6 points",
        "1 of 2 groups",
        "edges: got",
        "expected 2",
        "hint",
        "tampered",
    ):
        assert words in text
    assert "plain" not in text
    assert "\x1b" not in text
    right = QuestionOutcome("q1", 6.0, 6.0, "right", "", ())
    assert comment_of(right, Outcome("ok", (right,))) is None


def test_visible() -> None:
    assert visible(" a\nb\x1b[31m\u202ec\t ") == "a b [31m c"
