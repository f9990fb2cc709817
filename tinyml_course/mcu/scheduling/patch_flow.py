"""A stage that runs patch by patch: which region of every map each patch needs (MCUNetV2, 3.1)."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import ScheduleError
from tinyml_course.graph.local_window import Reach
from tinyml_course.mcu.scheduling.region import Region
from tinyml_course.mcu.scheduling.stage_graph import StageGraph

Span = tuple[int, int]
"""First position, and first behind."""


@dataclass(frozen=True)
class Patch:
    """One patch of a stage.

    Attributes:
        row: from the top.
        column: from the left.
        regions: of every map that the stage reads or writes, clipped at the map's borders; halos
            are where the regions of two patches overlap. Empty where readers see only padding.
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
        return tuple(
            Patch(row, column, {name: Region(spans[name], across[name]) for name in spans})
            for row, spans in enumerate(self._spans[0])
            for column, across in enumerate(self._spans[1])
        )

    def largest_bytes(self, name: str) -> int:
        """The most bytes that a patch needs of a map."""
        shape = self.stage.graph.tensors[name].shape
        pixel_bytes = self.stage.row_bytes(name) // shape[2]
        rows, columns = (
            max(stop - start for start, stop in (spans[name] for spans in along))
            for along in self._spans
        )
        return rows * columns * pixel_bytes

    def computed_pixels(self) -> list[int]:
        """Output pixels that each operator computes, those of halos as often as they occur."""
        pixels = []
        for operator in self.stage.operators:
            name = operator.outputs[0]
            rows, columns = (
                sum(stop - start for start, stop in (spans[name] for spans in along))
                for along in self._spans
            )
            pixels.append(rows * columns)
        return pixels

    def steps_of(self, operator: int) -> NDArray[np.bool_]:
        """Which of a patch's steps, one for each operator, an operator of the stage is."""
        mask = np.zeros(len(self.stage.operators), bool)
        mask[operator] = self._runs(operator)
        return mask

    def times(self, operator: int) -> int:
        """How often an operator of the stage runs: once for each patch, if anybody reads it."""
        return len(self.patches) if self._runs(operator) else 0

    def _runs(self, operator: int) -> bool:
        """Whether anybody reads what an operator writes, instead of padding only."""
        name = self.stage.operators[operator].outputs[0]
        return all(
            any(stop > start for start, stop in (spans[name] for spans in along))
            for along in self._spans
        )

    def shapes(self, operator: int) -> list[Region]:
        """Regions that an operator writes; of those that read alike, at alike borders, one."""
        return [
            Region(rows, columns)
            for rows in self._distinct(operator, 0)
            for columns in self._distinct(operator, 1)
        ]

    @cached_property
    def _spans(self) -> tuple[list[dict[str, Span]], list[dict[str, Span]]]:
        """For each band of patches what it needs of every map: rows, then columns.

        A patch is where two bands cross, because rows and columns do not depend on each other.
        """
        height, width = self.stage.size(self.stage.output)
        return (
            [self._needed(0, span) for span in _split(height, self.rows)],
            [self._needed(1, span) for span in _split(width, self.columns)],
        )

    def _needed(self, axis: int, output: Span) -> dict[str, Span]:
        """From the output backwards: the shortest span that holds what all readers need."""
        stage = self.stage
        spans = {stage.output: output}
        for operator, windows in zip(
            reversed(stage.operators), reversed(stage.windows), strict=True
        ):
            start, stop = spans[operator.outputs[0]]
            for tensor in stage.graph.activations_of(operator):
                needed, before = (0, 0), spans.get(tensor.name, (0, 0))
                if stop > start:
                    reach = windows[axis].reach(start, stop, tensor.shape[1 + axis])
                    needed = reach.start, reach.stop
                spans[tensor.name] = _around(before, needed)
        return spans

    def _distinct(self, operator: int, axis: int) -> list[Span]:
        stage = self.stage
        name = stage.operators[operator].outputs[0]
        source = stage.graph.activations_of(stage.operators[operator])[0]
        found: dict[Reach, Span] = {}
        for spans in self._spans[axis]:
            start, stop = spans[name]
            if stop > start:
                reach = stage.windows[operator][axis].reach(start, stop, source.shape[1 + axis])
                found.setdefault(reach.moved(), (start, stop))
        return list(found.values())


def _split(size: int, parts: int) -> list[Span]:
    """``parts`` spans whose lengths differ by one at most."""
    edges = [size * i // parts for i in range(parts + 1)]
    return list(pairwise(edges))


def _around(first: Span, second: Span) -> Span:
    if first[0] == first[1] or second[0] == second[1]:  # one of the readers sees only padding
        return second if first[0] == first[1] else first
    return min(first[0], second[0]), max(first[1], second[1])
