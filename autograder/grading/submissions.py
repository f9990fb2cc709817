"""Which file is a student's submission: one notebook, or the reason why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autograder.labs import Lab

Trouble = Literal["missing", "two notebooks", "link", "odd name", "unknown student", "unreadable"]
"""Why there is nothing to judge:

- ``missing``: the student has no notebook for this lab;
- ``two notebooks``: several, and none has the lab's name;
- ``link``: the notebook or its folder is a link, which may point at somebody else's file;
- ``odd name``: the student's name cannot be a folder's name in nbgrader;
- ``unknown student``: asked for by name, but in no folder and not in the gradebook;
- ``unreadable``: the system refuses to look into the folder.
"""


@dataclass(frozen=True)
class Submission:
    """One student's.

    Attributes:
        student: nbgrader's name of the student: the folder below ``submitted``.
        path: the notebook; ``None`` where there is none to judge.
        trouble: why there is none.
        note: what an instructor should know about the choice of the file.
    """

    student: str
    path: Path | None = None
    trouble: Trouble | None = None
    note: str = ""


def find_submissions(
    lab: Lab,
    course_dir: Path,
    roster: Iterable[str] = (),
    only: Sequence[str] | None = None,
) -> list[Submission]:
    """The submissions of a lab: ``submitted/<student>/<lab>/<lab>.ipynb``.

    Args:
        lab: which.
        course_dir: nbgrader's folder.
        roster: students that the gradebook knows; who has no notebook is ``missing``.
        only: these students, in this order; ``None`` means everybody, in alphabetical order.

    Returns:
        One entry a student.
    """
    known = set(roster) | set(_folders(course_dir, lab))
    names = sorted(known) if only is None else list(dict.fromkeys(only))
    return [_one(lab, course_dir, name, known) for name in names]


def _folders(course_dir: Path, lab: Lab) -> list[str]:
    """Who has handed something in. Hidden folders, such as ``.git``, are nobody's."""
    folder = course_dir / "submitted"
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return [path.name for path in found if path.is_symlink() or (path / lab.name).exists()]


def _one(lab: Lab, course_dir: Path, student: str, known: set[str]) -> Submission:
    try:
        return _find(lab, course_dir, student, known)
    except OSError as error:
        note = f"the folder cannot be read: {error.strerror}"
        return Submission(student, trouble="unreadable", note=note)


def _find(lab: Lab, course_dir: Path, student: str, known: set[str]) -> Submission:
    if not usable_name(student):
        note = f"{student!a} cannot be the name of a student's folder"
        return Submission(student, trouble="odd name", note=note)
    folder = course_dir / "submitted" / student / lab.name
    if student not in known and not folder.parent.exists():
        note = f"{student!r} has no folder in {folder.parent.parent} and is not in the gradebook"
        return Submission(student, trouble="unknown student", note=note)
    for place in (folder.parent, folder):
        if place.is_symlink():
            return _link(student, place)
    if not folder.is_dir():
        return Submission(student, trouble="missing", note=f"there is no folder {folder}")
    return _choose(lab, student, folder)


def usable_name(student: str) -> bool:
    """Whether a name can be a folder, a line of a table and an entry of nbgrader's gradebook."""
    plain = student.isprintable() and student == student.strip()
    return bool(student) and plain and not student.startswith(".") and not set(student) & set("/\\")


def _choose(lab: Lab, student: str, folder: Path) -> Submission:
    wanted = f"{lab.name}.ipynb"
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".ipynb" and p.name[0] != ".")
    named = [path for path in found if path.name == wanted]
    if not found:
        return Submission(student, trouble="missing", note=f"there is no {folder / wanted}")
    path, *others = named + [path for path in found if path.name != wanted]
    if others and not named:
        names = ", ".join(ascii(each.name) for each in found)
        note = f"which one counts? {names}; rename it to {wanted}"
        return Submission(student, trouble="two notebooks", note=note)
    if path.is_symlink():
        return _link(student, path)
    if not path.is_file():
        return Submission(student, trouble="missing", note=f"{path} is not a file")
    if others:
        names = ", ".join(ascii(other.name) for other in others)
        return Submission(student, path, note=f"judged {wanted}, not {names}")
    return Submission(student, path, note="" if named else f"the file is named {path.name!a}")


def _link(student: str, place: Path) -> Submission:
    return Submission(student, trouble="link", note=f"{place} is a link; links are not followed")
