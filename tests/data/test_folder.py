"""Where data sets are looked for, in this order."""

from pathlib import Path

import pytest

import tinyml_course
from tinyml_course.data import data_folder


def test_an_argument_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYML_DATA", "/elsewhere")
    assert data_folder(tmp_path) == tmp_path
    assert data_folder(str(tmp_path)) == tmp_path


def test_then_the_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYML_DATA", str(tmp_path))
    assert data_folder() == tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_then_datasets_in_the_source_tree(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    monkeypatch.delenv("TINYML_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("TINYML_DATA", value)
    (tmp_path / "datasets").mkdir()
    monkeypatch.setattr(tinyml_course, "__file__", str(tmp_path / "tinyml_course" / "__init__.py"))
    assert data_folder() == tmp_path.resolve() / "datasets"


def test_at_last_datasets_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TINYML_DATA", raising=False)
    monkeypatch.setattr(tinyml_course, "__file__", str(tmp_path / "tinyml_course" / "__init__.py"))
    assert data_folder() == Path("datasets")
