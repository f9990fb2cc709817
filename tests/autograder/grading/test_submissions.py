"""Finding submissions: one file for each student, or a reason."""

import os
from pathlib import Path

import pytest

from autograder.grading.submissions import find_submissions, usable_name
from autograder.labs import Lab


def put(course: Path, lab: Lab, student: str, name: str | None = None) -> Path:
    path = course / "submitted" / student / lab.name / (name or f"{lab.name}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    return path


def test_everybody_who_handed_in_or_is_enrolled(lab: Lab, tmp_path: Path) -> None:
    expected = put(tmp_path, lab, "bob")
    put(tmp_path, lab, "ada")
    (tmp_path / "submitted" / "of another lab" / "lab9_x").mkdir(parents=True)
    put(tmp_path, lab, ".hidden")
    found = find_submissions(lab, tmp_path, roster=["zoe", "bob"])
    assert [(each.student, each.trouble) for each in found] == [
        ("ada", None),
        ("bob", None),
        ("zoe", "missing"),
    ]
    assert found[1].path == expected
    assert find_submissions(lab, tmp_path / "nowhere") == []


def test_checkpoints_and_hidden_files_are_no_submissions(lab: Lab, tmp_path: Path) -> None:
    path = put(tmp_path, lab, "ada")
    put(tmp_path, lab, "ada", ".~lab.ipynb")
    checkpoints = path.parent / ".ipynb_checkpoints"
    checkpoints.mkdir()
    (checkpoints / f"{lab.name}-checkpoint.ipynb").write_text("{}")
    [found] = find_submissions(lab, tmp_path)
    assert (found.path, found.note) == (path, "")


def test_the_named_one_of_several_counts_and_that_is_said(lab: Lab, tmp_path: Path) -> None:
    path = put(tmp_path, lab, "ada")
    put(tmp_path, lab, "ada", "Untitled.ipynb")
    [found] = find_submissions(lab, tmp_path)
    assert found.path == path
    assert "Untitled.ipynb" in found.note


@pytest.mark.parametrize("what", ["file", "folder", "student"])
def test_links_are_not_followed(lab: Lab, tmp_path: Path, what: str) -> None:
    path = put(tmp_path, lab, "ada")
    mine = tmp_path / "submitted" / "eve" / lab.name / path.name
    link, target = {
        "file": (mine, path),
        "folder": (mine.parent, path.parent),
        "student": (mine.parent.parent, path.parent.parent),
    }[what]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    _, found = find_submissions(lab, tmp_path)
    assert (found.student, found.trouble, found.path) == ("eve", "link", None)
    assert str(link) in found.note


def test_what_is_no_regular_file_is_not_opened(lab: Lab, tmp_path: Path) -> None:
    path = put(tmp_path, lab, "ada")
    path.unlink()
    os.mkfifo(path)
    assert find_submissions(lab, tmp_path)[0].trouble == "missing"
    path.unlink()
    path.mkdir()
    assert find_submissions(lab, tmp_path)[0].trouble == "missing"


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("ada", True),
        ("o'neil, x <b>", True),
        ("ünï 学生", True),
        ("a.b+c@uni.example", True),
        ("=cmd()", True),
        ("", False),
        (".", False),
        ("..", False),
        (".hidden", False),
        ("a/b", False),
        ("a\\b", False),
        (" ada", False),
        ("ada ", False),
        ("a\nb", False),
        ("a\x1b[31mb", False),
        ("a\u202eb", False),
        ("a\udcffb", False),
    ],
)
def test_names(name: str, usable: bool) -> None:
    assert usable_name(name) == usable


def test_a_folder_that_the_system_refuses_is_one_row(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, lab, "ada")
    put(tmp_path, lab, "bob")
    look = Path.iterdir

    def refuse(path: Path) -> object:
        if path.parent.name == "ada":
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = find_submissions(lab, tmp_path, only=["ada", "bob", "x" * 300])
    assert [each.trouble for each in found] == ["unreadable", None, "unreadable"]
    assert "Permission denied" in found[0].note
    assert "too long" in found[2].note


def test_a_folder_with_an_odd_name_is_reported_not_judged(lab: Lab, tmp_path: Path) -> None:
    put(tmp_path, lab, "a\nb")
    folder = os.fsencode(tmp_path / "submitted") + b"/bad-\xff/" + lab.name.encode()
    os.makedirs(folder)  # noqa: PTH103 - pathlib knows no bytes
    found = find_submissions(lab, tmp_path)
    assert [each.trouble for each in found] == ["odd name", "odd name"]
    assert all(each.note.isprintable() and each.note.isascii() for each in found)
