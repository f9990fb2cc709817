"""Notebooks as files: one text for one notebook, and never half of it."""

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tinyml_course.whole_file import write_whole


def read(path: Path) -> NotebookNode:
    """A notebook from a file."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """The notebook as it is written to a file; equal notebooks give equal text."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook so that a reader finds the old one or the new one, never half of it."""
    write_whole(path, as_text(notebook).encode())
