"""A generated network that runs: on the emulated core, and on this machine."""

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.generate import ALIGNMENT, Program, is_fed
from tinyml_course.firmware.machine import Execution, Machine
from tinyml_course.firmware.toolchain import DEFAULT_STACK_BYTES, build, build_host_library
from tinyml_course.graph import Tensor, dequantize
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.inputs import to_integers

ENTRY = "network_run"


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
    ) -> None:
        self.program = program
        self.image = build(
            board, program.sources, program.headers, keep=[ENTRY], stack_bytes=stack_bytes
        )
        self.machine = Machine(board, self.image, program.operators, strict=strict)

    def run(self, x: NDArray[Any]) -> NetworkRun:
        """Infer one image, over painted SRAM.

        Args:
            x: int8 or float, ``(1, H, W, C)`` or ``(H, W, C)``.

        Raises:
            MachineFault: what a board would trap, with the operator.
        """
        plan, machine = self.program.plan, self.machine
        graph = plan.graph
        machine.reset()
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

    def run(self, x: NDArray[Any]) -> NDArray[Any]:
        """Infer one image; arguments as for `NetworkMachine.run`.

        Returns:
            The output in its shape and type.
        """
        plan = self.program.plan
        graph = plan.graph
        output = plan.activation(graph.output.name)
        image = np.ascontiguousarray(to_integers(graph, x)).reshape(-1).view(np.uint8)
        if is_fed(plan):
            pointer = ctypes.c_void_p.in_dll(self._library, "network_image")
            pointer.value = image.ctypes.data
        else:
            source = plan.activation(graph.input.name)
            self._arena[source.offset : source.end] = image
        getattr(self._library, ENTRY)()
        found = self._arena[output.offset : output.end].copy()
        return found.view(graph.output.dtype).reshape(graph.output.shape)

    @cached_property
    def _arena(self) -> NDArray[np.uint8]:
        size = -(-self.program.plan.peak_bytes // ALIGNMENT) * ALIGNMENT
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).in_dll(self._library, "network_arena"))


def _values(output: NDArray[Any], tensor: Tensor) -> NDArray[np.float32]:
    return output if tensor.quantization is None else dequantize(output, tensor.quantization)
