"""A stage that runs patch by patch: which region of every map each patch needs (MCUNetV2, 3.1)."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.scheduling.region import Region
from tinyml_course.mcu.scheduling.stage_graph import StageGraph


@dataclass(frozen=True)
class Patch:
    """One patch of a stage.

    Attributes:
        row: from the top.
        column: from the left.
        regions: of every map that the stage reads or writes, clipped at the map's borders; halos
            are where the regions of two patches overlap.
    """

    row: int
    column: int
    regions: dict[str, Region]


class PatchFlow:
    """The patches of a stage, row by row.

    Args:
        stage: the operators.
        rows: patches one above the other.
        columns: patches side by side.
        fed: whether each patch's part of the image arrives from outside.

    Raises:
        ScheduleError: there are more patches than rows or columns of the stage's output.
    """

    def __init__(self, stage: StageGraph, rows: int, columns: int, fed: bool = False) -> None:
        height, width = stage.size(stage.output)
        if not (1 <= rows <= height and 1 <= columns <= width):
            raise ScheduleError(
                f"{stage.output} has {height} x {width} pixels, it cannot be cut into "
                f"{rows} x {columns} patches"
            )
        self.stage, self.rows, self.columns, self.fed = stage, rows, columns, fed
        self.kind = f"PATCHES {rows}x{columns}"

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """All patches, with what each needs."""
        height, width = self.stage.size(self.stage.output)
        return tuple(
            Patch(row, column, self._regions(Region(span, across)))
            for row, span in enumerate(_split(height, self.rows))
            for column, across in enumerate(_split(width, self.columns))
        )

    def largest_bytes(self, name: str) -> int:
        """The most bytes that a patch needs of a map."""
        shape = self.stage.graph.tensors[name].shape
        pixel_bytes = self.stage.row_bytes(name) // shape[2]
        return max(patch.regions[name].pixels for patch in self.patches) * pixel_bytes

    def computed_pixels(self) -> list[int]:
        """Output pixels that each operator computes, those of halos as often as they occur."""
        return [
            sum(patch.regions[operator.outputs[0]].pixels for patch in self.patches)
            for operator in self.stage.operators
        ]

    def _regions(self, output: Region) -> dict[str, Region]:
        """From the output backwards: the smallest rectangle that holds what all readers need."""
        stage = self.stage
        regions = {stage.output: output}
        for operator, windows in zip(
            reversed(stage.operators), reversed(stage.windows), strict=True
        ):
            target = regions[operator.outputs[0]]
            for tensor in stage.graph.activations_of(operator):
                rows = windows[0].reach(*target.rows, tensor.shape[1])
                columns = windows[1].reach(*target.columns, tensor.shape[2])
                needed = Region((rows.start, rows.stop), (columns.start, columns.stop))
                before = regions.get(tensor.name)
                regions[tensor.name] = needed if before is None else _around(before, needed)
        return regions


def _split(size: int, parts: int) -> list[tuple[int, int]]:
    """``parts`` spans whose lengths differ by one at most."""
    edges = [size * i // parts for i in range(parts + 1)]
    return list(pairwise(edges))


def _around(first: Region, second: Region) -> Region:
    return Region(
        (min(first.rows[0], second.rows[0]), max(first.rows[1], second.rows[1])),
        (min(first.columns[0], second.columns[0]), max(first.columns[1], second.columns[1])),
    )
