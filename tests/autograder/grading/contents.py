"""Everything in a gradebook and in ``autograded/`` that a person could tell apart."""

import sqlite3
from pathlib import Path
from typing import Any

_QUERIES = {
    "version": "select version_num from alembic_version",
    "cells": """
        select assignment.name, notebook.name, base_cell.name, base_cell.type
        from base_cell join notebook on notebook.id = base_cell.notebook_id
        join assignment on assignment.id = notebook.assignment_id""",
    "grades": """
        select submitted_assignment.student_id, submitted_assignment.timestamp, base_cell.name,
               auto_score, manual_score, extra_credit, needs_manual_grade, late_submission_penalty
        from grade join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id""",
    "comments": """
        select submitted_assignment.student_id, base_cell.name, auto_comment, manual_comment
        from comment join base_cell on base_cell.id = comment.cell_id
        join submitted_notebook on submitted_notebook.id = comment.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id""",
    "students": "select id from student",
    "submissions": "select student_id, count(*) from submitted_assignment group by student_id",
}


def gradebook(course: Path) -> dict[str, list[Any]]:
    """The gradebook's rows, without the random ids, in a fixed order."""
    connection = sqlite3.connect(course / "gradebook.db")
    try:
        return {
            name: sorted(connection.execute(query).fetchall(), key=repr)
            for name, query in _QUERIES.items()
        }
    finally:
        connection.close()


def scores(course: Path) -> dict[str, dict[str, float | None]]:
    """Student to cell to ``auto_score``."""
    found: dict[str, dict[str, float | None]] = {}
    for student, _, cell, score, *_ in gradebook(course)["grades"]:
        found.setdefault(student, {})[cell] = score
    return found


def change(course: Path, statement: str, *values: Any) -> None:
    """What a person does to the gradebook through formgrader."""
    connection = sqlite3.connect(course / "gradebook.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def autograded(course: Path) -> dict[str, bytes]:
    """The notebooks that formgrader shows."""
    folder = course / "autograded"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.ipynb"))}
