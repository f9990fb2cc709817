"""The packages of the extra ``firmware``, imported when they are needed."""

import importlib
from types import ModuleType

from tinyml_course.errors import ToolchainError

INSTALL = "pip install -e '.[firmware]'"
"""The command that brings the C compiler and the CPU emulator, in the course's folder."""


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: its dotted name.
        purpose: what it is for, for the message: ``"the C compiler"``.

    Raises:
        ToolchainError: it is not installed; the message holds the command that mends it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ToolchainError(
            f"{purpose} ({package}) cannot be imported: {error}; in the folder that holds "
            f"pyproject.toml, run {INSTALL}"
        ) from error
