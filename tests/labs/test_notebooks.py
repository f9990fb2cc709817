"""The notebooks themselves: they run, in time and memory, and everybody can read the figures."""

import re
from typing import Any

import pytest

from autograder import files, notebook
from autograder.execute import CELL_LIMIT_S, Execution, execute
from autograder.labs import Lab, labs

LABS = list(labs().values())
LIMIT_S = 300
LIMIT_BYTES = 10**9
SET_UP_CELLS = 5
BAR = re.compile(r"\d+%\|")
"""Of a progress bar, whose text stands for it where there are no widgets."""


@pytest.fixture(params=LABS, ids=lambda lab: lab.short, scope="module")
def lab(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def solved(lab: Lab) -> Execution:
    return execute(notebook.instructor_notebook(lab))


def html_of(execution: Execution) -> list[str]:
    return [
        output.data["text/html"]
        for cell in execution.notebook.cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]


@pytest.mark.slow
def test_solved_runs_within_its_budget(solved: Execution) -> None:
    assert solved.errors == ()
    assert solved.seconds < LIMIT_S
    assert solved.slowest_cell_s < CELL_LIMIT_S
    assert solved.peak_rss_bytes < LIMIT_BYTES


@pytest.mark.slow
def test_solved_gives_full_points_in_its_own_test_cells(lab: Lab, solved: Execution) -> None:
    for cell in solved.notebook.cells:
        name = notebook.grade_id(cell) or ""
        if name.endswith(notebook.TEST_SUFFIX):
            results = [o for o in cell.outputs if o.output_type == "execute_result"]
            assert [float(o.data["text/plain"]) for o in results] == [cell.metadata.nbgrader.points]
            assert not [o for o in cell.outputs if o.get("name") == "stderr"]


@pytest.mark.slow
def test_every_figure_has_alt_text_and_says_what_to_look_at(solved: Execution) -> None:
    figures = [html for html in html_of(solved) if "<img" in html]
    assert len(figures) >= 6
    for html in figures:
        alt = re.findall(r'<img alt="([^"]*)"', html)
        assert len(alt) == 1
        assert len(alt[0]) > 60
        assert re.search(r"Look at:</strong> .{20,}", html)


@pytest.mark.slow
def test_the_widget_comes_with_a_figure_to_fall_back_on(solved: Execution) -> None:
    widgets = [
        output.data
        for cell in solved.notebook.cells
        for output in cell.get("outputs", ())
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
        and not BAR.search(output.data["text/plain"])
    ]
    assert widgets
    assert all("<img alt=" in data["text/html"] for data in widgets)


@pytest.mark.slow
def test_unsolved_runs_to_its_end(lab: Lab) -> None:
    result = execute(files.read(lab.notebook))
    assert result.errors == ()
    assert result.peak_rss_bytes < LIMIT_BYTES
    for cell in result.notebook.cells[:SET_UP_CELLS]:
        assert not [o for o in cell.get("outputs", ()) if o.get("name") == "stderr"]


def test_the_spine(lab: Lab) -> None:
    cells = files.read(lab.notebook).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in ("You will be able to", "What you need", "## Set-up", "**Predict.**"):
        assert part in text
    for part in ("**Observe.**", "**Explain.**", "## Final task", "## Written answer"):
        assert part in text
    for part in ("## Summary", "### Reading"):
        assert part in text
    assert cells[0].source.startswith("# Lab ")


def test_notebooks_draw_through_show(lab: Lab) -> None:
    """A figure that is shown in another way has no alt text."""
    for cell in files.read(lab.notebook).cells:
        if cell.cell_type == "code":
            assert "pyplot" not in cell.source
            assert "savefig" not in cell.source


def test_questions_are_asked_in_order(lab: Lab) -> None:
    names = [notebook.grade_id(cell) for cell in files.read(lab.notebook).cells]
    asked = [name for name in names if name in lab.questions.tasks]
    assert asked == list(lab.questions.tasks)
