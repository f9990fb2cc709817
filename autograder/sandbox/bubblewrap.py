"""The arguments of ``bwrap``: which namespaces, which files, what is writable and how large."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox import python_files

SCRATCH = "/tmp"
COURSE = "/course"


@dataclass(frozen=True)
class View:
    """What a sandboxed program sees besides Python.

    Attributes:
        files: read-only: path here to path there.
        writable: likewise, but it may write there.
        empty: folders inside of ``files`` that it sees empty.
        scratch_bytes: size of the scratch folder, and of shared memory.
        environment: all its environment variables.
    """

    files: Mapping[str, str]
    scratch_bytes: int
    environment: Mapping[str, str]
    writable: Mapping[str, str] = field(default_factory=dict)
    empty: Sequence[str] = ()


def arguments(view: View) -> list[str]:
    """What stands between ``bwrap`` and ``--``.

    Nothing of this machine is visible but the system's programs and libraries, Python and its
    packages, and what the view adds. The course's own packages are masked wherever they lie.
    """
    root = os.geteuid() == 0
    rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    found = [
        *rights,
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        "--unshare-cgroup-try",
        *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"),
    ]
    for name, value in view.environment.items():
        found += ["--setenv", name, value]
    found += ["--proc", "/proc", "--dev", "/dev"]
    found += _system()
    binds = {str(path): str(python_files.there(path)) for path in python_files.read_only()}
    found += _folders([*binds.values(), *view.files.values()])
    for source, target in binds.items():
        found += ["--ro-bind", source, target]
    for path in map(python_files.there, python_files.masked()):
        found += ["--tmpfs", str(path), "--remount-ro", str(path)]
    for source, target in view.files.items():
        found += ["--ro-bind", source, target]
    for target in view.empty:
        found += ["--tmpfs", target, "--remount-ro", target]
    for place in (SCRATCH, "/dev/shm"):
        found += ["--perms", "1777", "--size", str(view.scratch_bytes), "--tmpfs", place]
    found += _folders(view.writable.values())  # these may lie in the scratch folder
    for source, target in view.writable.items():
        found += ["--bind", source, target]
    return [*found, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH]


def _folders(targets: Iterable[str]) -> list[str]:
    """Folders on the way to what is bound: bubblewrap's own would let nobody but root through."""
    tops = {Path(name) for name in python_files.SYSTEM}
    ways = {parent for target in targets for parent in Path(target).parents} - {Path("/")}
    made = [way for way in sorted(ways) if not tops & {way, *way.parents}]
    return [part for way in made for part in ("--perms", "0755", "--dir", str(way))]


def _system() -> list[str]:
    found = []
    for name in python_files.SYSTEM:
        path = Path(name)
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            found += ["--ro-bind", name, name]
    for name in python_files.OTHER:
        found += ["--ro-bind-try", name, name]
    return found
