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
from tinyml_course.mcu.arena import Arena
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.faults import (
    EmulatorFault,
    FlashOverflow,
    ScratchTooSmall,
    SramOverflow,
    UnsafeOverlap,
    WriteToFlash,
)
from tinyml_course.mcu.inputs import to_integers
from tinyml_course.mcu.kernels import Kernel, make_kernel
from tinyml_course.mcu.one_thread import one_blas_thread
from tinyml_course.mcu.overlap import lawful_overlap, overlap_is_safe
from tinyml_course.mcu.planning import Buffer, Plan
from tinyml_course.mcu.scheduling import PatchFlow, Unit
from tinyml_course.mcu.stages.program import SCRATCH_PATTERN, StageProgram
from tinyml_course.mcu.unpacked import UnpackedWeights


@dataclass(frozen=True)
class StepTrace:
    """What one operator, or one stage, did to memory.

    Attributes:
        index: position in execution order.
        operator: its name, or those of a stage's first and last operator.
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
        trace: one record per operator, or stage of a schedule.
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
        kernel: its arithmetic.
        sources: names of the activations it reads.
        output: where it writes.
        scratch: what it scribbles on.
        weights: those that are unpacked before it runs.
        fault: what is wrong with how these overlap, raised when the operator would run.
    """

    operator: Operator
    kernel: Kernel
    sources: tuple[str, ...]
    output: Buffer
    scratch: tuple[Buffer, ...]
    weights: UnpackedWeights | None
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
        self.arena = Arena(self.sram_bytes, self.sram_base)
        self.owners, self._owner_counts = self._register()
        self.steps = [self._planned(unit) for unit in plan.schedule.units]
        self._dying = [
            [b for b in plan.buffers if b.lifetime.last == step] for step in range(len(self.steps))
        ]
        # What a stage leaves behind in the shadow, once its accesses have been checked.
        self._after: dict[int, tuple[NDArray[np.int32], int, int]] = {}

    @property
    def sram(self) -> NDArray[np.uint8]:
        """The bytes."""
        return self.arena.sram

    @property
    def high_water_bytes(self) -> int:
        """Highest byte written in this run, plus one."""
        return self.arena.high_water_bytes

    def run(self, x: NDArray[Any]) -> Run:
        """Infer one image.

        Args:
            x: int8 or float, ``(1, H, W, C)`` or ``(H, W, C)``.

        Raises:
            EmulatorFault: an access that a board would trap or get wrong, with the operator.
        """
        graph = self.graph
        self.arena.reset()
        for buffer in self.plan.buffers:
            if buffer.role == "runtime":
                self._claim(buffer, "start", 0)
                self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        image = to_integers(graph, x)
        if self.plan.schedule.image == "memory":
            self._write(self._buffer(graph.input.name), image, "input", 0)
        trace = []
        with one_blas_thread():
            for index, step in enumerate(self.steps):
                if isinstance(step, StageProgram):
                    trace.append(self._stage(index, step, image))
                else:
                    trace.append(self._step(index, step))
        last = len(self.steps) - 1
        output = self._read(graph.output.name, graph.operators[-1], last).copy()
        quantization = graph.output.quantization
        values = output if quantization is None else dequantize(output, quantization)
        return Run(output, values, tuple(trace), self.high_water_bytes)

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
        stop = start + len(data)
        self.sram[start:stop] = np.frombuffer(data, np.uint8)
        self.arena.claim(self.arena.owner[start:stop], self._a_store, stop)

    def _register(self) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        """For each buffer its first owner, and how many it has: one for each row or patch."""
        owners: dict[tuple[str, str], int] = {}
        counts: dict[tuple[str, str], int] = {}
        patches = {
            name: unit.flow.patches
            for unit in self.plan.schedule.units
            if isinstance(unit.flow, PatchFlow)
            for name in (unit.flow.stage.source, *unit.flow.stage.inner)
        }
        for buffer in self.plan.buffers:
            name, key = buffer.name, (buffer.role, buffer.name)
            if key in owners:
                continue
            count, describe = 1, lambda _, name=name: name
            if buffer.role == "rows":
                count = self.graph.tensors[name].shape[1]
                describe = lambda row, name=name: f"row {row} of {name}"  # noqa: E731
            elif buffer.role == "patch":
                count = len(patches[name])
                describe = lambda patch, name=name: f"patch {patch} of {name}"  # noqa: E731
            elif buffer.role == "unpacked weights":
                describe = lambda _, name=name: f"the weights of {name}"  # noqa: E731
            elif buffer.role != "activation":
                describe = lambda _, name=name: f"the scratch of {name}"  # noqa: E731
            owners[key], counts[key] = self.arena.owners(count, describe), count
        self._a_store = self.arena.owners(1, lambda _: "a store")
        return owners, counts

    def _planned(self, unit: Unit) -> _PlannedStep | StageProgram:
        constants = {operator.name: self._constants(operator) for operator in unit.operators}
        if unit.flow is not None:
            return StageProgram(self.plan, unit, self.arena, self.owners, constants)
        operator = unit.operators[0]
        output = self._buffer(operator.outputs[0])
        scratch = tuple(self.plan.scratch(operator.name))
        sources = tuple(t.name for t in self.graph.activations_of(operator))
        own = constants[operator.name]
        weights = UnpackedWeights.of(self.plan, operator.name, own, self.owners)
        return _PlannedStep(
            operator,
            make_kernel(self.graph, operator, own),
            sources,
            output,
            scratch,
            weights,
            self._overlap_fault(operator, unit.index, sources, output, scratch),
        )

    def _step(self, index: int, step: _PlannedStep) -> StepTrace:
        name, output, scratch = step.operator.name, step.output, step.scratch
        weights = step.weights
        if weights is not None:
            self._write(weights.buffer, weights.values, name, index)
        for buffer in scratch:
            self._claim(buffer, name, index)
            self.sram[buffer.offset : buffer.end] = SCRATCH_PATTERN
        inputs = [self._read(source, step.operator, index) for source in step.sources]
        fault = step.fault
        if fault is None and weights is not None:
            fault = weights.fault(self.arena, index)
        if fault is not None:
            raise fault
        result = step.kernel.run(inputs)
        read_bytes = sum(array.nbytes for array in inputs)
        self._write(output, result, name, index)
        written = output.size_bytes + sum(buffer.size_bytes for buffer in scratch)
        written += 0 if weights is None else weights.buffer.size_bytes
        return self._finish(index, name, read_bytes, written)

    def _stage(self, index: int, stage: StageProgram, image: NDArray[Any]) -> StepTrace:
        if index not in self._after:
            stage.checked(image)
            arena = self.arena
            self._after[index] = arena.owner.copy(), arena.held_bytes, arena.high_water_bytes
        else:
            # Every run comes to this stage with the same shadow, and leaves it with the same.
            stage.run(image)
            owner, self.arena.held_bytes, self.arena.high_water_bytes = self._after[index]
            self.arena.owner[:] = owner
        return self._finish(index, stage.unit.name, stage.read_bytes, stage.written_bytes)

    def _finish(self, index: int, name: str, read_bytes: int, written_bytes: int) -> StepTrace:
        """Give up what nobody holds any longer, and note what there was."""
        # The output's bytes count, and so do those it took from an input: they were one's or the
        # other's while the operator ran.
        live_bytes = self.arena.held_bytes
        if index < len(self.steps) - 1:
            for buffer in self._dying[index]:
                key = (buffer.role, buffer.name)
                self.arena.free(
                    buffer.offset, buffer.end, self.owners[key], self._owner_counts[key]
                )
        return StepTrace(
            index, name, live_bytes, read_bytes, written_bytes, self.arena.high_water_bytes
        )

    def _buffer(self, tensor: str) -> Buffer:
        return self.plan.activation(tensor)

    def _constants(self, operator: Operator) -> dict[str, NDArray[Any]]:
        """Weights and tables as they stand in the flash bytes."""
        return {role: s.read(self.flash) for role, s in self.plan.flash.of(operator.name).items()}

    def _claim(self, buffer: Buffer, operator: str, step: int) -> None:
        """Make ``buffer`` the owner of its bytes; whoever was there loses them."""
        start, end = buffer.offset, buffer.end
        fault = self.arena.overflow(start, end, buffer.name, operator, step)
        if fault is not None:
            raise fault
        owner = self.owners[buffer.role, buffer.name]
        self.arena.claim(self.arena.owner[start:end], owner, end)

    def _write(self, buffer: Buffer, values: NDArray[Any], operator: str, step: int) -> None:
        self._claim(buffer, operator, step)
        self.sram[buffer.offset : buffer.end] = values.reshape(-1).view(np.uint8)

    def _read(self, name: str, operator: Operator, step: int) -> NDArray[Any]:
        """A view of a tensor's bytes, if they are still its own."""
        buffer = self._buffer(name)
        owners = self.arena.owner[buffer.offset : buffer.end]
        owner = self.owners[buffer.role, name]
        if owners.size < buffer.size_bytes:
            address = self.sram_base + self.sram_bytes
            raise SramOverflow(operator.name, step, address, f"{name} reaches behind SRAM")
        if not (owners == owner).all():
            where = owners, buffer.offset
            raise self.arena.bad_read(name, where, owner, operator.name, step)
        tensor = self.graph.tensors[name]
        return self.sram[buffer.offset : buffer.end].view(tensor.dtype).reshape(tensor.shape)

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
        weights = self.plan.unpacked(operator.name)
        for buffer in (*scratch, *([weights] if weights else [])):
            if buffer.shares_bytes_with(output):
                own = "weights" if buffer is weights else "scratch"
                message = f"would write {output.name} over its own {own}"
                return UnsafeOverlap(operator.name, step, at(buffer), message)
        return None
