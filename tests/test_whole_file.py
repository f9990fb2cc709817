"""A file is the old one or the new one, and nothing is left beside it."""

from pathlib import Path

import pytest

from tinyml_course.whole_file import write_whole


def test_what_was_written_is_read_in_a_new_folder(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.bin"
    write_whole(target, b"\x00first\n")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second"
    assert [p.name for p in target.parent.iterdir()] == ["b.bin"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_the_old_file_alone(
    stop: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b.bin"
    write_whole(target, b"old")

    def interrupt(*_: object) -> None:
        raise stop

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(stop):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.bin"]
