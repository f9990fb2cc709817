"""Texts with places to fill in, ``@NAME@``: marks that neither C, make nor CMake use."""

import re
from collections.abc import Mapping
from importlib.resources import files

_FOLDER = files("tinyml_course.firmware.project") / "templates"
_MARK = re.compile(r"@([A-Z_]+)@")


def fill(name: str, values: Mapping[str, object]) -> str:
    """A template with its marks replaced.

    Args:
        name: of the file, ``"Makefile"``.
        values: by mark, ``{"NETWORK": "digits"}``; more than the template asks for is no error.

    Raises:
        KeyError: a mark without a value.
    """
    text = _FOLDER.joinpath(*name.split("/")).read_text()
    return _MARK.sub(lambda mark: str(values[mark[1]]), text)


def names() -> list[str]:
    """Every template; those for Arduino in a folder of their own."""
    here = [entry.name for entry in _FOLDER.iterdir() if entry.is_file()]
    arduino = [f"arduino/{entry.name}" for entry in (_FOLDER / "arduino").iterdir()]
    return sorted(here + arduino)
