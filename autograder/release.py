"""Release: from the instructor's sources to the student notebooks in ``labs/``.

The work is nbgrader's (its ``generate_assignment``), so what students get is what the gradebook
knows. The result depends on the sources only: releasing twice changes nothing, and `check=True`
tells whether a committed notebook has drifted from its source.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from autograder import files, notebook
from autograder.errors import ReleaseError
from autograder.labs import COURSE_DIR, Lab, find_lab, labs
from autograder.leaks import check_folder, check_leaks
from autograder.nbgrader_api import Course

MAX_NOTEBOOK_BYTES = 200_000
_HELP = "run `tinyml release --all` and commit what it changes in labs/"


def release(
    names: Sequence[str] | None = None, check: bool = False, course_dir: Path | None = None
) -> list[Path]:
    """Make the student notebooks, or check that they are what the sources make.

    Args:
        names: labs, ``"lab0"`` or ``"lab0_memory_gap"``; ``None`` means all.
        check: write nothing; raise where a notebook in ``labs/`` is not up to date.
        course_dir: nbgrader's folder, which gets the solved notebooks too; by default
            ``autograder/course``. A check works in a folder of its own.

    Returns:
        The student notebooks.

    Raises:
        ReleaseError: a lab's metadata is wrong, something hidden would be shown, or, with
            ``check``, a notebook has drifted.
        UnknownNameError: there is no such lab.
    """
    chosen = list(labs().values()) if names is None else [find_lab(name) for name in names]
    drifted = []
    with _folder(check, course_dir) as folder:
        for lab in chosen:
            student = build(lab, folder)
            if not check:
                files.write(student, lab.notebook)
            if lab.notebook.parent.is_dir():  # whoever gets the folder gets what lies beside it
                check_folder(notebook.instructor_notebook(lab), lab.notebook.parent)
            if check and not _same(lab.notebook, student):
                drifted.append(lab.name)
    if drifted:
        raise ReleaseError(
            f"{', '.join(drifted)}: the notebook is not what its source makes; {_HELP}"
        )
    return [lab.notebook for lab in chosen]


def build(lab: Lab, course_dir: Path) -> NotebookNode:
    """Prepare one lab in a course directory: solved notebook, release, gradebook entry.

    Returns:
        The student notebook.

    Raises:
        ReleaseError: as for `release`.
    """
    instructor = notebook.instructor_notebook(lab)
    files.write(instructor, lab.solved(course_dir))
    outcome = Course(course_dir).generate_assignment(lab.name)
    if not outcome.success:
        raise ReleaseError(f"{lab.name}: nbgrader could not make the release: {outcome.reason}")
    released = course_dir / "release" / lab.name / f"{lab.name}.ipynb"
    student = notebook.normal(files.read(released))
    check_leaks(instructor, student)
    check_folder(instructor, released.parent)
    size = len(files.as_text(student).encode())
    if size > MAX_NOTEBOOK_BYTES:
        raise ReleaseError(
            f"{lab.name}: the notebook has {size:,} bytes, at most {MAX_NOTEBOOK_BYTES:,} allowed"
        )
    return student


@contextlib.contextmanager
def _folder(check: bool, course_dir: Path | None) -> Iterator[Path]:
    if not check:
        yield course_dir or COURSE_DIR
        return
    with tempfile.TemporaryDirectory(prefix="tinyml-release-") as folder:
        yield Path(folder)


def _same(path: Path, student: NotebookNode) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == files.as_text(student)
