"""What pages show: nothing that runs, no hidden test, the rubric for the grader only."""

import copy
from typing import Any

import nbformat
import pytest
from browser import watch

from autograder.grading.pages import HideTests, SafeOutputs, ShowRubric, safe_markdown
from autograder.labs import Lab
from autograder.notebook import grade_id, instructor_notebook

HOSTILE = [
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    '[x](http://a/"onmouseover="alert(1))',
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](http://elsewhere/pixel.png)",
    '![x](x"onerror="alert(1))',
    '![<script>alert(1)</script>](y "t")',
    "![x](attachment:not-there.png)",
    "```mermaid\n</pre><script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "`<script>alert(1)</script>`",
    "$<script>alert(1)</script>$",
    "$$<script>alert(1)</script>$$",
    "\\begin{equation}<script>alert(1)</script>\\end{equation}",
    "\\(<script>alert(1)</script>\\)",
    "# <script>alert(1)</script>",
    "| a |\n| - |\n| <script>alert(1)</script> |",
    "* <style>body{display:none}</style>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<div\n>\n<script>alert(1)</script>\n</div>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_in_markdown_runs_or_loads(source: str) -> None:
    assert watch(safe_markdown(source)).found == []
    assert watch(safe_markdown(f"A line.\n\n{source}\n\nAnother line.")).found == []


def test_markdown_is_still_markdown() -> None:
    page = safe_markdown(
        "## A\n\n**bold** and `a < b` and $x < y$\n\n| a | b |\n| - | - |\n| 1 | 2 |"
    )
    for part in ("<h2", "<strong>bold</strong>", "<code>a &lt; b</code>", "<table>", "$x &lt; y$"):
        assert part in page
    assert "https://example.org" in safe_markdown("[x](https://example.org)")


def code(source: str, outputs: list[Any], **flags: Any) -> Any:
    cell = nbformat.v4.new_code_cell(source, outputs=outputs)
    cell.metadata["nbgrader"] = flags
    return cell


def display(**data: str) -> Any:
    return nbformat.v4.new_output(
        "display_data", data={key.replace("_", "/"): value for key, value in data.items()}
    )


def test_outputs_are_text_or_images_that_are_images() -> None:
    cell = code(
        "x",
        [
            display(text_html="<script>alert(1)</script>", text_plain="<Figure>"),
            display(image_png="aGVsbG8=\n", text_plain="a figure"),
            display(image_png='"><script>alert(1)</script>', image_jpeg="aGVsbG8="),
            display(application_javascript="alert(1)"),
            display(**{"image/svg+xml": "<svg onload=alert(1)>", "text/markdown": "[x](x)"}),
            nbformat.v4.new_output("stream", text="said"),
        ],
    )
    cell["attachments"] = {"a.png": {"image/png": "x"}}
    clean, _ = SafeOutputs().preprocess_cell(cell, {}, 0)
    assert [dict(output.get("data", {})) for output in clean.outputs] == [
        {"text/plain": "<Figure>"},
        {"image/png": "aGVsbG8=\n", "text/plain": "a figure"},
        {"image/jpeg": "aGVsbG8="},
        {},
    ]
    assert clean.outputs[-1].text == "said"
    assert "attachments" not in clean


def test_hidden_tests_are_cut_out_also_of_tracebacks() -> None:
    assert HideTests().enabled, "nbgrader registers steps as they are"
    error = nbformat.v4.new_output(
        "error", ename="KeyError", evalue="'x'", traceback=["---> 3 judge('q1', f)", "secret"]
    )
    source = "### BEGIN HIDDEN TESTS\nsecret = 1\n### END HIDDEN TESTS\ncheck('q1', f)\n"
    source += "  ### BEGIN HIDDEN TESTS\n  judge('q1', f)\n  ### END HIDDEN TESTS"
    cell = code(source, [error], grade=True, locked=True)
    clean, _ = HideTests().preprocess_cell(cell, {}, 0)
    assert clean.source == "check('q1', f)"
    assert clean.outputs[0].traceback == ["KeyError: 'x'"]


def test_a_region_that_does_not_end_is_cut_to_the_end() -> None:
    cell = code("check()\n### BEGIN HIDDEN TESTS\nsecret = 1", [], grade=True)
    assert HideTests().preprocess_cell(cell, {}, 0)[0].source == "check()"


def test_what_a_student_wrote_is_not_cut() -> None:
    source = "### BEGIN HIDDEN TESTS\nmine = 1"
    for flags in ({"solution": True}, {"solution": True, "grade": True}, {}):
        cell = code(source, [], **flags)
        assert HideTests().preprocess_cell(cell, {}, 0)[0].source == source


def test_the_rubric_stands_below_the_answer_in_formgrader_only(lab: Lab) -> None:
    answer = nbformat.v4.new_markdown_cell("My answer.")
    answer.metadata["nbgrader"] = {"grade_id": "written", "solution": True, "grade": True}
    notebook = nbformat.v4.new_notebook(cells=[answer])
    solution = next(c for c in instructor_notebook(lab).cells if grade_id(c) == "written").source
    rubric = [line for line in solution.splitlines() if line and "###" not in line]
    of_formgrader = {"assignment_id": lab.name, "submission_id": "a1b2"}
    shown, _ = ShowRubric().preprocess(copy.deepcopy(notebook), of_formgrader)
    assert shown.cells[0].source == "My answer."
    assert len(shown.cells) == 2
    for line in rubric:
        assert line in shown.cells[1].source
    assert "### BEGIN" not in shown.cells[1].source
    of_feedback = {"nbgrader": {"assignment": lab.name}}
    unknown = {"assignment_id": "lab77_x", "submission_id": "a1b2"}
    for resources in (of_feedback, {}, {"assignment_id": lab.name}, unknown):
        same, _ = ShowRubric().preprocess(copy.deepcopy(notebook), resources)
        assert same == notebook
