"""Writing a file so that a reader finds the old one or the new one, never half of it."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Replace ``path`` by a file with ``content``; its folder is made if it is not there.

    The bytes go to a file of this process beside it first, which then takes its name. Whatever
    interrupts that leaves the old file as it was and nothing beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
