"""Jupyter kernels in the sandbox: whole notebooks run, and see and reach little."""

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

from autograder.labs import COURSE_DIR, REPOSITORY
from autograder.sandbox import SandboxError, find_sandbox
from autograder.sandbox.provisioner import NAME, SandboxProvisioner, kernelspec

GROUP = "jupyter_client.kernel_provisioners"
PLACE = f"{SandboxProvisioner.__module__}:{SandboxProvisioner.__qualname__}"


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of kernelspecs that Jupyter finds, and the provisioner known to it."""
    try:
        find_sandbox(insist=True)
    except SandboxError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    known = KernelProvisionerFactory.instance().provisioners
    # Also where the package was installed before it had this entry point.
    monkeypatch.setitem(known, NAME, importlib.metadata.EntryPoint(NAME, PLACE, GROUP))
    yield tmp_path / "kernels"
    assert not list(tmp_path.glob("tinyml-kernel-*"))


def run(sources: list[str], **options: Any) -> list[str]:
    """What each cell printed, or the error it raised."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        kernel_name=NAME,
        kernel_manager_class=AsyncKernelManager,
        allow_errors=True,
        **{"timeout": 120, **options},
    )
    client.execute()
    texts = []
    for cell in notebook.cells:
        texts += ["".join(out.get("text", "") or out.get("ename", "") for out in cell.outputs)]
    return texts


@pytest.mark.slow
def test_a_notebook_runs_and_sees_little(kernels: Path) -> None:
    kernelspec(kernels)
    found = run(
        [
            "from tinyml_course import memory_gap\nprint(memory_gap.peak_chain([3, 8, 4]))",
            "import autograder",
            "import socket; socket.create_connection(('1.1.1.1', 53), 1)",
            f"import os; print(os.path.exists({str(REPOSITORY / 'labs')!r}), os.getcwd())",
            "held = bytes(8 << 30)",
            "open('/usr/written', 'w')",
            "print(os.environ.get('PATH'), os.geteuid() != 0)",
            "print('still here')",
        ]
    )
    assert found == [
        "12\n",
        "ModuleNotFoundError",
        "OSError",
        "False /tmp\n",
        "MemoryError",
        "OSError",
        "/usr/bin:/bin True\n",
        "still here\n",
    ]


@pytest.mark.slow
def test_a_loop_is_interrupted_or_ended(kernels: Path) -> None:
    kernelspec(kernels)
    cells = ["while True: pass", "print(1)"]
    assert run(cells, timeout=5, interrupt_on_timeout=True)[1] == "1\n"
    with pytest.raises(CellTimeoutError):
        run(cells[:1], timeout=5)


@pytest.mark.slow
def test_the_autograder_is_shown_where_plain_nbgrader_needs_it(kernels: Path) -> None:
    kernelspec(kernels, show_autograder=True)
    judge = "from autograder.judge import grading\ncheck, judge = grading('lab0')\n"
    seen = (
        f"import os; print(os.path.isdir({str(COURSE_DIR)!r}) and os.listdir({str(COURSE_DIR)!r}))"
    )
    found = run([judge + "print(judge('q1', lambda *a: 0))", seen])
    assert found[0] == "0.0\n"
    assert found[1] in ("[]\n", "False\n")


def test_the_entry_point_is_declared() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == {NAME: PLACE}
