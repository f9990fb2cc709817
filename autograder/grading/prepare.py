"""The course folder made ready: gradebook, release, settings; complete, or made again.

nbgrader makes each of them in several steps, and a run may be killed between any two. So a stamp
is written when all are done, and what has no stamp is made anew.
"""

import json
from pathlib import Path

from nbformat import NotebookNode

from autograder import files, notebook
from autograder.errors import ReleaseError
from autograder.grading.fingerprint import file_digest, text_digest
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.journal import FOLDER
from autograder.labs import Lab
from autograder.nbgrader_settings import write_course_config
from autograder.release import build
from tinyml_course.whole_file import write_whole


def prepare(lab: Lab, gradebook: GradebookWriter) -> None:
    """Enter a lab into the gradebook and make its release, unless both are there and up to date.

    Raises:
        GradebookError: the gradebook cannot be used.
        ReleaseError: the lab cannot be released.
    """
    folder = gradebook.course.folder
    write_course_config(folder)
    cells = notebook.graded_points(lab)
    if gradebook.cells() == cells and _stamp(folder, lab) == _state(folder, lab):
        return
    gradebook.close()
    build(lab, folder)
    if gradebook.cells() != cells:
        raise ReleaseError(f"{lab.name}: the gradebook did not take the lab's cells")
    text = json.dumps(_state(folder, lab), indent=1)
    write_whole(_stamp_path(folder, lab), text.encode())


def released_notebook(lab: Lab, folder: Path) -> NotebookNode:
    """The lab as students got it: from the course folder, or as it is in ``labs/``."""
    stamped = _stamp(folder, lab) == _state(folder, lab)
    return notebook.normal(files.read(_release_path(folder, lab) if stamped else lab.notebook))


def _state(folder: Path, lab: Lab) -> dict[str, str]:
    released = _release_path(folder, lab)
    return {
        "source": text_digest(files.as_text(notebook.instructor_notebook(lab))),
        "release": file_digest(released) if released.is_file() else "",
    }


def _stamp(folder: Path, lab: Lab) -> dict[str, str]:
    try:
        found = json.loads(_stamp_path(folder, lab).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _stamp_path(folder: Path, lab: Lab) -> Path:
    return folder / FOLDER / f"{lab.name}.release.json"


def _release_path(folder: Path, lab: Lab) -> Path:
    return folder / "release" / lab.name / f"{lab.name}.ipynb"
