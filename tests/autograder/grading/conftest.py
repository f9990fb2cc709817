"""A course folder that is ready to grade in, and a judge that takes no time."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as tests/conftest.py does for support

from fakes import FakeJudge

from autograder.grading.gradebook import GradebookWriter
from autograder.grading.prepare import prepare
from autograder.labs import Lab, labs
from autograder.nbgrader_api import Course


@pytest.fixture(scope="session")
def lab() -> Lab:
    return next(iter(labs().values()))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    writer = GradebookWriter(Course(folder), lab)
    prepare(lab, writer)
    writer.close()
    return folder


@pytest.fixture
def course(prepared: Path, tmp_path: Path) -> Path:
    """A copy of a course into which the first lab has been released."""
    folder = tmp_path / "course"
    shutil.copytree(prepared, folder)
    return folder


@pytest.fixture
def judge(tmp_path: Path) -> FakeJudge:
    return FakeJudge(tmp_path / "judged.txt")
