"""What the judge said, in words for a student: below the test cell, and as a comment."""

from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from autograder.judging.outcome import Outcome, QuestionOutcome

MOST_CHARACTERS = 2000


def comment_of(question: "QuestionOutcome", outcome: "Outcome") -> str | None:
    """The comment on an answer; ``None`` where all points were given.

    It is Markdown for nbgrader, and holds text that came from a student's program, so it is fenced
    as code.
    """
    if question.points == question.max_points:
        return None
    text = _lines(question, outcome)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def test_output(question: "QuestionOutcome", outcome: "Outcome") -> NotebookNode:
    """The output of a test cell."""
    text = _lines(question, outcome)
    output: NotebookNode = nbformat.v4.new_output("stream", name="stdout", text=text)  # type: ignore[no-untyped-call]
    return output


def _lines(question: "QuestionOutcome", outcome: "Outcome") -> str:
    lines = [f"{question.name}: {question.points:g} of {question.max_points:g} points"]
    if question.groups:
        right = sum(group.passed for group in question.groups)
        lines.append(f"{right} of {len(question.groups)} groups of hidden inputs are right")
    for group in question.groups:
        if not group.passed:
            told = visible(group.message) or f"{group.right} of {group.cases} right"
            lines.append(f"- {group.name}: {told}")
    lines += [visible(line) for line in question.message.splitlines() if line.strip()]
    if outcome.status != "ok":
        lines.append(f"The submission as a whole: {outcome.status}. {visible(outcome.message)}")
    return "\n".join(lines)[:MOST_CHARACTERS]


def visible(text: str) -> str:
    """One line without control characters, which could rewrite what a terminal or page shows."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
