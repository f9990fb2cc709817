"""A stage in the arena: row by row or patch by patch, at the plan's addresses.

Addresses do not depend on the numbers in the tensors. So every access of a stage is checked against
the shadow of the arena once, when the stage first runs, part by part and byte by byte; later runs
move the same bytes through the same places without asking again.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.mcu.arena import Arena
from tinyml_course.mcu.faults import EmulatorFault, ScratchTooSmall, UnsafeOverlap
from tinyml_course.mcu.overlap import lawful_overlap, overlap_is_safe
from tinyml_course.mcu.planning import Buffer, Plan
from tinyml_course.mcu.scheduling import PatchFlow, RowFlow, Unit
from tinyml_course.mcu.stages.parts import Constants, Part, PartMaker
from tinyml_course.mcu.stages.places import Access, PatchRoom, Place, Ring, Whole
from tinyml_course.mcu.unpacked import UnpackedWeights

SCRATCH_PATTERN = 0xA5
"""Written over scratch before an operator runs: what it destroys on a board, it destroys here."""


class StageProgram:
    """The parts of a stage, in order.

    Args:
        plan: where everything lies.
        unit: the stage.
        arena: the SRAM; what the plan places outside of it is a fault when the stage runs.
        owners: for each buffer its first owner.
        constants: of each operator, as they stand in flash.
    """

    def __init__(
        self,
        plan: Plan,
        unit: Unit,
        arena: Arena,
        owners: Mapping[tuple[str, str], int],
        constants: Constants,
    ) -> None:
        assert unit.flow is not None
        self.plan, self.unit, self.arena = plan, unit, arena
        self.flow, self.stage = unit.flow, unit.flow.stage
        self.scratch = {o.name: tuple(plan.scratch(o.name)) for o in unit.operators}
        self.owners = owners
        self.weights = {
            o.name: weights
            for o in unit.operators
            if (weights := UnpackedWeights.of(plan, o.name, constants[o.name], owners)) is not None
        }
        self.overflow = self._overflow()
        if self.overflow is None:
            places = {buffer.name: self._place(buffer) for buffer in self._buffers()}
            self.parts = PartMaker(self.flow, places, self._sums(), constants).parts()
            pieces = [a for p in self.parts for pieces in p.sources for a in pieces]
            self.read_bytes = sum(piece.values.nbytes for piece in pieces)
            scratch = [b.size_bytes for p in self.parts for b in self.scratch.get(p.name, ())]
            unpacked = (w for p in self.parts if (w := self._weights_of(p)) is not None)
            scratch += [weights.buffer.size_bytes for weights in unpacked]
            self.written_bytes = sum(scratch) + sum(p.output.values.nbytes for p in self.parts)

    def checked(self, image: NDArray[Any]) -> None:
        """Run every part, and check each access before it happens.

        Raises:
            EmulatorFault: the first access that a board would get wrong.
        """
        if self.overflow is not None:
            raise self.overflow
        for part in self.parts:
            weights = self._weights_of(part)
            if weights is not None:
                weights.unpack(self.arena)
            self._claim_scratch(part)
            for name, pieces in zip(part.names, part.sources, strict=True):
                for piece in pieces:
                    self._check(part, name, piece)
            fault = self._overlap_fault(part)
            if fault is None and weights is not None:
                fault = weights.fault(self.arena, self.unit.index)
            if fault is not None:
                raise fault
            self._execute(part, image)
            if part.is_last:
                self.arena.claim(part.output.shadow, part.output.owner, part.output.end)

    def run(self, image: NDArray[Any]) -> None:
        """Run every part."""
        for part in self.parts:
            self._execute(part, image)

    def _execute(self, part: Part, image: NDArray[Any]) -> None:
        if part.sums is not None:
            part.sums.add(part.sources[0][0].values, part.is_first)
            if part.is_last:
                part.output.values[...] = part.sums.finish()
        elif part.kernel is not None:
            inputs = [
                pieces[0].values
                if len(pieces) == 1
                else np.concatenate([piece.values for piece in pieces], axis=1)
                for pieces in part.sources
            ]
            part.output.values[...] = part.kernel.run(inputs)
        elif part.fill is not None:
            part.output.values[...] = part.fill
        else:
            assert part.arrival is not None
            rows, columns = part.arrival.rows, part.arrival.columns
            part.output.values[...] = image[:, slice(*rows), slice(*columns)]

    def _buffers(self) -> list[Buffer]:
        """Where the stage's maps lie; a map of which no row is ever asked for lies nowhere."""
        stage = self.stage
        whole = {stage.output} if self.flow.fed else {stage.source, stage.output}
        return [
            buffer
            for name in (stage.source, *stage.inner, stage.output)
            if (buffer := self.plan.find(name, whole=name in whole)) is not None
        ]

    def _place(self, buffer: Buffer) -> Place:
        name = buffer.name
        tensor, owner = self.stage.graph.tensors[name], self.owners[buffer.role, name]
        if buffer.role == "rows":
            return Ring(self.arena, tensor, buffer, owner)
        if buffer.role == "patch":
            assert isinstance(self.flow, PatchFlow)
            regions = [patch.regions[name] for patch in self.flow.patches]
            return PatchRoom(self.arena, tensor, buffer, owner, regions)
        return Whole(self.arena, tensor, buffer, owner)

    def _sums(self) -> dict[str, Access]:
        """Where operators that sum up rows keep their sums, as far as the plan has room."""
        if not isinstance(self.flow, RowFlow):
            return {}
        rooms = {}
        for operator, size in zip(self.stage.operators, self.flow.sum_bytes, strict=True):
            large = [b for b in self.scratch[operator.name] if b.size_bytes >= size > 0]
            for buffer in large:
                where = slice(buffer.offset, buffer.offset + size)
                shape = self.stage.graph.output_of(operator).shape[1:]
                values = self.arena.sram[where].view(np.int32).reshape(shape)
                owner = self.owners[buffer.role, buffer.name]
                shadow = self.arena.owner[where]
                rooms[operator.name] = Access(values, shadow, owner, where.start, where.stop, True)
        return rooms

    def _overflow(self) -> EmulatorFault | None:
        scratch = (buffer for own in self.scratch.values() for buffer in own)
        weights = (weights.buffer for weights in self.weights.values())
        for buffer in (*self._buffers(), *scratch, *weights):
            fault = self.arena.overflow(
                buffer.offset, buffer.end, buffer.name, self.unit.name, self.unit.index
            )
            if fault is not None:
                return fault
        return None

    def _weights_of(self, part: Part) -> UnpackedWeights | None:
        """Those that are unpacked before a part."""
        return self.weights.get(part.name) if part.operator else None

    def _claim_scratch(self, part: Part) -> None:
        """Take what an operator scribbles on; sums are taken once and must then stay its own."""
        if part.operator is None:
            return
        for buffer in self.scratch.get(part.name, ()):
            where = slice(buffer.offset, buffer.end)
            owner = self.owners[buffer.role, buffer.name]
            if part.is_first:
                self.arena.claim(self.arena.owner[where], owner, buffer.end)
                self.arena.sram[where] = SCRATCH_PATTERN
            elif part.sums is not None:
                self._check(part, f"its sums in {part.name}", part.sums.access)

    def _check(self, part: Part, name: str, piece: Access) -> None:
        if (piece.shadow != piece.owner).any():
            raise self.arena.bad_read(
                name, (piece.shadow, piece.start), piece.owner, part.name, self.unit.index
            )

    def _overlap_fault(self, part: Part) -> EmulatorFault | None:
        """What is wrong with where a part's bytes lie, whatever the numbers in them."""
        output, index, tile = part.output, self.unit.index, part.tile

        def at(start: int) -> int:
            return self.arena.base + max(start, output.start)

        scratch = self.scratch.get(part.name, ()) if part.operator else ()
        weights = self._weights_of(part)
        for buffer in (*scratch, *([weights.buffer] if weights else [])):
            if buffer.offset < output.end and output.start < buffer.end:
                own = "weights" if weights and buffer is weights.buffer else "scratch"
                message = f"would write {part.name}'s output over its own {own}"
                return UnsafeOverlap(part.name, index, at(buffer.offset), message)
        for name, pieces in zip(part.names, part.sources, strict=True):
            touched = [p for p in pieces if p.start < output.end and output.start < p.end]
            if not touched:
                continue
            piece = touched[0]
            whole = len(pieces) == 1 and piece.is_dense and output.is_dense
            assert tile is not None  # a part that reads has one
            if not whole or not overlap_is_safe(
                tile.graph, tile.operator, name, piece.start, output.start
            ):
                message = f"would overwrite {name} while reading it"
                return UnsafeOverlap(part.name, index, at(piece.start), message)
            overlap = lawful_overlap(tile.graph, tile.operator, name)
            available = sum(buffer.size_bytes for buffer in scratch)
            if overlap is not None and available < overlap.scratch_bytes:
                needs = f"{available:,} B of scratch, needs {overlap.scratch_bytes:,} B"
                message = f"runs in place with {needs}"
                return ScratchTooSmall(part.name, index, at(piece.start), message)
        return None
