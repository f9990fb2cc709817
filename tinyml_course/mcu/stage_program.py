"""A stage in the arena: row by row or patch by patch, at the plan's addresses.

Addresses do not depend on the numbers in the tensors. So every access of a stage is checked against
the shadow of the arena once, when the stage first runs, part by part and byte by byte; later runs
move the same bytes through the same places without asking again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Operator, Tensor
from tinyml_course.graph.operators import Pad
from tinyml_course.mcu.arena import Arena, Owners
from tinyml_course.mcu.faults import EmulatorFault, ScratchTooSmall, UnsafeOverlap
from tinyml_course.mcu.kernels import Kernel, make_kernel
from tinyml_course.mcu.kernels.unweighted import AveragePoolKernel
from tinyml_course.mcu.overlap import lawful_overlap, overlap_is_safe
from tinyml_course.mcu.planning import Buffer, Plan
from tinyml_course.mcu.scheduling import ARRIVAL, PatchFlow, Region, RowFlow, Tile, Tiler, Unit

SCRATCH_PATTERN = 0xA5
"""Written over scratch before an operator runs: what it destroys on a board, it destroys here."""


@dataclass(frozen=True, eq=False)
class Access:
    """A part of a map, in the arena.

    Attributes:
        values: view of the bytes, ``(1, rows, columns, C)`` in the map's type.
        shadow: view of their owners, with the bytes of a pixel along the last axis.
        owner: who must own them, or will.
        start: first byte.
        end: first byte behind.
        is_dense: whether all bytes between belong to the part.
    """

    values: NDArray[Any]
    shadow: Owners
    owner: int | Owners
    start: int
    end: int
    is_dense: bool


@dataclass(frozen=True, eq=False)
class Part:
    """One operator on one region.

    Attributes:
        operator: the operator; ``None`` where a part of the image arrives.
        name: of the operator, for messages.
        kernel: its arithmetic on the region; ``None`` if nothing is read.
        sources: for each activation the pieces, one below the other, that make up what is read.
        names: of these activations.
        output: where the result goes.
        arrival: the region of the image that arrives.
        fill: what a region holds for which nothing is read, because it is all border.
        tile: the operator on the region, for the rules of overlapping.
        sums: of an operator that sums up rows; then one row is read.
        is_first: whether it is the first of them.
        is_last: whether it is the last of them, and the result is written.
    """

    operator: Operator | None
    name: str
    kernel: Kernel | None
    sources: tuple[tuple[Access, ...], ...]
    names: tuple[str, ...]
    output: Access
    arrival: Region | None = None
    fill: NDArray[Any] | None = None
    tile: Tile | None = None
    sums: "RowSums | None" = None
    is_first: bool = True
    is_last: bool = True


class RowSums:
    """Sums of an average over all rows, in the arena; each row is added when it is there.

    Args:
        access: where the int32 sums lie.
        row: the operator on one row, without padding above and below.
        whole: the operator on the whole map, which knows how many elements it averages.
    """

    def __init__(self, access: Access, row: AveragePoolKernel, whole: AveragePoolKernel) -> None:
        self.access, self.row, self.whole = access, row, whole

    def add(self, x: NDArray[Any], is_first: bool) -> None:
        """Add a row ``(1, 1, W, C)``."""
        before = 0 if is_first else self.access.values
        self.access.values[...] = before + self.row.sums(x)

    def finish(self) -> NDArray[Any]:
        """The average."""
        return self.whole.finish(self.access.values)


class _Place:
    """A map, or what is kept of it, at the plan's address."""

    def __init__(self, arena: Arena, tensor: Tensor, buffer: Buffer, owner: int) -> None:
        self.tensor, self.buffer, self.owner = tensor, buffer, owner
        _, _, self.width, channels = tensor.shape
        self.item_bytes = np.dtype(tensor.dtype).itemsize
        self.pixel_bytes = channels * self.item_bytes
        self.arena = arena

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:
        """The pieces of the region, one below the other."""
        raise NotImplementedError

    def view(
        self, offset: int, shape: tuple[int, int], window: Region, owner: int | Owners
    ) -> Access:
        """A window of ``shape`` rows and columns of pixels that start ``offset`` bytes behind."""
        rows, columns = shape
        start = self.buffer.offset + offset
        size = rows * columns * self.pixel_bytes
        sram, shadow = self.arena.sram[start : start + size], self.arena.owner[start : start + size]
        rows_of, columns_of = slice(*window.rows), slice(*window.columns)
        values = sram.view(self.tensor.dtype).reshape(1, rows, columns, -1)
        owners = shadow.reshape(rows, columns, -1)[rows_of, columns_of]
        first = (window.rows[0] * columns + window.columns[0]) * self.pixel_bytes
        behind = ((window.rows[1] - 1) * columns + window.columns[1]) * self.pixel_bytes
        is_dense = window.columns == (0, columns) or window.rows[1] - window.rows[0] == 1
        return Access(
            values[:, rows_of, columns_of], owners, owner, start + first, start + behind, is_dense
        )


