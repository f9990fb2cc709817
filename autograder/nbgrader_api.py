"""nbgrader, called from Python for one course directory."""

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.kernels import KernelFolder
from autograder.labs import COURSE_DIR, ROOT
from autograder.nbgrader_settings import CONFIG_FILE, configure

_ERROR = re.compile(r"^\s*([\w.]*(?:Error|Exception|Interrupt)\b.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What a call of nbgrader came to.

    Attributes:
        success: whether it ended well.
        reason: if not, the last error that nbgrader logged, on one line.
    """

    success: bool
    reason: str = ""


class Course:
    """nbgrader on one folder, with the course's settings and the folder's own.

    Attributes:
        folder: see below.
        config: what nbgrader is told.
        db_url: of the gradebook.

    Args:
        folder: of ``source``, ``release``, ``submitted``, ``autograded`` and the gradebook; by
            default the instructor's working copy.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or COURSE_DIR).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        config: Config = PyFileConfigLoader(CONFIG_FILE, path=str(ROOT)).load_config()
        configure(config, self.folder)
        if (self.folder / CONFIG_FILE).is_file():  # such as a plugin for late days
            config.merge(PyFileConfigLoader(CONFIG_FILE, path=str(self.folder)).load_config())
        self.db_url = str(config.CourseDirectory.db_url)
        self._kernels = KernelFolder()
        config.merge(self._kernels.settings())
        self.config = config
        self._api = NbGraderAPI(CourseDirectory(config=config), config=config)

    def generate_assignment(self, lab: str) -> Outcome:
        """Make the release of a lab, and enter it into the gradebook."""
        with tools_on_path(), no_warnings():
            return _outcome(self._api.generate_assignment(lab, force=True, create=True))

    def autograde(self, lab: str, student: str) -> Outcome:
        """Run and score one student's submission."""
        with tools_on_path(), no_warnings():
            return _outcome(self._api.autograde(lab, student, force=True, create=True))

    def generate_feedback(self, lab: str, student: str | None = None) -> Outcome:
        """Make the pages that students get back; for everybody where no student is named."""
        with tools_on_path(), no_warnings():
            return _outcome(self._api.generate_feedback(lab, student, force=True))

    def gradebook(self) -> Any:
        """The gradebook; to be used in a ``with``."""
        with tools_on_path():
            return self._api.gradebook


@contextlib.contextmanager
def tools_on_path() -> Iterator[None]:
    """Let ``alembic`` be found, which nbgrader calls by name, also outside an activated shell."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def no_warnings() -> Iterator[None]:
    """Silence what nbgrader 0.9 says about its own use of the database with every submission."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _outcome(result: dict[str, Any]) -> Outcome:
    if result["success"]:
        return Outcome(True)
    found = _ERROR.findall(f"{result.get('error') or ''}\n{result.get('log') or ''}")
    return Outcome(False, found[-1][:300] if found else "nbgrader gave no reason")
