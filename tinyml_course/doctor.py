"""`tinyml doctor`: what is installed, what is missing, and how to mend it."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement

from tinyml_course.data.fashion_mnist import RAW, missing_files
from tinyml_course.data.folder import ENVIRONMENT_VARIABLE, data_folder

DISTRIBUTION = "tinyml-course"
PURPOSES = {
    "": "the library",
    "labs": "notebooks and widgets",
    "instructor": "release and grading",
    "cluster": "grading on a Dask cluster",
    "firmware": "firmware and the emulated core",
    "dev": "changing the course",
}
"""What each set of dependencies is for, by the name of the extra in ``pyproject.toml``."""

LEAST_MEMORY_GIB = 2.0
State = Literal["ok", "optional", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: ``missing`` stops the course from working, ``optional`` does not.
        found: what is there.
        mend: what to do; empty where nothing is.
    """

    what: str
    state: State
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at Python, the dependencies, torch, memory and data."""
    return [_python(), *_dependencies(), _torchvision(), _machine(), _sandbox(), *_data_sets()]


def _python() -> Finding:
    # pip refuses an older Python, so there is nothing to compare here.
    return Finding("Python", "ok", f"{platform.python_version()} at {sys.executable}")


def _dependencies() -> Iterator[Finding]:
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        mend = "pip install -e . in the folder that holds pyproject.toml"
        yield Finding(DISTRIBUTION, "missing", "not installed", mend)
        return
    requirements = [Requirement(line) for line in lines]
    for extra, purpose in PURPOSES.items():
        wanted = [r for r in requirements if _belongs(r, extra)]
        problems = [problem for r in wanted if (problem := _problem(r))]
        label = f"{purpose} ({len(wanted)} packages)"
        command = f"pip install -e '.[{extra}]'" if extra else "pip install -e ."
        if problems:
            state: State = "optional" if extra else "missing"
            yield Finding(label, state, "; ".join(problems), command)
        else:
            yield Finding(label, "ok", "all installed, in the tested ranges")


def _belongs(requirement: Requirement, extra: str) -> bool:
    if requirement.marker is None:
        return not extra
    without = requirement.marker.evaluate({"extra": ""})
    return requirement.marker.evaluate({"extra": extra}) and (not extra or not without)


def _problem(requirement: Requirement) -> str:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} {version} is outside {requirement.specifier}"
    return ""


def _torchvision() -> Finding:
    try:
        import torch

        from tinyml_course.torchvision_repair import extension_loads, import_torchvision

        version = import_torchvision().__version__
        how = "" if extension_loads() else ", its extension does not load here: repaired"
    except Exception as error:  # whatever a broken binary raises is the finding
        mend = "pip install --force-reinstall torch torchvision"
        return Finding("torch", "missing", f"{type(error).__name__}: {error}", mend)
    device = "a GPU" if torch.cuda.is_available() else "CPU"
    return Finding("torch", "ok", f"{torch.__version__} on {device}; torchvision {version}{how}")


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return Finding("machine", "optional", f"{cores} cores, memory unknown")
    found = f"{cores} cores, {memory_gib:.1f} GiB of memory"
    if memory_gib < LEAST_MEMORY_GIB:
        mend = "close other programs; the labs need 1 GiB, JupyterLab some more"
        return Finding("machine", "optional", found, mend)
    return Finding("machine", "ok", found)


def _sandbox() -> Finding:
    what = "sandbox of the grader"
    program = shutil.which("bwrap")
    if program is None:
        mend = "only who grades others' work needs it: install bubblewrap (Linux)"
        return Finding(what, "optional", "bubblewrap is not there, only limits", mend)
    return Finding(what, "ok", f"{program}; `python -m autograder.sandbox` tries it")


def _data_sets() -> Iterator[Finding]:
    yield Finding("data set digits", "ok", "comes with scikit-learn")
    root = data_folder()
    raw = root / RAW
    if missing_files(root):
        mend = f"it is fetched at first use, or set {ENVIRONMENT_VARIABLE} to a folder that has it"
        yield Finding("data set fashion_mnist", "optional", f"not in {raw}", mend)
    else:
        yield Finding("data set fashion_mnist", "ok", f"in {raw}")
