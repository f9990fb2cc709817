"""What a sandboxed program is shown: Python and what is asked for, nothing of the course's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox import bubblewrap, python_files

VIEW = bubblewrap.View(
    files={"/here/a": "/there/deep/a"},
    scratch_bytes=12345,
    environment={"NAME": "value"},
    writable={"/here/b": "/tmp/deep/b"},
    empty=["/there/deep/a/secret"],
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Packages in a folder, our own among them, as after an installation that is not editable."""
    site = tmp_path / "site-packages"
    for name in ("autograder", "tinyml_course", "numpy"):
        (site / name).mkdir(parents=True)
    python_files.read_only.cache_clear()
    python_files.masked.cache_clear()
    monkeypatch.setattr(python_files, "site_folders", lambda: (site,))
    yield site
    python_files.read_only.cache_clear()
    python_files.masked.cache_clear()


def triples(arguments: list[str]) -> list[tuple[str, ...]]:
    return list(zip(arguments, arguments[1:], arguments[2:], strict=False))


def test_our_own_packages_are_masked_where_they_are_installed(installed: Path) -> None:
    assert installed in python_files.read_only()
    assert {installed / "autograder", installed / "tinyml_course"} <= set(python_files.masked())
    arguments = bubblewrap.arguments(VIEW)
    bound = arguments.index(str(installed))
    for name in ("autograder", "tinyml_course"):
        shown = str(python_files.there(installed / name))
        at = arguments.index(shown)
        assert arguments[at - 1] == "--tmpfs"
        assert arguments[at + 1 : at + 3] == ["--remount-ro", shown]
        assert at > bound
    assert str(python_files.there(installed / "numpy")) not in arguments


def test_what_lies_where_the_scratch_folder_is_moves_aside() -> None:
    """An environment in a clone in /tmp would be hidden by it."""
    assert python_files.there(Path("/tmp/clone/.venv")) == Path("/python/clone/.venv")
    assert python_files.there(Path("/home/me/.venv")) == Path("/home/me/.venv")
    assert python_files.there(Path("/tmpfoo/x")) == Path("/tmpfoo/x")


def test_nothing_of_the_repository_is_bound() -> None:
    repository = Path(__file__).resolve().parents[3]
    bound = {
        source for option, source, _ in triples(bubblewrap.arguments(VIEW)) if "bind" in option
    }
    ours = {path for path in bound if Path(path) in (repository, *repository.parents)}
    assert not ours
    assert not any(Path(path).is_relative_to(repository / "autograder") for path in bound)


def test_the_view_and_the_order_of_what_covers_what() -> None:
    arguments = bubblewrap.arguments(VIEW)
    found = triples(arguments)
    assert ("--ro-bind", "/here/a", "/there/deep/a") in found
    assert ("--bind", "/here/b", "/tmp/deep/b") in found
    assert ("--setenv", "NAME", "value") in found
    assert ("12345", "--tmpfs", "/tmp") in found
    assert ("12345", "--tmpfs", "/dev/shm") in found
    # A later mount covers an earlier one.
    assert arguments.index("/there/deep/a") < arguments.index("/there/deep/a/secret")
    scratch = found.index(("12345", "--tmpfs", "/tmp"))
    assert scratch < found.index(("--bind", "/here/b", "/tmp/deep/b"))
    assert ("0755", "--dir", "/tmp/deep") in found[scratch:]
    for way in ("/there", "/there/deep"):
        assert found.index(("0755", "--dir", way)) < found.index(
            ("--ro-bind", "/here/a", "/there/deep/a")
        )
    assert arguments[-6:] == ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


@pytest.mark.parametrize(
    "option", ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--clearenv"]
)
def test_namespaces(option: str) -> None:
    assert option in bubblewrap.arguments(VIEW)


def test_who_may_read_what(tmp_path: Path) -> None:
    path = tmp_path / "open" / "file"
    path.parent.mkdir()
    path.write_text("")
    path.chmod(0o755)
    path.parent.chmod(0o700)
    assert not python_files.readable_by_all(path)
    assert python_files.readable_by_all(Path("/usr/bin"))
