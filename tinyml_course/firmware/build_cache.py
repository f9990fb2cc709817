"""Built files, found again by what they were built from."""

import atexit
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tinyml_course.whole_file import write_whole

ENVIRONMENT_VARIABLE = "XDG_CACHE_HOME"
MOST_BYTES = 512 * 1024 * 1024
"""What is kept of each kind of file; an image takes 1 to 3 MB, most of it for debuggers."""


@cache
def cache_folder() -> Path:
    """Where built files are kept: in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    A sandbox may have a home that cannot be written; there it is a folder of this process, which
    is removed at its end.
    """
    configured = os.environ.get(ENVIRONMENT_VARIABLE)
    try:
        home = Path(configured) if configured else Path.home() / ".cache"
        folder = home / "tinyml-course"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: there is no home at all
        # Not a name that others can guess: what lies in the folder is run.
        temporary = tempfile.TemporaryDirectory(prefix="tinyml-course-")
        atexit.register(temporary.cleanup)
        return Path(temporary.name)


def key(parts: Iterable[str | bytes]) -> str:
    """A name that stands for ``parts``: a file of this name was built from exactly these."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()[:32]


def kept(kind: str, name: str, make: Callable[[], bytes], most_bytes: int = MOST_BYTES) -> Path:
    """The file ``name`` of a kind, made if it is not there.

    Args:
        kind: the folder: ``"images"``.
        name: a `key`, with a suffix.
        make: what gives the content.
        most_bytes: the least recently used files of the kind beyond this are removed.
    """
    path = cache_folder() / kind / name
    try:
        os.utime(path)
    except FileNotFoundError:
        write_whole(path, make())
        _remove_oldest(path.parent, most_bytes, path)
    return path


def _remove_oldest(folder: Path, most_bytes: int, newest: Path) -> None:
    found = []
    for path in folder.iterdir():
        try:
            found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        except FileNotFoundError:  # another process tidies up as well
            continue
    kept_bytes = 0
    for _, size, path in sorted(found, reverse=True):
        kept_bytes += size
        if kept_bytes > most_bytes and path != newest:
            path.unlink(missing_ok=True)
