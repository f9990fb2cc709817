"""Limits that a process puts on itself and all below it, before any learner's code is near."""

import contextlib
import ctypes
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from autograder.sandbox.inside import system_calls

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_SIGKILL = 9


def restrict(options: dict[str, Any]) -> None:
    """Set limits, and give up the rights to take them back.

    Args:
        options: ``rlimits`` by name; ``user`` to become, or ``None``.
    """
    with contextlib.suppress(OSError):  # where it cannot be said, the judge's own watch must do
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go when memory is short
    for name, value in options["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if options["user"] is not None:
        os.setgroups([])
        os.setresgid(options["user"], options["user"], options["user"])
        os.setresuid(options["user"], options["user"], options["user"])
    system_calls.refuse()


def end_with_parent() -> None:
    """Let the system end this process when the one that has started it ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of all processes below this one whose own parent has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_out(others: bool) -> None:
    """Whether other processes of the same user may look into this one, or trace it."""
    _prctl(_PR_SET_DUMPABLE, int(not others))


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}) failed")


def run() -> None:
    """Become another program, restricted: the arguments are options as JSON, then its command."""
    command = sys.argv[2:]
    restrict(json.loads(sys.argv[1]))
    os.execv(command[0], command)
