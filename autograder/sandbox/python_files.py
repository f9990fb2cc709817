"""The files that a Python in the sandbox needs, and those among them that it must not see."""

import site
import sys
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
"""Read-only in the sandbox, as links where they are links here."""
OTHER = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_OURS = ("autograder", "tinyml_course")
_SCRATCH = "/tmp"
_ASIDE = Path("/python")


def there(path: Path) -> Path:
    """Where a sandbox with a view of its own shows a file of ours.

    At its own place, unless that is below the scratch folder, which is empty there: an environment
    in ``/tmp`` moves aside.
    """
    return _ASIDE / path.relative_to(_SCRATCH) if path.is_relative_to(_SCRATCH) else path


def interpreter() -> Path:
    """The program behind this environment's ``python``."""
    return Path(sys.executable).resolve()


@cache
def site_folders() -> tuple[Path, ...]:
    """Where installed packages lie, in the order in which they are searched."""
    found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if sys.prefix == sys.base_prefix:
        found += site.getsitepackages()
        if site.ENABLE_USER_SITE:
            found.append(site.getusersitepackages())
    return tuple(dict.fromkeys(path for path in map(Path, found) if path.is_dir()))


@cache
def read_only() -> tuple[Path, ...]:
    """Folders outside of the system's that Python itself and its packages are in."""
    wanted = [Path(sys.base_prefix).resolve(), interpreter().parent.parent, *site_folders()]
    inside = [path for path in wanted if not any(_below(path, top) for top in map(Path, SYSTEM))]
    return tuple(dict.fromkeys(inside))


@cache
def masked() -> tuple[Path, ...]:
    """Folders inside of those that must be empty: solutions, hidden tests, the whole library.

    The library is there a second time, staged, without the functions that are asked for.
    """
    visible = [*read_only(), *map(Path, SYSTEM)]
    homes = []
    for name in _OURS:
        spec = find_spec(name)
        homes += [
            Path(place).resolve() for place in (spec and spec.submodule_search_locations) or ()
        ]
        homes += [folder / name for folder in site_folders() if (folder / name).is_dir()]
    found = dict.fromkeys(home for home in homes if any(_below(home, top) for top in visible))
    return tuple(found)


def readable_by_all(path: Path) -> bool:
    """Whether a user without rights can come to a file: all folders on the way let them in."""
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


def _below(path: Path, top: Path) -> bool:
    return path == top or top in path.parents
