"""What a sandbox is: how a command is wrapped, which limits it gets, as whom it runs."""

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autograder.errors import GradingError
from autograder.sandbox import bubblewrap, python_files
from autograder.sandbox.limits import Limits

Kind = Literal["bubblewrap", "rlimits"]
_FIRST_USER = 1 << 20
"""Users above this number exist nowhere; one a sandbox, so that its processes are counted alone."""


class SandboxError(GradingError):
    """No sandbox that holds, or one that did not start."""


class WeakSandboxWarning(UserWarning):
    """Only limits hold a submission back here; it can read files and use the network."""


@dataclass(frozen=True)
class Sandbox:
    """How programs are held.

    Attributes:
        kind: ``bubblewrap``, in namespaces of its own; ``rlimits``, with limits only.
        program: the path of ``bwrap``.
    """

    kind: Kind
    program: str = ""

    @property
    def namespaces(self) -> bool:
        """Whether files, processes and network are kept apart."""
        return self.kind == "bubblewrap"

    def shown(self, path: Path) -> str:
        """Where a program in the sandbox finds a file of ours."""
        return str(python_files.there(path) if self.namespaces else path)

    def wrap(self, command: Sequence[str], view: bubblewrap.View) -> list[str]:
        """The command that runs ``command`` in the sandbox."""
        if not self.namespaces:
            return list(command)
        return [self.program, *bubblewrap.arguments(view), "--", *command]

    def restrictions(self, limits: Limits, needed: Iterable[Path], files: int) -> dict[str, Any]:
        """What `inside.restrict` puts on a process.

        Args:
            limits: of a submission.
            needed: files that it must be able to read.
            files: that it may have open.
        """
        user = self._user(needed)
        rlimits = {
            "RLIMIT_AS": limits.memory_bytes,
            "RLIMIT_FSIZE": limits.file_bytes,
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": files,
        }
        # Where other processes of the same user are counted too, such a limit would hold nobody
        # but the instructor.
        if self.namespaces or user is not None:
            # Beyond the bound that the judge watches, so that the judge says why it ended.
            rlimits["RLIMIT_NPROC"] = 2 * limits.processes
        return {"rlimits": rlimits, "user": user}

    def _user(self, needed: Iterable[Path]) -> int | None:
        """A user of its own, where the judge is root: root is not held by limits of processes."""
        if os.geteuid() != 0:
            return None
        everything = (python_files.interpreter(), *python_files.site_folders(), *needed)
        if not self.namespaces and not all(map(python_files.readable_by_all, everything)):
            return None
        return _FIRST_USER + secrets.randbelow(1 << 30)


def environment(home: str) -> dict[str, str]:
    """All environment variables of a sandboxed program."""
    return {
        "HOME": home,
        "TMPDIR": home,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",  # a set's order is the same whenever a submission is graded
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
