"""Which sandbox this machine has."""

import shutil
import subprocess
import sys
import warnings
from functools import cache

from autograder.sandbox import bubblewrap
from autograder.sandbox.sandbox import Sandbox, SandboxError, WeakSandboxWarning

_HELP = (
    "install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`), and see that user "
    "namespaces are allowed"
)
_TRIAL_S = 20


def find_sandbox(insist: bool = False) -> Sandbox:
    """The strongest sandbox that works here.

    Args:
        insist: raise where bubblewrap does not work, instead of a warning.

    Raises:
        SandboxError: there is none; or, with ``insist``, none that keeps files and network away.
    """
    if sys.platform != "linux":
        raise SandboxError("grading runs learners' code in a sandbox, which needs Linux")
    program = shutil.which("bwrap")
    trouble = trial(program) if program else "bwrap is not installed"
    if program and not trouble:
        return Sandbox("bubblewrap", program)
    if insist:
        raise SandboxError(f"there is no sandbox that holds: {trouble}; {_HELP}")
    warnings.warn(
        f"{trouble}. Submissions are held by limits of time and memory only: they can read your "
        f"files, hidden tests included, and use the network. Grade only what you trust, or {_HELP}",
        WeakSandboxWarning,
        stacklevel=2,
    )
    return Sandbox("rlimits")


@cache
def trial(program: str) -> str:
    """What is wrong with bubblewrap here; empty if nothing is. It is tried as it will be used."""
    view = bubblewrap.View(files={}, scratch_bytes=1 << 20, environment={})
    command = [program, *bubblewrap.arguments(view), "--", "/bin/true"]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=_TRIAL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not work here: {error}"
    reason = " ".join(found.stderr.split())[:200]
    return f"{program} does not work here: {reason}" if found.returncode else ""
