"""What a learner is told about a whole notebook."""

from pathlib import Path

import pytest

from autograder import files
from autograder.errors import GradingError
from autograder.labs import find_lab
from autograder.notebook import grade_id
from autograder.progress import progress


@pytest.mark.slow
def test_progress_of_a_notebook_that_is_half_done(tmp_path: Path) -> None:
    lab = find_lab("lab0")
    notebook = files.read(lab.notebook)
    cells = {grade_id(cell): cell for cell in notebook.cells}
    cells[
        "q6"
    ].source = "def peak_chain(sizes):\n    return max(a + b for a, b in zip(sizes, sizes[1:]))"
    cells["q1"].source = "def conv_output_size(size, kernel, stride=1, padding=0):\n    return 3"
    cells["q2"].source = "def conv_params(:"
    path = tmp_path / "mine.ipynb"
    files.write(notebook, path)
    state = progress("lab0", path)
    found = {question.name: question.status for question in state.questions}
    assert (found["q6"], found["q1"], found["q3"]) == ("right", "wrong", "unsolved")
    assert found["q2"] == "not checked"
    assert state.passed == 1
    assert "SyntaxError" in state.errors[0]


def test_a_notebook_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="no notebook"):
        progress("lab0", tmp_path / "nothing.ipynb")
    (tmp_path / "text.ipynb").write_text("text")
    with pytest.raises(GradingError, match="is no notebook"):
        progress("lab0", tmp_path / "text.ipynb")
