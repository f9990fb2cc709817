"""The labs there are: found by their sources, so that a new one is picked up by itself."""

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tinyml_course.course import lab_questions
from tinyml_course.course.question import LabQuestions
from tinyml_course.errors import lookup

ROOT = Path(__file__).resolve().parent
REPOSITORY = ROOT.parent
COURSE_DIR = ROOT / "course"
"""The instructor's working copy: nbgrader's folders and gradebook; not kept by git."""

_NAME = re.compile(r"lab\d+_\w+")


@dataclass(frozen=True)
class Lab:
    """One lab.

    Attributes:
        name: ``lab0_memory_gap``: of the source, of the notebook, of nbgrader's assignment.
    """

    name: str

    @property
    def short(self) -> str:
        """``lab0``."""
        return self.name.split("_")[0]

    @property
    def source(self) -> Path:
        """The instructor's source, with solutions."""
        return ROOT / "source" / self.name / f"{self.name}.py"

    @property
    def notebook(self) -> Path:
        """The student notebook, made from the source."""
        return REPOSITORY / "labs" / self.name / f"{self.name}.ipynb"

    @property
    def questions(self) -> LabQuestions:
        """What it asks, as `check` shows it."""
        return lab_questions(self.name)

    @property
    def hidden(self) -> dict[str, Any]:
        """Generators of hidden inputs, by question."""
        groups = import_module(f"autograder.source.{self.name}.hidden").GROUPS
        assert isinstance(groups, dict)
        return groups

    def solved(self, course_dir: Path = COURSE_DIR) -> Path:
        """Where a release puts the solved notebook."""
        return course_dir / "source" / self.name / f"{self.name}.ipynb"


def labs() -> dict[str, Lab]:
    """Every lab by its name, in the order of the course."""
    found = [path.parent.name for path in (ROOT / "source").glob("lab*/lab*.py")]
    names = sorted(
        (name for name in found if _NAME.fullmatch(name)),
        key=lambda name: int(re.findall(r"\d+", name)[0]),
    )
    return {name: Lab(name) for name in names}


def find_lab(name: str) -> Lab:
    """A lab by its name, ``"lab0_memory_gap"``, or in short, ``"lab0"``.

    Raises:
        UnknownNameError: there is no such lab.
    """
    known = labs()
    table = {short: lab for lab in known.values() for short in (lab.short, lab.name)}
    return lookup("lab", name, table)
