"""A worker program (`inside/worker.py`) that runs in a sandbox."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox import bubblewrap, python_files
from autograder.sandbox.limits import Limits
from autograder.sandbox.process_tree import ProcessTree
from autograder.sandbox.sandbox import Sandbox, environment

START = "import sys; sys.path[0] = {program!r}; from autograder.sandbox.inside import {module}; "
START += "{module}.{function}()"
_OPEN_FILES = 128


@dataclass
class Held:
    """One sandbox with a worker program in it. Use it in a ``with``; it ends with that.

    Attributes:
        sandbox: its kind.
        limits: that it and all below it obey.
        staged: the folder of a `Staging`.
        preload: import statements that are run before the first question.
        quiet: standard error goes nowhere; ``False`` shows what a worker that fails says.
        control: the socket over which connections are sent to it.
        tree: its processes.
    """

    sandbox: Sandbox
    limits: Limits
    staged: Path
    preload: Sequence[str]
    quiet: bool = True
    control: socket.socket = field(init=False)
    tree: ProcessTree = field(init=False)

    def __post_init__(self) -> None:
        self._own_scratch: str | None = None
        if not self.sandbox.namespaces:
            self._own_scratch = tempfile.mkdtemp(prefix="tinyml-scratch-")
        home = self._own_scratch or bubblewrap.SCRATCH
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                self._command(theirs.fileno(), home),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if self.quiet else None,
                env=environment(home),
                cwd=self._own_scratch or "/",
                start_new_session=True,
            )
        self.tree = ProcessTree(self._process.pid)

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End every process of it, whatever they are doing."""
        self.tree.kill()
        self._process.wait()
        self.control.close()
        if self._own_scratch is not None:
            shutil.rmtree(self._own_scratch, ignore_errors=True)
            self._own_scratch = None

    def _command(self, control: int, home: str) -> list[str]:
        course = Path(bubblewrap.COURSE) if self.sandbox.namespaces else self.staged
        restrictions = self.sandbox.restrictions(self.limits, [self.staged], _OPEN_FILES)
        if self._own_scratch and restrictions["user"] is not None:
            os.chown(self._own_scratch, restrictions["user"], restrictions["user"])
        options = restrictions | {
            "control": control,
            "namespaces": self.sandbox.namespaces,
            "quiet": self.quiet,
            "library": [str(course / "library")],
            "site": [self.sandbox.shown(folder) for folder in python_files.site_folders()],
            "preload": list(self.preload),
            "cpu_s": int(max(self.limits.question_s, self.limits.final_s)) + 2,
            "answer_bytes": self.limits.answer_bytes,
            "scratch": [home, "/dev/shm"] if self.sandbox.namespaces else [home],
        }
        interpreter = self.sandbox.shown(python_files.interpreter())
        command = [*start(interpreter, course, "worker", "main"), json.dumps(options)]
        view = bubblewrap.View(
            files={str(self.staged): bubblewrap.COURSE},
            scratch_bytes=self.limits.scratch_bytes,
            environment=environment(home),
        )
        return self.sandbox.wrap(command, view)


def start(interpreter: str, course: Path, module: str, function: str) -> list[str]:
    """The command that starts a program of `inside`, without its arguments.

    Args:
        interpreter: Python, as the sandbox shows it.
        course: the folder of a `Staging`, as the program sees it.
        module: of `inside`.
        function: in it.
    """
    code = START.format(program=str(course / "program"), module=module, function=function)
    return [interpreter, "-s", "-S", "-B", "-c", code]
