"""A stage that streams: the order of its rows, and how many of each map must be kept.

Every row of the output is asked for in turn; whoever is asked for a row first asks for those it
needs and has not got. A map between two operators is then never whole: a ring of rows holds what
somebody still reads (vMCU, MLSys 2024; StreamNet, NeurIPS 2023; msf-CNN, NeurIPS 2025), and
nothing is computed twice.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph.local_window import LocalWindow
from tinyml_course.graph.operators import AveragePool2D, Elementwise
from tinyml_course.mcu.scheduling.stage_graph import StageGraph

ARRIVAL = -1
"""Stands for the operator where a row of the image arrives from outside."""


@dataclass(frozen=True)
class RowStep:
    """One row, written.

    Attributes:
        operator: index within the stage, or `ARRIVAL`.
        row: of the operator's output, or of the image.
        summand: of an operator that sums its input up row by row: the row that is added. The
            output's row is written with the last one.
    """

    operator: int
    row: int
    summand: int | None = None


@lru_cache(maxsize=4096)
def rows_read(window: LocalWindow, rows: int, size: int) -> list[tuple[int, int]]:
    """For each of ``rows`` outputs the inputs it reads, of ``size``: ``(start, stop)``."""
    reaches = (window.reach(row, row + 1, size) for row in range(rows))
    return [(reach.start, reach.stop) for reach in reaches]


class RowFlow:
    """The rows of a stage, in the order in which they are made.

    Args:
        stage: the operators.
        fed: whether the rows of the stage's source arrive from outside one by one, as from a
            camera, instead of lying in SRAM.
    """

    def __init__(self, stage: StageGraph, fed: bool = False) -> None:
        self.stage, self.fed = stage, fed
        self.steps: list[RowStep] = []
        graph = stage.graph
        self._producer = {o.outputs[0]: i for i, o in enumerate(stage.operators)}
        self._reads: list[list[str]] = [
            [t.name for t in graph.activations_of(operator)] for operator in stage.operators
        ]
        self._heights = {
            name: stage.size(name)[0] for name in (stage.source, *stage.inner, stage.output)
        }
        self._needs = [self._rows_read(index) for index in range(len(stage.operators))]
        self.sum_bytes = [self._sum_bytes(index) for index in range(len(stage.operators))]
        self._born: dict[str, dict[int, int]] = {name: {} for name in self._heights}
        self._last_use: dict[str, dict[int, int]] = {name: {} for name in self._heights}
        self._made = dict.fromkeys(self._heights, 0)
        if not fed:  # the whole map is there before the stage starts
            rows = self._heights[stage.source]
            self._born[stage.source] = dict.fromkeys(range(rows), -1)
            self._made[stage.source] = rows
        for row in range(self._heights[stage.output]):
            self._make(stage.output, row)
        self._operators = np.array([step.operator for step in self.steps])
        self._ring_rows: dict[str, int] = {}

    kind = "STREAM"

    def computed_pixels(self) -> list[int]:
        """Output pixels that each operator computes."""
        return [
            len(self._born[operator.outputs[0]]) * self.stage.size(operator.outputs[0])[1]
            for operator in self.stage.operators
        ]

    def needs(self, operator: int, row: int) -> tuple[int, int]:
        """Rows ``start .. stop - 1`` that an operator of the stage needs for a row."""
        return self._needs[operator][row]

    def reads(self, step: RowStep) -> range:
        """The rows that are read at a step."""
        if step.operator == ARRIVAL:
            return range(0)
        if step.summand is not None:
            return range(step.summand, step.summand + 1)
        return range(*self._needs[step.operator][step.row])

    def ring_rows(self, name: str) -> int:
        """Rows of a map that must be kept at once, so that row ``y`` may lie in slot ``y % n``.

        0 where nobody ever asks for a row, because later windows see padding only.
        """
        if name not in self._ring_rows:
            self._ring_rows[name] = self._count_ring_rows(name)
        return self._ring_rows[name]

    def _count_ring_rows(self, name: str) -> int:
        born, used = self._born[name], self._last_use[name]
        most, oldest = min(1, len(born)), 0
        rows = sorted(born)
        for row in rows:
            # Rows die in order as far as the ring is concerned: a slot is free once its row and
            # all before it are.
            while oldest < row and used.get(oldest, -1) < born[row]:
                oldest += 1
            most = max(most, row - oldest + 1)
        return most

    def live(self, name: str) -> NDArray[np.bool_]:
        """During which steps any row of a map is kept."""
        mask = np.zeros(len(self.steps), bool)
        for row, step in self._born[name].items():
            mask[max(step, 0) : max(step, self._last_use[name].get(row, step)) + 1] = True
        return mask

    def steps_of(self, operator: int) -> NDArray[np.bool_]:
        """During which steps an operator of the stage runs."""
        mask: NDArray[np.bool_] = self._operators == operator
        return mask

    def times(self, operator: int) -> int:
        """How often an operator of the stage runs: once for each row that it makes."""
        return int(self.steps_of(operator).sum())

    def sums_live(self, operator: int) -> NDArray[np.bool_]:
        """During which steps the sums of an operator that sums up are kept."""
        running = np.flatnonzero(self.steps_of(operator))
        mask = np.zeros(len(self.steps), bool)
        if running.size:
            mask[running[0] : running[-1] + 1] = True
        return mask

    @cached_property
    def distance_bytes(self) -> int:
        """The output's start less the source's, at most, if the two are to share bytes.

        Row by row: what has been written must end before the first row that is still read, or,
        where the last operator is elementwise, that was read for this very row.
        """
        stage = self.stage
        read, written = stage.row_bytes(stage.source), stage.row_bytes(stage.output)
        last = stage.operators[-1]
        in_place = isinstance(last, Elementwise) and read == written
        used, born = self._last_use[stage.source], self._born[stage.output]
        by_step = sorted((step, row) for row, step in used.items())
        # The first row still needed at a step or later: a minimum from the end.
        needed = {}
        lowest = None
        remaining = list(by_step)
        for row in sorted(born, reverse=True):
            at = born[row] + in_place
            while remaining and remaining[-1][0] >= at:
                candidate = remaining.pop()[1]
                lowest = candidate if lowest is None else min(lowest, candidate)
            needed[row] = lowest
        distances = [
            needed_row * read - (row + 1) * written
            for row, needed_row in needed.items()
            if needed_row is not None
        ]
        whole = stage.graph.tensors[stage.source].size_bytes
        return min(distances, default=whole)

    def _rows_read(self, operator: int) -> list[tuple[int, int]]:
        """For each row of an operator's output the rows it needs: ``(start, stop)``."""
        stage = self.stage
        (source, *_), output = self._reads[operator], stage.operators[operator].outputs[0]
        rows, columns = stage.windows[operator]
        if not columns.reach(0, stage.size(output)[1], stage.size(source)[1]).size:
            return [(0, 0)] * self._heights[output]  # every window lies beside the map
        return rows_read(rows, self._heights[output], self._heights[source])

    def _sum_bytes(self, operator: int) -> int:
        """int32 sums of an average over all rows, where they are smaller than those rows.

        0 for an operator that reads the rows of its window at once.
        """
        stage = self.stage
        average = stage.operators[operator]
        if not isinstance(average, AveragePool2D) or self._heights[average.outputs[0]] != 1:
            return 0
        size = 4 * stage.graph.output_of(average).elements
        start, stop = self._needs[operator][0]
        return size if size < (stop - start - 1) * stage.row_bytes(average.inputs[0]) else 0

    def _make(self, name: str, row: int) -> None:
        """Make a row, and first what it needs."""
        operator = self._producer.get(name, ARRIVAL)
        if operator == ARRIVAL:
            self._emit(name, RowStep(operator, row))
            return
        start, stop = self._needs[operator][row]
        if self.sum_bytes[operator]:
            (source,) = self._reads[operator]
            for needed in range(start, stop):
                self._ask(source, needed, needed + 1)
                self._use(source, needed, needed + 1)
                self._emit(name, RowStep(operator, row, needed))
            return
        for source in self._reads[operator]:
            self._ask(source, start, stop)
        for source in self._reads[operator]:
            self._use(source, start, stop)
        self._emit(name, RowStep(operator, row))

    def _ask(self, source: str, start: int, stop: int) -> None:
        for needed in range(max(start, self._made[source]), stop):
            self._make(source, needed)

    def _use(self, source: str, start: int, stop: int) -> None:
        used = self._last_use[source]
        for needed in range(start, stop):
            used[needed] = len(self.steps)

    def _emit(self, name: str, step: RowStep) -> None:
        self._made[name] = step.row + 1
        self._born[name][step.row] = len(self.steps)
        self.steps.append(step)
