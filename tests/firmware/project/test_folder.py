"""A generated folder is replaced whole, leaves nothing stale, and nobody's work is lost."""

from pathlib import Path

import pytest

from tinyml_course.errors import TinyMLError
from tinyml_course.firmware.project import check_replaceable, lay_down, replace_folder

FILES = {"main.c": b"int main;", "network/network.c": b"x", "image/network.bin": b"\x00\xff"}


def contents(folder: Path) -> dict[str, bytes]:
    paths = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    lay_down(tmp_path / "firmware", FILES)
    return tmp_path / "firmware"


def test_what_was_generated_may_be_replaced(target: Path) -> None:
    check_replaceable(target)
    check_replaceable(target.with_name("nothing"))
    for built in ("build/network.o", "build-cmake/a/b.o"):
        (target / built).parent.mkdir(parents=True)
        (target / built).write_bytes(b"")
    check_replaceable(target)


@pytest.mark.parametrize("name", ["main.c", "mine.c", "network/mine.c", ".project"])
def test_work_of_ones_own_is_not(target: Path, name: str) -> None:
    (target / name).write_bytes(b"mine")
    with pytest.raises(TinyMLError, match=rf"firmware would be replaced.*: {name}; .*--out"):
        check_replaceable(target)


def test_a_folder_without_a_list_is_somebody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "firmware"
    folder.mkdir()
    check_replaceable(folder)
    for index in range(5):
        (folder / f"{index}.c").write_text("")
    with pytest.raises(TinyMLError, match=r"0\.c, 1\.c, 2\.c and 2 more; move it away"):
        check_replaceable(folder)
    (folder / "contents.json").write_text("not JSON")
    with pytest.raises(TinyMLError, match=r"0\.c"):
        check_replaceable(folder)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "firmware").write_text("")
    with pytest.raises(TinyMLError, match="firmware would be replaced"):
        check_replaceable(tmp_path / "firmware")


def test_nothing_stale_is_left(target: Path, tmp_path: Path) -> None:
    (target / "build").mkdir()
    (target / "build/old.o").write_bytes(b"")
    lay_down(tmp_path / "new", {"main.c": b"other"})
    replace_folder(target, tmp_path / "new")
    assert set(contents(target)) == {"main.c", "contents.json"}
    assert contents(target)["main.c"] == b"other"
    assert [p.name for p in tmp_path.iterdir()] == ["firmware"]


def test_without_a_new_one_the_old_one_goes(target: Path, tmp_path: Path) -> None:
    replace_folder(target, None)
    assert not list(tmp_path.iterdir())
    replace_folder(target, None)  # and there may be none


def test_a_failed_replacement_leaves_the_old_folder(target: Path, tmp_path: Path) -> None:
    before = contents(target)
    with pytest.raises(FileNotFoundError):
        replace_folder(target, tmp_path / "absent")
    assert contents(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["firmware"]
