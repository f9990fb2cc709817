"""Where data sets lie: ``TINYML_DATA``, or ``datasets`` in the project."""

import os
from pathlib import Path

import tinyml_course

ENVIRONMENT_VARIABLE = "TINYML_DATA"


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder to look in.

    In this order: ``folder``, the environment variable ``TINYML_DATA``, ``datasets`` beside the
    installed source tree, ``datasets`` in the current folder.
    """
    if folder is not None:
        return Path(folder)
    configured = os.environ.get(ENVIRONMENT_VARIABLE)
    if configured:
        return Path(configured)
    beside = Path(tinyml_course.__file__).resolve().parent.parent / "datasets"
    return beside if beside.is_dir() else Path("datasets")