class _Whole(_Place):
    """All of a map lies in SRAM."""

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:  # noqa: ARG002
        shape = self.tensor.shape[1:3]
        return (self.view(0, (shape[0], shape[1]), region, self.owner),)


class _Ring(_Place):
    """Row ``y`` lies in slot ``y % slots``."""

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:  # noqa: ARG002
        row_bytes = self.width * self.pixel_bytes
        slots = self.buffer.size_bytes // row_bytes
        pieces, row = [], region.rows[0]
        while row < region.rows[1]:
            slot = row % slots
            count = min(slots - slot, region.rows[1] - row)
            owners = (self.owner + np.arange(row, row + count, dtype=np.int32))[:, None, None]
            window = Region((0, count), region.columns)
            pieces.append(self.view(slot * row_bytes, (count, self.width), window, owners))
            row += count
        return tuple(pieces)


class _PatchRoom(_Place):
    """The region of the patch at hand, packed."""

    def __init__(
        self, arena: Arena, tensor: Tensor, buffer: Buffer, owner: int, regions: Sequence[Region]
    ) -> None:
        super().__init__(arena, tensor, buffer, owner)
        self.regions = regions

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:
        held = self.regions[patch]
        shape = held.rows[1] - held.rows[0], held.columns[1] - held.columns[0]
        window = Region(
            (region.rows[0] - held.rows[0], region.rows[1] - held.rows[0]),
            (region.columns[0] - held.columns[0], region.columns[1] - held.columns[0]),
        )
        return (self.view(0, shape, window, self.owner + patch),)


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
        constants: Mapping[str, Mapping[str, NDArray[Any]]],
    ) -> None:
        assert unit.flow is not None
        self.plan, self.unit, self.arena = plan, unit, arena
        self.flow, self.stage = unit.flow, unit.flow.stage
        self.constants = constants
        self.tiler = Tiler(self.stage)
        self.kernels: dict[Graph, Kernel] = {}
        self.sums: dict[str, RowSums] = {}
        self.scratch = {o.name: tuple(plan.scratch(o.name)) for o in unit.operators}
        self.owners = owners
        self.overflow = self._overflow()
        if self.overflow is None:
            self.places = {b.name: self._place(b) for b in self._buffers()}
            rows = isinstance(self.flow, RowFlow)
            self.parts = tuple(self._rows() if rows else self._patches())
            pieces = [a for p in self.parts for pieces in p.sources for a in pieces]
            self.read_bytes = sum(piece.values.nbytes for piece in pieces)
            scratch = [b.size_bytes for p in self.parts for b in self.scratch.get(p.name, ())]
            self.written_bytes = sum(scratch) + sum(p.output.values.nbytes for p in self.parts)

    def checked(self, image: NDArray[Any]) -> None:
        """Run every part, and check each access before it happens.

        Raises:
            EmulatorFault: the first access that a board would get wrong.
        """
        if self.overflow is not None:
            raise self.overflow
        for part in self.parts:
            self._claim_scratch(part)
            for name, pieces in zip(part.names, part.sources, strict=True):
                for piece in pieces:
                    self._check(part, name, piece)
            fault = self._overlap_fault(part)
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

    def _place(self, buffer: Buffer) -> _Place:
        name = buffer.name
        tensor, owner = self.stage.graph.tensors[name], self.owners[buffer.role, name]
        if buffer.role == "rows":
            return _Ring(self.arena, tensor, buffer, owner)
        if buffer.role == "patch":
            assert isinstance(self.flow, PatchFlow)
            regions = [patch.regions[name] for patch in self.flow.patches]
            return _PatchRoom(self.arena, tensor, buffer, owner, regions)
        return _Whole(self.arena, tensor, buffer, owner)

    def _overflow(self) -> EmulatorFault | None:
        scratch = (buffer for own in self.scratch.values() for buffer in own)
        for buffer in (*self._buffers(), *scratch):
            fault = self.arena.overflow(
                buffer.offset, buffer.end, buffer.name, self.unit.name, self.unit.index
            )
            if fault is not None:
                return fault
        return None

    def _rows(self) -> list[Part]:
        assert isinstance(self.flow, RowFlow)
        stage, parts = self.stage, []
        for step in self.flow.steps:
            arrives = step.operator == ARRIVAL
            name = stage.source if arrives else stage.operators[step.operator].outputs[0]
            region = Region((step.row, step.row + 1), (0, stage.size(name)[1]))
            if arrives:
                parts.append(self._arrive(region, 0))
            elif step.summand is None:
                parts.append(self._part(step.operator, region))
            else:
                parts.append(self._summand(step.operator, step.summand, region))
        return parts

    def _summand(self, index: int, row: int, region: Region) -> Part:
        """One row of an average over all of them."""
        assert isinstance(self.flow, RowFlow)
        stage, operator = self.stage, self.stage.operators[index]
        start, stop = self.flow.needs(index, 0)
        if operator.name not in self.sums:
            self.sums[operator.name] = self._row_sums(index, region)
        (output,) = self._access(operator.outputs[0], region, 0)
        (name,) = (tensor.name for tensor in stage.graph.activations_of(operator))
        source = self._access(name, Region((row, row + 1), (0, stage.size(name)[1])), 0)
        tile = self.tiler.tile(index, region)
        return Part(
            operator,
            operator.name,
            None,
            (source,),
            (name,),
            output,
            tile=tile,
            sums=self.sums[operator.name],
            is_first=row == start,
            is_last=row == stop - 1,
        )

    def _row_sums(self, index: int, region: Region) -> RowSums:
        graph, operator = self.stage.graph, self.stage.operators[index]
        scratch = self.scratch[operator.name]
        if not scratch or scratch[0].size_bytes < 4 * graph.output_of(operator).elements:
            raise GraphError(
                f"the plan has no room for the sums of {operator.name}; it was made for another "
                f"schedule of {graph.name}"
            )
        rows, whole = self.tiler.one_row(index), self.tiler.tile(index, region)
        assert whole is not None  # there is a row to read
        kernels = [make_kernel(g, o, {}) for g, o in (rows, (whole.graph, whole.operator))]
        buffer = scratch[0]
        sram = self.arena.sram[buffer.offset : buffer.end]
        shadow = self.arena.owner[buffer.offset : buffer.end]
        values = sram.view(np.int32).reshape(graph.output_of(operator).shape[1:])
        owner = self.owners[buffer.role, buffer.name]
        access = Access(values, shadow, owner, buffer.offset, buffer.end, is_dense=True)
        one, all_of_them = kernels
        assert isinstance(one, AveragePoolKernel)
        assert isinstance(all_of_them, AveragePoolKernel)
        return RowSums(access, one, all_of_them)

    def _patches(self) -> list[Part]:
        assert isinstance(self.flow, PatchFlow)
        parts = []
        for index, patch in enumerate(self.flow.patches):
            arriving = patch.regions[self.stage.source]
            if self.flow.fed and arriving.pixels:
                parts.append(self._arrive(arriving, index))
            for position, operator in enumerate(self.stage.operators):
                region = patch.regions[operator.outputs[0]]
                if region.pixels:
                    parts.append(self._part(position, region, index))
        return parts

    def _access(self, name: str, region: Region, patch: int) -> tuple[Access, ...]:
        if name not in self.places:
            raise GraphError(
                f"the plan has no place for {name}; it was made for another schedule of "
                f"{self.stage.graph.name}"
            )
        return self.places[name].access(region, patch)

    def _arrive(self, region: Region, patch: int) -> Part:
        (output,) = self._access(self.stage.source, region, patch)
        return Part(None, "the image's arrival", None, (), (), output, region)

    def _part(self, index: int, region: Region, patch: int = 0) -> Part:
        operator, graph = self.stage.operators[index], self.stage.graph
        (output,) = self._access(operator.outputs[0], region, patch)
        tile = self.tiler.tile(index, region)
        if tile is None:
            fill = self._border(index, region)
            return Part(operator, operator.name, None, (), (), output, fill=fill)
        names = tuple(tensor.name for tensor in graph.activations_of(operator))
        sources = tuple(self._access(name, tile.source, patch) for name in names)
        kernel = self._kernel(tile)
        return Part(operator, operator.name, kernel, sources, names, output, tile=tile)

    def _border(self, index: int, region: Region) -> NDArray[Any]:
        """What a region holds whose windows see nothing but padding."""
        operator, graph = self.stage.operators[index], self.stage.graph
        if isinstance(operator, Pad):
            output = graph.output_of(operator)
            return np.array(operator.border(output), output.dtype)
        alone, part = self.tiler.border(index, region)
        source = alone.input
        zeros = np.full(source.shape, source.scale_and_zero_point()[1], source.dtype)
        return make_kernel(alone, part, self.constants[operator.name]).run([zeros])

    def _kernel(self, tile: Tile) -> Kernel:
        if tile.graph not in self.kernels:
            constants = self.constants[tile.operator.name]
            self.kernels[tile.graph] = make_kernel(tile.graph, tile.operator, constants)
        return self.kernels[tile.graph]

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
        for buffer in scratch:
            if buffer.offset < output.end and output.start < buffer.end:
                message = f"would write {part.name}'s output over its own scratch"
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
