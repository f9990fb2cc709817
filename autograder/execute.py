"""Running a whole notebook in a fresh kernel, and what it took."""

import copy
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.files import read
from autograder.kernels import KernelFolder

CELL_LIMIT_S = 45
_PROBE = "from tinyml_course.course.resources import peak_rss_bytes\nprint(peak_rss_bytes())"


@dataclass(frozen=True)
class Execution:
    """One run.

    Attributes:
        notebook: with outputs.
        seconds: from start to end, the kernel's start included.
        slowest_cell_s: of the cell that took longest.
        peak_rss_bytes: the most memory the kernel held.
        errors: one line for each cell that raised: its position and the error.
    """

    notebook: NotebookNode
    seconds: float
    slowest_cell_s: float
    peak_rss_bytes: int
    errors: tuple[str, ...]


def execute(notebook: NotebookNode, limit_s: int = CELL_LIMIT_S) -> Execution:
    """Run every cell, also after one that raises, in an empty folder.

    Args:
        notebook: it is not changed.
        limit_s: seconds a cell may take.

    Raises:
        CellTimeoutError: a cell took longer.
    """
    result = copy.deepcopy(notebook)
    result.cells.append(nbformat.v4.new_code_cell(_PROBE))  # type: ignore[no-untyped-call]
    started: list[float] = []
    taken: list[float] = []
    kernels = KernelFolder()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            result,
            timeout=limit_s,
            allow_errors=True,
            kernel_name="python3",
            config=kernels.settings(),
            resources={"metadata": {"path": folder}},
            on_cell_execute=lambda **_: started.append(time.perf_counter()),
            on_cell_executed=lambda **_: taken.append(time.perf_counter() - started[-1]),
        )
        before = time.perf_counter()
        client.execute()
        seconds = time.perf_counter() - before
    probe = result.cells.pop()
    return Execution(
        result,
        seconds,
        max(taken),
        int(probe.outputs[0]["text"]),
        tuple(
            f"cell {index}: {output.ename}: {output.evalue}"
            for index, cell in enumerate(result.cells)
            for output in cell.get("outputs", ())
            if output.output_type == "error"
        ),
    )


def execute_file(path: Path, limit_s: int = CELL_LIMIT_S) -> Execution:
    """Run a notebook file, which is not changed."""
    return execute(read(path), limit_s)
