"""Running one file in TF-Lite Micro's own interpreter and in ours, side by side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from public_files import MODELS, models_folder
from tflite_micro import runtime

from tinyml_course.graph import Graph, from_tflite
from tinyml_course.mcu import Emulator, plan, reference

__all__ = ["MODELS", "Micro", "assert_same_bytes", "images", "models_folder"]

ARENA_BYTES = 1 << 22


def images(graph: Graph, count: int, seed: int = 0) -> Iterator[NDArray[Any]]:
    """``count`` random inputs of the graph's type, then its two extremes."""
    rng = np.random.default_rng(seed)
    tensor = graph.input
    if tensor.dtype == "float32":
        for _ in range(count):
            # Beyond the range of any int8 scale at both ends, so that saturation is met too.
            yield rng.normal(0, 10.0 ** rng.uniform(-1, 2), tensor.shape).astype(np.float32)
        yield np.full(tensor.shape, -1e4, np.float32)
        yield np.full(tensor.shape, 1e4, np.float32)
        return
    limits = np.iinfo(tensor.dtype)
    for _ in range(count):
        yield rng.integers(limits.min, limits.max, tensor.shape, tensor.dtype, endpoint=True)
    yield np.full(tensor.shape, limits.min, tensor.dtype)
    yield np.full(tensor.shape, limits.max, tensor.dtype)


class Micro:
    """TF-Lite Micro with a file; every activation can be read if ``keep_all``."""

    def __init__(self, path: Path, keep_all: bool = False) -> None:
        modes = runtime.InterpreterConfig
        self.interpreter = runtime.Interpreter.from_file(
            str(path),
            arena_size=ARENA_BYTES,
            intrepreter_config=modes.kPreserveAllTensors
            if keep_all
            else modes.kAllocationRecording,
        )

    def run(self, x: NDArray[Any]) -> NDArray[Any]:
        """Its output for one image."""
        self.interpreter.set_input(x, 0)
        self.interpreter.invoke()
        return np.array(self.interpreter.get_output(0))

    def tensor(self, index: int) -> NDArray[Any]:
        """The activation with that number in the file, after a run that keeps all."""
        return np.array(self.interpreter.GetTensor(index, 0)["tensor_data"])


def assert_same_bytes(path: Path, count: int, seed: int = 0) -> Graph:
    """Emulator and reference operators give TF-Lite Micro's bytes; returns the graph."""
    graph = from_tflite(path)
    emulator, micro = Emulator(graph, plan(graph)), Micro(path)
    for x in images(graph, count, seed):
        expected = micro.run(x)
        for output in (emulator.run(x).output, reference.run(graph, x)):
            assert output.dtype == expected.dtype
            np.testing.assert_array_equal(output, expected)
            assert output.tobytes() == expected.tobytes()
    return graph
