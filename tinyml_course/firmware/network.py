"""A generated network that runs: on the emulated core, and on this machine."""

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tinyml_course.firmware.elf import Image
from tinyml_course.firmware.generate import ALIGNMENT, Program, is_fed
from tinyml_course.firmware.machine import Execution, Machine
from tinyml_course.firmware.toolchain import DEFAULT_STACK_BYTES, build, build_host_library
from tinyml_course.graph import Tensor, dequantize
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.inputs import to_integers

ENTRY = "network_run"
REFRESH_SECONDS = 0.1  # of a progress bar


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """One inference on the emulated core.

    Attributes:
        output: in the output's shape and type.
        values: the real numbers it stands for, float32.
        execution: instructions in all and per operator, SRAM and stack that were used.
    """

    output: NDArray[Any]
    values: NDArray[np.float32]
    execution: Execution


class NetworkMachine:
    """A board with a network's firmware in its flash.

    Args:
        board: the board.
        program: what `generate` made.
        stack_bytes: SRAM for the stack, a multiple of 8.
        strict: whether accesses that a real core faults on for their alignment are faults here.
        image: what lies in flash, if it holds more than the network; it must hold the program.

    Raises:
        ToolchainError: no compiler or emulator.
        ImageTooLargeError: the board has too little flash or SRAM.
    """

    def __init__(
        self,
        board: Board,
        program: Program,
        stack_bytes: int = DEFAULT_STACK_BYTES,
        strict: bool = False,
        image: Image | None = None,
    ) -> None:
        self.program = program
        self.image = image or build(
            board, program.sources, program.headers, keep=[ENTRY], stack_bytes=stack_bytes
        )
        self.machine = Machine(board, self.image, program.operators, strict=strict)
        self._usual_instructions: int | None = None

    def run(self, x: NDArray[Any], progress: bool = False) -> NetworkRun:
        """Infer one image, over painted SRAM.

        Args:
            x: of the input's type or float, ``(1, H, W, C)`` or ``(H, W, C)``.
            progress: whether to show a bar: instructions, of as many as the run before took, and
                the operator that runs.

        Raises:
            MachineFault: what a board would trap, with the operator.
        """
        self.machine.reset()
        if not progress:
            return self._infer(x)
        with self._bar():
            found = self._infer(x)
        self._usual_instructions = found.execution.instructions
        return found

    def run_many(self, images: Iterable[NDArray[Any]], progress: bool = True) -> list[NetworkRun]:
        """Infer images one after the other, each over painted SRAM.

        Args:
            images: as for `run`.
            progress: whether to show a bar, image by image.

        Raises:
            MachineFault: as for `run`.
        """
        bar = tqdm(images, desc="emulated core", unit="image", disable=not progress)
        return [self.run(image) for image in bar]

    def measure(self, x: NDArray[Any]) -> Execution:
        """Infer one image twice, so that no byte that is written goes unseen; see `Machine`.

        Raises:
            DependsOnUninitialised: the network reads what nothing has written.
            MachineFault: as for `run`.
        """
        return self.machine.measure(lambda _: self._infer(x).execution)

    @contextmanager
    def _bar(self) -> Iterator[None]:
        """A bar that another thread moves: the core runs in C, which asks nobody."""
        bar = tqdm(total=self._usual_instructions, unit="instr", unit_scale=True)
        over = Event()

        def watch() -> None:
            while not over.wait(REFRESH_SECONDS):
                bar.set_description(self.machine.running or ENTRY, refresh=False)
                bar.update(self.machine.instructions - bar.n)

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            bar.update(self.machine.instructions - bar.n)
            bar.close()

    def _infer(self, x: NDArray[Any]) -> NetworkRun:
        plan, machine = self.program.plan, self.machine
        graph = plan.graph
        arena, image = self.image.symbol("network_arena").address, to_integers(graph, x)
        if is_fed(plan):  # rows are copied from where a camera's would come from
            address = np.array([machine.place(image, "flash")], "<u4")
            machine.write(self.image.symbol("network_image").address, address)
        else:
            machine.write(arena + plan.activation(graph.input.name).offset, image)
        execution = machine.call(ENTRY)
        place = arena + plan.activation(graph.output.name).offset
        output = machine.read(place, graph.output.shape, graph.output.dtype)
        return NetworkRun(output, _values(output, graph.output), execution)


class HostNetwork:
    """The same C as a library of this machine.

    Args:
        program: what `generate` made.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._library = build_host_library(program.sources, program.headers)
        self._run = getattr(self._library, ENTRY)
        self._run.argtypes, self._run.restype = (), None
        plan = program.plan
        self._graph, self._fed = plan.graph, is_fed(plan)
        # A small network takes less time than one more look at its plan, or at its integers. (Real
        # numbers may hold NaN.)
        dtype = np.dtype(plan.graph.input.dtype)
        self._unchecked = dtype if dtype.kind != "f" else None
        self._output = self._view(plan.graph.output)
        self._input = self._output if self._fed else self._view(plan.graph.input)

    def run(self, x: NDArray[Any]) -> NDArray[Any]:
        """Infer one image; arguments as for `NetworkMachine.run`.

        Returns:
            The output in its shape and type.
        """
        if self._fed:
            image = np.ascontiguousarray(to_integers(self._graph, x))
            pointer = ctypes.c_void_p.in_dll(self._library, "network_image")
            pointer.value = image.ctypes.data
        elif type(x) is np.ndarray and x.dtype is self._unchecked and x.shape == self._input.shape:
            self._input[...] = x
        else:
            self._input[...] = to_integers(self._graph, x)
        self._run()
        return self._output.copy()

    def _view(self, tensor: Tensor) -> NDArray[Any]:
        """An activation in the library's arena."""
        at = self.program.plan.activation(tensor.name)
        size = -(-self.program.plan.peak_bytes // ALIGNMENT) * ALIGNMENT
        arena = (ctypes.c_uint8 * size).in_dll(self._library, "network_arena")
        return np.ndarray(tensor.shape, tensor.dtype, memoryview(arena), at.offset)


def _values(output: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    return output if tensor.quantization is None else dequantize(output, tensor.quantization)
