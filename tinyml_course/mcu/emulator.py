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
_NOBODY, _A_STORE = 0, -(2**15)


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


@dataclass(frozen=True)
class _PlannedStep:
    """What the plan says about one operator, looked up once.

    Attributes:
        operator: the operator.
        sources: names of the activations it reads.
        output: where it writes.
        scratch: what it scribbles on.
        dying: buffers that nobody holds afterwards.
        fault: what is wrong with how these overlap, raised when the operator would run.
    """

    operator: Operator
    sources: tuple[str, ...]
    output: Buffer
    scratch: tuple[Buffer, ...]
    dying: tuple[Buffer, ...]
    fault: EmulatorFault | None


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
        self.owner = np.zeros(self.sram_bytes, np.int16)
        # A tensor and the scratch of the operator that writes it may have one name.
        keys = dict.fromkeys((b.role == "activation", b.name) for b in plan.buffers)
        self.owners = list(keys)
        self.ids = {key: index + 1 for index, key in enumerate(self.owners)}
        self.kernels = [make_kernel(graph, o, self._constants(o)) for o in graph.operators]
        self.steps = [self._planned(index, o) for index, o in enumerate(graph.operators)]
        self.high_water_bytes = self.held_bytes = 0

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
        self.high_water_bytes = self.held_bytes = 0
        for buffer in self.plan.buffers:
            if buffer.role == "runtime":
                self._claim(buffer, "start", 0)
                self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        image = to_integers(graph, x)
        self._write(self._buffer(graph.input.name), image, "input", 0)
        with one_blas_thread():
            trace = tuple(
                self._step(index, step, kernel)
                for index, (step, kernel) in enumerate(zip(self.steps, self.kernels, strict=True))
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
        self.held_bytes -= _held(self.owner[start : start + len(data)])
        self.owner[start : start + len(data)] = _A_STORE
        self.high_water_bytes = max(self.high_water_bytes, start + len(data))

    def _planned(self, index: int, operator: Operator) -> _PlannedStep:
        output = self._buffer(operator.outputs[0])
        scratch = tuple(self.plan.scratch(operator.name))
        sources = tuple(t.name for t in self.graph.activations_of(operator))
        ends = index < len(self.graph.operators) - 1
        return _PlannedStep(
            operator,
            sources,
            output,
            scratch,
            tuple(b for b in self.plan.buffers if b.lifetime.last == index and ends),
            self._overlap_fault(operator, index, sources, output, scratch),
        )

    def _step(self, index: int, step: _PlannedStep, kernel: Kernel) -> StepTrace:
        name, output, scratch = step.operator.name, step.output, step.scratch
        for buffer in scratch:
            self._claim(buffer, name, index)
            self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        inputs = [self._read(source, step.operator, index) for source in step.sources]
        if step.fault is not None:
            raise step.fault
        result = kernel.run(inputs)
        read_bytes = sum(array.nbytes for array in inputs)
        self._write(output, result, name, index)
        # The output's bytes count, and so do those it took from an input: they were one's or the
        # other's while the operator ran.
        held = self.held_bytes
        for buffer in step.dying:
            self._free(buffer)
        return StepTrace(
            index,
            name,
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
        owners = self.owner[buffer.offset : buffer.end]
        self.held_bytes += owners.size - _held(owners)
        owners[:] = self._id(buffer)
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

    def _overlap_fault(
        self,
        operator: Operator,
        step: int,
        sources: tuple[str, ...],
        output: Buffer,
        scratch: tuple[Buffer, ...],
    ) -> EmulatorFault | None:
        """What is wrong with the places of an operator's buffers, whatever the numbers in them."""

        def at(buffer: Buffer) -> int:
            return self.sram_base + max(buffer.offset, output.offset)

        for name in sources:
            source = self._buffer(name)
            if not source.shares_bytes_with(output):
                continue
            if not overlap_is_safe(self.graph, operator, name, source.offset, output.offset):
                message = f"would overwrite {name} while reading it"
                return UnsafeOverlap(operator.name, step, at(source), message)
            overlap = lawful_overlap(self.graph, operator, name)
            assert overlap is not None  # the output may share bytes only where it is lawful
            available = sum(buffer.size_bytes for buffer in scratch)
            if available < overlap.scratch_bytes:
                message = (
                    f"runs in place with {available:,} B of scratch, needs "
                    f"{overlap.scratch_bytes:,} B"
                )
                return ScratchTooSmall(operator.name, step, at(source), message)
        for buffer in scratch:
            if buffer.shares_bytes_with(output):
                message = f"would write {output.name} over its own scratch"
                return UnsafeOverlap(operator.name, step, at(buffer), message)
        return None

    def _free(self, buffer: Buffer) -> None:
        """Take from a buffer the bytes that are still its own."""
        owners, own = self.owner[buffer.offset : buffer.end], self._id(buffer)
        mine = owners == own
        count = int(np.count_nonzero(mine))
        self.held_bytes -= count
        if count == owners.size:
            owners[:] = -own
        else:
            owners[mine] = -own


def _held(owners: NDArray[np.int16]) -> int:
    """Bytes that somebody owns."""
    return int(np.count_nonzero(owners > _NOBODY))
