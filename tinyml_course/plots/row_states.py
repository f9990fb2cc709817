"""What becomes of every row of a streamed stage's maps, step by step."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.scheduling import ARRIVAL, RowFlow

States = dict[str, NDArray[np.uint8]]
"""For each map of a stage the `RowState` of its rows."""


class RowState(IntEnum):
    """What a row is to a step."""

    AHEAD = 0
    """Not made yet, or never, where strides step over it."""
    DEAD = 1
    """Read for the last time; its slot in the ring is free for another row."""
    KEPT = 2
    """In SRAM, for a later step."""
    READ = 3
    """Read by this step."""
    WRITTEN = 4
    """Made in this step, or arrived; of a sum, with the last row that is added."""


class RowHistory:
    """When each row of a stage is made, and read for the last time.

    A source that lies in SRAM is there from the start; the rows of the stage's output all stay.

    Args:
        flow: the stage.
    """

    def __init__(self, flow: RowFlow) -> None:
        self.flow = flow
        stage, count = flow.stage, len(flow.steps)
        self.maps = (stage.source, *stage.inner, stage.output)
        heights = {name: stage.size(name)[0] for name in self.maps}
        self._made = {name: np.full(rows, count) for name, rows in heights.items()}
        self._last_read = {name: np.full(rows, -1) for name, rows in heights.items()}
        self._last_read[stage.output][:] = count
        if not flow.fed:
            self._made[stage.source][:] = -1
        for index, step in enumerate(flow.steps):
            self._made[self.written(index)[0]][step.row] = index
            for name, (start, stop) in self.read(index).items():
                self._last_read[name][start:stop] = index

    def written(self, step: int) -> tuple[str, int]:
        """Map and row that a step makes, or adds to; of the source, where it arrives.

        Raises:
            ScheduleError: there is no such step.
        """
        self._check(step)
        done, stage = self.flow.steps[step], self.flow.stage
        if done.operator == ARRIVAL:
            return stage.source, done.row
        return stage.operators[done.operator].outputs[0], done.row

    def read(self, step: int) -> dict[str, tuple[int, int]]:
        """For each map that a step reads its rows ``start .. stop - 1``.

        Raises:
            ScheduleError: there is no such step.
        """
        self._check(step)
        done, stage = self.flow.steps[step], self.flow.stage
        if done.operator == ARRIVAL:
            return {}
        rows = self.flow.reads(done)
        sources = stage.graph.activations_of(stage.operators[done.operator])
        return {tensor.name: (rows.start, rows.stop) for tensor in sources}

    def at(self, step: int) -> States:
        """The state of every row during a step.

        Raises:
            ScheduleError: there is no such step.
        """
        read = self.read(step)
        states: States = {}
        for name in self.maps:
            made, last = self._made[name], self._last_read[name]
            rows = np.full(made.shape, RowState.KEPT, np.uint8)
            rows[last < step] = RowState.DEAD
            start, stop = read.get(name, (0, 0))
            rows[start:stop] = RowState.READ
            rows[made == step] = RowState.WRITTEN
            rows[made > step] = RowState.AHEAD
            states[name] = rows
        return states

    def kept_bytes(self, step: int) -> int:
        """Bytes of the rows inside of the stage that a step or a later one needs."""
        states, stage = self.at(step), self.flow.stage
        return sum(
            int((states[name] >= RowState.KEPT).sum()) * stage.row_bytes(name)
            for name in self._inside
        )

    @property
    def ring_bytes(self) -> int:
        """Bytes of all rings."""
        stage = self.flow.stage
        return sum(self.flow.ring_rows(name) * stage.row_bytes(name) for name in self._inside)

    @property
    def whole_bytes(self) -> int:
        """Bytes of the same maps, if each were whole."""
        tensors = self.flow.stage.graph.tensors
        return sum(tensors[name].size_bytes for name in self._inside)

    @property
    def _inside(self) -> tuple[str, ...]:
        return self.maps[:-1] if self.flow.fed else self.maps[1:-1]

    def _check(self, step: int) -> None:
        count = len(self.flow.steps)
        if not 0 <= step < count:
            stage = self.flow.stage
            raise ScheduleError(
                f"{stage.operators[0].name} .. {stage.operators[-1].name} has the steps "
                f"0..{count - 1}, not {step}"
            )


def rows_at(flow: RowFlow, step: int) -> States:
    """The state of every row of a stage's maps during one step; many steps: `RowHistory`.

    Raises:
        ScheduleError: there is no such step.
    """
    return RowHistory(flow).at(step)
