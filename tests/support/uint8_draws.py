"""Random uint8 .tflite files, and int8 files turned into uint8 ones that say the same."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uint8_formulas as formulas
from tflite_draws import Draw
from tflite_files import TYPES, TfliteFile
from tflite_micro_runs import images

from tinyml_course.graph import Graph, from_tflite
from tinyml_course.mcu import POLICIES, Emulator, plan, reference


class UnsignedDraw(Draw):
    """Everything uint8; weights have one scale and any zero point, the ends of the range too."""

    dtype = "uint8"

    def bytes(self, shape: tuple[int, ...], low: int = 0) -> np.ndarray:
        return self.rng.integers(low, 256, shape).astype(np.uint8)

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[int, np.ndarray]:
        scale = np.float32(10 ** self.rng.uniform(-3, -1, 1))
        zero_point = int(self.rng.choice([0, 255, self.rng.integers(1, 255)]))
        weight = self.file.tensor(shape, "uint8", scale, zero_point, data=self.bytes(shape))
        return weight, scale

    def check(self, folder: Path, *outputs: int, count: int = 4) -> None:
        """The formulas' bytes from every executor, for random images and the two extremes."""
        path = self.file.write(folder / "one.tflite", *outputs)
        run_formulas = lambda x: formulas.evaluate(self.file, x)[outputs[0]]  # noqa: E731
        assert_equal_runs(from_tflite(path), run_formulas, count)


def assert_equal_runs(graph: Graph, run: Callable[[np.ndarray], np.ndarray], count: int) -> None:
    """Reference operators, and the emulator under every policy, give the bytes of ``run``."""
    emulators = [Emulator(graph, plan(graph, policy=policy)) for policy in POLICIES]
    for x in images(graph, count):
        expected = run(x)
        assert expected.dtype == np.uint8
        for output in (reference.run(graph, x), *(e.run(x).output for e in emulators)):
            assert output.dtype == np.uint8
            np.testing.assert_array_equal(output, expected)


def unsigned_twin(file: TfliteFile) -> TfliteFile:
    """The file with every int8 tensor as uint8: integers and zero points greater by 128."""
    twin = copy.deepcopy(file)
    for tensor in twin.tensors:
        if tensor.type == TYPES["int8"]:
            tensor.type = TYPES["uint8"]
            tensor.quantization.zeroPoint = [z + 128 for z in tensor.quantization.zeroPoint]
            if tensor.buffer:
                buffer = twin.buffers[tensor.buffer]
                buffer.data = np.asarray(buffer.data, np.uint8) ^ 0x80
    return twin
