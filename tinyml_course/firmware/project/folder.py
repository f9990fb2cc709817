"""A folder of generated files that is replaced as a whole, and never over somebody's own work."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tinyml_course.errors import TinyMLError

CONTENTS = "contents.json"
BUILD_FOLDERS = ("build", "build-cmake")
"""What the folder's Makefile and CMakeLists.txt make; not looked at."""


def lay_down(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` into a new folder, and a list of them with their checksums.

    Args:
        folder: not there yet.
        files: content by path, ``"network/network.c"``.

    Raises:
        OSError: it cannot be written.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sums = {name: _checksum(content) for name, content in files.items()}
    (folder / CONTENTS).write_text(json.dumps(sums, indent=2) + "\n")


def check_replaceable(folder: Path) -> None:
    """Raise if ``folder`` holds anything that `lay_down` did not write.

    Raises:
        TinyMLError: naming the files, and the way out.
    """
    if not folder.exists():
        return
    own = _own_work(folder)
    if own:
        shown = ", ".join(own[:3]) + (f" and {len(own) - 3} more" if len(own) > 3 else "")
        raise TinyMLError(
            f"{folder} would be replaced, and holds what was not generated there or was changed "
            f"since: {shown}; move it away, or choose another --out"
        )


def replace_folder(target: Path, new: Path | None) -> None:
    """Put the folder ``new`` in the place of ``target``; ``None`` removes that only.

    Raises:
        OSError: it cannot be done; ``target`` is then as it was.
    """
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    if target.exists():
        target.rename(old)
    try:
        if new is not None:
            new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _own_work(folder: Path) -> list[str]:
    """Paths of what was added to a generated folder or changed in it."""
    if not folder.is_dir():
        return [folder.name]
    sums = _listed(folder)
    found = []
    for path in sorted(p for p in folder.rglob("*") if not p.is_dir()):
        name = path.relative_to(folder).as_posix()
        if name == CONTENTS or path.relative_to(folder).parts[0] in BUILD_FOLDERS:
            continue
        if name not in sums or _checksum(path.read_bytes()) != sums[name]:
            found.append(name)
    return found


def _listed(folder: Path) -> dict[str, str]:
    try:
        sums = json.loads((folder / CONTENTS).read_text())
    except (OSError, ValueError):
        return {}
    return sums if isinstance(sums, dict) else {}


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
