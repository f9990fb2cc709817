"""The sandbox for Jupyter kernels: whole notebooks, and plain nbgrader, run in it.

A kernelspec asks for it by ``metadata.kernel_provisioner.provisioner_name: "tinyml-sandbox"``;
`kernelspec` writes one. Kernel and client talk through files, since there is no network between
them. nbgrader runs with it by ``--ExecutePreprocessor.kernel_name=tinyml-sandbox``.

A kernel in which plain nbgrader runs hidden tests must be able to read them, and so can the
learner's code there: that is plain nbgrader's weakness, and it needs ``show_autograder``. Judging
from outside (`autograder.judging`) has no need for it.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Unicode

import autograder
import tinyml_course
from autograder.labs import COURSE_DIR
from autograder.sandbox import bubblewrap, python_files
from autograder.sandbox.find import find_sandbox
from autograder.sandbox.held import start
from autograder.sandbox.limits import load_limits
from autograder.sandbox.sandbox import environment
from autograder.sandbox.staging import program_folder
from tinyml_course.whole_file import write_whole

NAME = "tinyml-sandbox"
_OPEN_FILES = 512
_KEEP = ("PYDEVD_DISABLE_FILE_VALIDATION", "JPY_SESSION_NAME")


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel in a sandbox."""

    insist = Bool(False, config=True, help="Do not start a kernel where bubblewrap does not work.")
    show_autograder = Bool(
        False, config=True, help="Let the kernel read the autograder, hidden tests included."
    )
    limits_file = Unicode("", config=True, help="Limits, by default autograder/limits.toml.")

    _folder: str | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Wrap the kernel's command. The folder of its sockets is all it shares with others."""
        self._folder = self._folder or tempfile.mkdtemp(prefix="tinyml-kernel-")
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", str(Path(self._folder, "socket"))
        kwargs = await super().pre_launch(**kwargs)
        sandbox = find_sandbox(self.insist)
        limits = load_limits(Path(self.limits_file) if self.limits_file else None)
        connection = Path(self._folder, "connection.json")
        shutil.copyfile(manager.connection_file, connection)
        connection.chmod(0o600)
        program = program_folder()
        restrictions = sandbox.restrictions(limits, [program, *_packages(True)], _OPEN_FILES)
        user = restrictions["user"]
        for path in (Path(self._folder), connection):
            os.chown(path, -1 if user is None else user, -1)
        home = bubblewrap.SCRATCH if sandbox.namespaces else self._folder
        kept = {name: kwargs["env"][name] for name in _KEEP if name in kwargs["env"]}
        variables = environment(home) | kept
        packages = _packages(self.show_autograder)
        course = Path(bubblewrap.COURSE) if sandbox.namespaces else program
        command = [
            part.replace(str(manager.connection_file), str(connection)) for part in kwargs["cmd"]
        ]
        view = bubblewrap.View(
            files={
                str(program): bubblewrap.COURSE,
                **{str(path): sandbox.shown(path) for path in packages},
            },
            scratch_bytes=limits.scratch_bytes,
            environment=variables,
            writable={self._folder: self._folder},
            # The gradebook and all submissions may lie inside of the autograder.
            empty=(
                [sandbox.shown(COURSE_DIR)] if self.show_autograder and COURSE_DIR.is_dir() else []
            ),
        )
        interpreter = sandbox.shown(python_files.interpreter())
        places = [sandbox.shown(path.parent) for path in packages]
        places += [sandbox.shown(path) for path in python_files.site_folders()]
        inner = [
            *start(interpreter, course, "restrict", "run"),
            json.dumps(restrictions),
            *_python(interpreter, command, places),
        ]
        kwargs |= {"cmd": sandbox.wrap(inner, view), "env": variables}
        kwargs |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        kwargs["cwd"] = "/" if sandbox.namespaces else self._folder
        return kwargs

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder of its sockets."""
        await super().cleanup(restart=restart)
        if self._folder and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _packages(with_autograder: bool) -> list[Path]:
    """Our own packages, which the sandbox masks unless they are asked for."""
    found = [tinyml_course, *([autograder] if with_autograder else [])]
    return [Path(str(package.__file__)).resolve().parent for package in found]


def _python(interpreter: str, command: list[str], paths: list[str]) -> list[str]:
    """The kernel's command with the program behind ``python``, told where its packages are."""
    begin = f"import sys; sys.path += {paths!r}; import runpy; "
    if command[1:2] != ["-m"] and "-m" not in command:
        raise ValueError(f"a kernel must be started by `python -m module`, not {command}")
    at = command.index("-m")
    begin += f"sys.argv[:1] = [{command[at + 1]!r}]; "
    begin += f"runpy.run_module({command[at + 1]!r}, run_name='__main__', alter_sys=True)"
    return [interpreter, "-s", "-S", "-B", "-c", begin, *command[at + 2 :]]


def kernelspec(folder: Path, show_autograder: bool = False) -> Path:
    """Write the kernelspec into a folder of kernelspecs.

    Args:
        folder: ``.../share/jupyter/kernels``.
        show_autograder: for plain nbgrader with its hidden tests.

    Returns:
        Its own folder, whose name is the kernel's.
    """
    home = folder / NAME
    spec = {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (sandbox)",
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {
            "kernel_provisioner": {
                "provisioner_name": NAME,
                "config": {"show_autograder": show_autograder},
            }
        },
    }
    write_whole(home / "kernel.json", json.dumps(spec, indent=1).encode())
    return home
