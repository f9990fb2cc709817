"""The parts of a stage: one operator on one region, made ready to run many times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Pad
from tinyml_course.mcu.kernels import Kernel, make_kernel
from tinyml_course.mcu.kernels.unweighted import AveragePoolKernel
from tinyml_course.mcu.scheduling import ARRIVAL, PatchFlow, Region, RowFlow, Tile, Tiler
from tinyml_course.mcu.stages.places import Access, Place

Constants = Mapping[str, Mapping[str, NDArray[Any]]]


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


class PartMaker:
    """Makes the parts of a stage, kernels shared among alike ones.

    Args:
        flow: in which order.
        places: where each map of the stage lies.
        sums: where each operator that sums up rows keeps its sums.
        constants: of each operator, as they stand in flash.
    """

    def __init__(
        self,
        flow: RowFlow | PatchFlow,
        places: Mapping[str, Place],
        sums: Mapping[str, Access],
        constants: Constants,
    ) -> None:
        self.flow, self.stage = flow, flow.stage
        self.places, self.constants = places, constants
        self.tiler = Tiler(self.stage)
        self.kernels: dict[Graph, Kernel] = {}
        self.room_for_sums = sums
        self.sums: dict[str, RowSums] = {}

    def parts(self) -> tuple[Part, ...]:
        """All of them, in order."""
        return tuple(self._rows() if isinstance(self.flow, RowFlow) else self._patches())

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
        if operator.name not in self.room_for_sums:
            raise GraphError(
                f"the plan has no room for the sums of {operator.name}; it was made for another "
                f"schedule of {graph.name}"
            )
        rows, whole = self.tiler.one_row(index), self.tiler.tile(index, region)
        assert whole is not None  # there is a row to read
        one, all_of_them = (make_kernel(g, o, {}) for g, o in (rows, (whole.graph, whole.operator)))
        assert isinstance(one, AveragePoolKernel)
        assert isinstance(all_of_them, AveragePoolKernel)
        return RowSums(self.room_for_sums[operator.name], one, all_of_them)

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
