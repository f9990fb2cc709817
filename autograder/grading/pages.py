"""What formgrader and the feedback page may show of a submission, and what not.

Three rules, applied when a page is made, so that they hold for any notebook, whoever graded it:

- a student's HTML and JavaScript reach nobody's browser: Markdown is rendered with its HTML shown
  as text, outputs are reduced to text and checked images;
- the feedback page shows no hidden test, neither its source nor in a traceback;
- rubric and sample answer are shown to the grader, in formgrader, and are in no student's page.
"""

import re
from html import escape
from typing import Any

import nbformat
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.labs import labs
from autograder.notebook import grade_id, instructor_notebook

_IMAGES = ("image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_HIDDEN = re.compile(
    r"[^\n]*### BEGIN HIDDEN TESTS.*?(?:### END HIDDEN TESTS[^\n]*\n?|\Z)", re.DOTALL
)
_MARKED = re.compile(r"### (?:BEGIN|END) SOLUTION")


class _SafeRenderer(IPythonRenderer):
    """nbconvert's renderer without the ways in which text becomes part of the page."""

    def __init__(self) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre><code>{escape(code)}</code></pre>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Named, not loaded: loading it would tell another server who reads this page, and when."""
        return escape(f"(image: {text or title or url})")


def safe_markdown(source: str) -> str:
    """Markdown as HTML; HTML in it is shown as text, and nothing is loaded from elsewhere.

    Args:
        source: Markdown with TeX formulas.
    """
    return str(MarkdownWithMath(renderer=_SafeRenderer()).render(source))


class SafeOutputs(Preprocessor):
    """Outputs reduced to text and to images that are nothing but images."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], _index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one cell."""
        if cell.cell_type == "code":
            cell.outputs = [output for each in cell.outputs for output in _clean(each)]
        cell.pop("attachments", None)
        return cell, resources


def _clean(output: NotebookNode) -> list[NotebookNode]:
    if output.output_type in ("stream", "error"):
        return [output]
    data = output.get("data", {})
    kept = {
        kind: data[kind]
        for kind in (*_IMAGES, "text/plain")
        if isinstance(data.get(kind), str)
        and (kind == "text/plain" or _BASE64.fullmatch(data[kind]))
    }
    return [nbformat.v4.new_output("display_data", data=kept)] if kept else []  # type: ignore[no-untyped-call]


class HideTests(NbGraderPreprocessor):  # type: ignore[misc]  # enabled by itself, unlike nbconvert's
    """No hidden test in a page for students, and no line of one in a traceback."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], _index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one cell; only test cells, which students do not write, hold hidden tests."""
        flags = cell.metadata.get("nbgrader", {})
        if flags.get("grade") and not flags.get("solution"):
            cell.source = _HIDDEN.sub("", cell.source).strip("\n")
            for output in cell.get("outputs", ()):
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


class ShowRubric(Preprocessor):
    """Rubric and sample answer below a written answer, in formgrader only.

    They are put into the page, not into the notebook: what students are sent cannot hold them.
    """

    def preprocess(
        self, notebook: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Add the cells. Only formgrader names a submission in its resources."""
        lab = labs().get(str(resources.get("assignment_id")))
        if "submission_id" not in resources or lab is None:
            return notebook, resources
        answers = {
            grade_id(cell): _MARKED.sub("", cell.source).strip()
            for cell in instructor_notebook(lab).cells
            if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution")
        }
        cells = []
        for cell in notebook.cells:
            cells.append(cell)
            if grade_id(cell) in answers:
                text = f"---\n**For the grader only**\n\n{answers[grade_id(cell)]}\n\n---"
                cells.append(nbformat.v4.new_markdown_cell(text))  # type: ignore[no-untyped-call]
        notebook.cells = cells
        return notebook, resources
