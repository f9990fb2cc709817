"""The emulated microcontroller: a graph runs inside byte arrays of the board's size.

Operators read and write through the plan's addresses. A shadow of the arena notes which tensor
owns each byte, so that a plan that overlaps what it must not is caught at the first wrong access,
and the high-water mark is measured, not copied from the plan.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Operator, dequantize
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.faults import (
    ClobberedRead,
    EmulatorFault,
    FlashOverflow,
    ScratchTooSmall,
    SramOverflow,
    UninitialisedRead,
    UnsafeOverlap,
    UseAfterFree,
    WriteToFlash,
)
from tinyml_course.mcu.inputs import to_integers
from tinyml_course.mcu.kernels import Kernel, make_kernel
from tinyml_course.mcu.one_thread import one_blas_thread
from tinyml_course.mcu.overlap import lawful_overlap, overlap_is_safe
from tinyml_course.mcu.planning import Buffer, Plan

SCRATCH_PATTERN = 0xA5
"""Written over scratch before an operator runs: what it destroys on a board, it destroys here."""

# Owner of a byte: a buffer while it is held, minus that buffer once it has been given up.
_NOBODY, _A_STORE = 0, -(2**31)


@dataclass(frozen=True)
class StepTrace:
    """What one operator did to memory.

    Attributes:
        index: position in execution order.
        operator: its name.
        live_bytes: bytes owned by somebody while it ran, measured in the arena.
        read_bytes: activation bytes read.
        written_bytes: activation and scratch bytes written.
        high_water_bytes: highest byte written so far, plus one.
    """

    index: int
    operator: str
    live_bytes: int
    read_bytes: int
    written_bytes: int
    high_water_bytes: int


@dataclass(frozen=True, eq=False)
class Run:
    """One inference.

    Attributes:
        output: in the output's shape and type, int8 unless the graph declares another.
        values: the real numbers it stands for, float32.
        trace: one record per operator.
        peak_bytes: measured high-water mark of the arena.
    """

    output: NDArray[Any]
    values: NDArray[np.float32]
    trace: tuple[StepTrace, ...]
    peak_bytes: int


class Emulator:
    """A board with a network flashed to it.

    Args:
        graph: the network.
        plan: where its tensors lie.
        board: the memory there is; by default just as much as the plan asks for.

    Raises:
        GraphError: the plan was made for another graph.
        EmulatorFault: the constants do not fit into flash.
    """

    def __init__(self, graph: Graph, plan: Plan, board: Board | None = None) -> None:
        if graph is not plan.source and graph is not plan.graph:
            raise GraphError(f"the plan was made for {plan.graph.name}; plan {graph.name} itself")
        # A planner may have had to rewrite the graph; what it planned is what runs.
        graph = plan.graph
        self.graph, self.plan = graph, plan
        self.sram_bytes = plan.peak_bytes if board is None else board.sram_bytes
        self.sram_base = 0x2000_0000 if board is None else board.sram_base
        self.flash_base = 0x0800_0000 if board is None else board.flash_base
        self.flash = plan.flash.image()
        self.flash.setflags(write=False)
        if board is not None and self.flash.size > board.flash_bytes:
            missing = self.flash.size - board.flash_bytes
            raise FlashOverflow(
                "flashing", -1, self.flash_base, f"constants exceed flash by {missing:,} B"
            )
        self.sram = np.zeros(self.sram_bytes, np.uint8)
        self.owner = np.zeros(self.sram_bytes, np.int32)
        # A tensor and the scratch of the operator that writes it may have one name.
        keys = dict.fromkeys((b.role == "activation", b.name) for b in plan.buffers)
        self.owners = list(keys)
        self.ids = {key: index + 1 for index, key in enumerate(self.owners)}
        self.kernels = [make_kernel(graph, o, self._constants(o)) for o in graph.operators]
        self.high_water_bytes = 0

    def run(self, x: NDArray[Any]) -> Run:
        """Infer one image.

        Args:
            x: int8 or float, ``(1, H, W, C)`` or ``(H, W, C)``.

        Raises:
            EmulatorFault: an access that a board would trap or get wrong, with the operator.
        """
        graph = self.graph
        self.sram[:] = 0
        self.owner[:] = _NOBODY
        self.high_water_bytes = 0
        for buffer in self.plan.buffers:
            if buffer.role == "runtime":
                self._claim(buffer, "start", 0)
                self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        image = to_integers(graph, x)
        self._write(self._buffer(graph.input.name), image, "input", 0)
        with one_blas_thread():
            trace = tuple(
                self._step(index, operator, kernel)
                for index, (operator, kernel) in enumerate(
                    zip(graph.operators, self.kernels, strict=True)
                )
            )
        last = len(graph.operators) - 1
        output = self._read(graph.output.name, graph.operators[last], last).copy()
        quantization = graph.output.quantization
        values = output if quantization is None else dequantize(output, quantization)
        return Run(output, values, trace, self.high_water_bytes)

    def store(self, address: int, data: bytes) -> None:
        """Write bytes at an absolute address, as a program would.

        Raises:
            WriteToFlash: the address lies in flash.
            SramOverflow: it lies outside SRAM.
        """
        if self.flash_base <= address < self.flash_base + self.flash.size:
            raise WriteToFlash("store", -1, address, "flash can only be read while a program runs")
        start = address - self.sram_base
        if start < 0 or start + len(data) > self.sram_bytes:
            raise SramOverflow("store", -1, address, f"outside the {self.sram_bytes:,} B of SRAM")
        self.sram[start : start + len(data)] = np.frombuffer(data, np.uint8)
        self.owner[start : start + len(data)] = _A_STORE
        self.high_water_bytes = max(self.high_water_bytes, start + len(data))

    def _step(self, index: int, operator: Operator, kernel: Kernel) -> StepTrace:
        output = self._buffer(operator.outputs[0])
        scratch = self.plan.scratch(operator.name)
        for buffer in scratch:
            self._claim(buffer, operator.name, index)
            self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        sources = [t.name for t in self.graph.activations_of(operator)]
        inputs = [self._read(name, operator, index) for name in sources]
        for name in sources:
            self._check_overlap(operator, index, self._buffer(name), output, scratch)
        for buffer in scratch:
            if buffer.shares_bytes_with(output):
                address = self.sram_base + max(buffer.offset, output.offset)
                message = f"would write {output.name} over its own scratch"
                raise UnsafeOverlap(operator.name, index, address, message)
        result = kernel.run(inputs)
        read_bytes = sum(array.nbytes for array in inputs)
        held = self._held_bytes(output)
        self._write(output, result, operator.name, index)
        self._free(index)
        return StepTrace(
            index,
            operator.name,
            held,
            read_bytes,
            output.size_bytes + sum(buffer.size_bytes for buffer in scratch),
            self.high_water_bytes,
        )

    def _id(self, buffer: Buffer) -> int:
        return self.ids[buffer.role == "activation", buffer.name]

    def _buffer(self, tensor: str) -> Buffer:
        return self.plan.activation(tensor)

    def _constants(self, operator: Operator) -> dict[str, NDArray[Any]]:
        """Weights and tables as they stand in the flash bytes."""
        return {
            role: self.flash[s.offset : s.offset + s.size_bytes]
            .view(s.data.dtype)
            .reshape(s.data.shape)
            for role, s in self.plan.flash.of(operator.name).items()
        }

    def _claim(self, buffer: Buffer, operator: str, step: int) -> None:
        """Make ``buffer`` the owner of its bytes; whoever was there loses them."""
        if buffer.offset < 0:
            message = f"{buffer.name} starts {-buffer.offset:,} B before SRAM"
            raise SramOverflow(operator, step, self.sram_base, message)
        if buffer.end > self.sram_bytes:
            behind = buffer.end - self.sram_bytes
            message = f"{buffer.name} ends {behind:,} B behind the {self.sram_bytes:,} B of SRAM"
            raise SramOverflow(operator, step, self.sram_base + buffer.offset, message)
        self.owner[buffer.offset : buffer.end] = self._id(buffer)
        self.high_water_bytes = max(self.high_water_bytes, buffer.end)

    def _write(self, buffer: Buffer, values: NDArray[Any], operator: str, step: int) -> None:
        self._claim(buffer, operator, step)
        self.sram[buffer.offset : buffer.end] = values.reshape(-1).view(np.uint8)

    def _read(self, name: str, operator: Operator, step: int) -> NDArray[Any]:
        """A view of a tensor's bytes, if they are still its own."""
        buffer = self._buffer(name)
        owners = self.owner[buffer.offset : buffer.end]
        if owners.size == buffer.size_bytes and (owners == self._id(buffer)).all():
            tensor = self.graph.tensors[name]
            return self.sram[buffer.offset : buffer.end].view(tensor.dtype).reshape(tensor.shape)
        raise self._bad_read(name, buffer, operator, step)

    def _bad_read(self, name: str, buffer: Buffer, operator: Operator, step: int) -> EmulatorFault:
        owners = self.owner[buffer.offset : buffer.end]
        if owners.size < buffer.size_bytes:
            address = self.sram_base + self.sram_bytes
            return SramOverflow(operator.name, step, address, f"{name} reaches behind SRAM")
        wrong = int(np.flatnonzero(owners != self._id(buffer))[0])
        address = self.sram_base + buffer.offset + wrong
        owner = int(owners[wrong])
        if owner == _NOBODY:
            return UninitialisedRead(
                operator.name, step, address, f"reads {name}, where nothing was written"
            )
        if owner == -self._id(buffer):
            return UseAfterFree(operator.name, step, address, f"reads {name}, no longer held")
        message = f"reads {name}, overwritten by {self._owner_name(owner)}"
        return ClobberedRead(operator.name, step, address, message)

    def _owner_name(self, owner: int) -> str:
        if owner == _A_STORE:
            return "a store"
        is_activation, name = self.owners[abs(owner) - 1]
        return name if is_activation else f"the scratch of {name}"

    def _check_overlap(
        self,
        operator: Operator,
        step: int,
        source: Buffer,
        output: Buffer,
        scratch: list[Buffer],
    ) -> None:
        if not source.shares_bytes_with(output):
            return
        address = self.sram_base + max(source.offset, output.offset)
        if not overlap_is_safe(self.graph, operator, source.name, source.offset, output.offset):
            raise UnsafeOverlap(
                operator.name, step, address, f"would overwrite {source.name} while reading it"
            )
        overlap = lawful_overlap(self.graph, operator, source.name)
        assert overlap is not None  # the output may share bytes only where it is lawful
        needed = overlap.scratch_bytes
        available = sum(buffer.size_bytes for buffer in scratch)
        if available < needed:
            raise ScratchTooSmall(
                operator.name,
                step,
                address,
                f"runs in place with {available:,} B of scratch, needs {needed:,} B",
            )

    def _held_bytes(self, output: Buffer) -> int:
        """Bytes owned while the operator runs: everybody's, and the output's to be."""
        reach = max(self.high_water_bytes, output.end)
        held = self.owner[:reach] > 0
        held[output.offset : output.end] = True
        return int(np.count_nonzero(held))

    def _free(self, step: int) -> None:
        """Take the bytes from buffers that are not held after ``step``."""
        for buffer in self.plan.timeline[step].buffers:
            if buffer.lifetime.last == step and step < len(self.graph.operators) - 1:
                owners = self.owner[buffer.offset : buffer.end]
                owners[owners == self._id(buffer)] = -self._id(buffer)
