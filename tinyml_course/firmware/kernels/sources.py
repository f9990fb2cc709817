"""The C of the kernels, as `tinyml_course.firmware.build` takes it."""

import re
from collections.abc import Iterable
from importlib.resources import files

_FOLDER = files("tinyml_course.firmware.kernels")

_DEFINED = re.compile(
    r"^(?!static|typedef|extern|#|\s)(?:[A-Z0-9_]+\(|.*?\b)(tinyml_\w+)(?:[(,]| =)", re.MULTILINE
)
"""A function or object, or the first argument of a macro that makes one, where a line begins."""
_NAMED = re.compile(r"\btinyml_\w+")
_INCLUDED = re.compile(r'^#include "(\w+\.h)"', re.MULTILINE)


def sources() -> dict[str, str]:
    """Text of every C file by name."""
    return _texts(".c")


def headers() -> dict[str, str]:
    """Text of every header by name."""
    return _texts(".h")


def sources_for(text: str) -> dict[str, str]:
    """The C files that a text's calls need, those that they need in turn among them.

    Args:
        text: C that calls kernels.
    """
    every = sources()
    defined = {name: set(_DEFINED.findall(source)) for name, source in every.items()}
    found: dict[str, str] = {}
    todo = [text]
    while todo:
        named = set(_NAMED.findall(todo.pop()))
        for name in every.keys() - found.keys():
            if defined[name] & named:
                found[name] = every[name]
                todo.append(every[name])
    return dict(sorted(found.items()))


def headers_for(texts: Iterable[str]) -> dict[str, str]:
    """The headers that some texts include, directly or through others.

    Args:
        texts: C; headers that are not here are left alone.
    """
    every = headers()
    found: dict[str, str] = {}
    todo = list(texts)
    while todo:
        for name in set(_INCLUDED.findall(todo.pop())) & every.keys() - found.keys():
            found[name] = every[name]
            todo.append(every[name])
    return dict(sorted(found.items()))


def _texts(suffix: str) -> dict[str, str]:
    found = [f for f in _FOLDER.iterdir() if f.name.endswith(suffix)]
    return {f.name: f.read_text() for f in sorted(found, key=lambda f: f.name)}
