"""The C of the kernels, as `tinyml_course.firmware.build` takes it."""

from importlib.resources import files

_FOLDER = files("tinyml_course.firmware.kernels")


def sources() -> dict[str, str]:
    """Text of every C file by name. What nobody calls, the linker leaves out."""
    return _texts(".c")


def headers() -> dict[str, str | bytes]:
    """Text of every header by name."""
    return {**_texts(".h")}


def _texts(suffix: str) -> dict[str, str]:
    found = [f for f in _FOLDER.iterdir() if f.name.endswith(suffix)]
    return {f.name: f.read_text() for f in sorted(found, key=lambda f: f.name)}
