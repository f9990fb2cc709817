"""Rows that flow through a streamed stage: a column for each map, in which a ring slides down."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon, Rectangle

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.costs import kib
from tinyml_course.mcu.scheduling import RowFlow
from tinyml_course.plots.row_states import RowHistory, RowState
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, GREY, LIGHT, SKY, YELLOW, short_name

STATE_COLOURS = {
    RowState.AHEAD: "#ffffff",
    RowState.DEAD: LIGHT,
    RowState.KEPT: YELLOW,
    RowState.READ: SKY,
    RowState.WRITTEN: BLUE,
}
STATE_TITLES = {
    RowState.AHEAD: "not made yet",
    RowState.DEAD: "no longer needed",
    RowState.KEPT: "kept for later",
    RowState.READ: "read by this step",
    RowState.WRITTEN: "written by it",
}

_HALF = 0.34
"""Half of a column's width; columns are 1 apart."""
_MOST_EDGED = 64
"""Where more rows of a map are in view there are no lines between them, which would hide them."""


class RowColumns:
    """The columns of one step, which can move on to another.

    Args:
        axes: where they are drawn.
        history: the stage's.
        step: the first to show.
        zoom: 4 shows a quarter of the height, around the row that the step makes.

    Raises:
        ScheduleError: there is no such step, or a zoom below 1.
    """

    def __init__(self, axes: Axes, history: RowHistory, step: int, zoom: float = 1) -> None:
        if zoom < 1:
            raise ScheduleError(f"a zoom of rows is 1 (all) or more, not {zoom}")
        self.axes, self.history = axes, history
        self._place = {name: at for at, name in enumerate(history.maps)}
        self.meshes: dict[str, QuadMesh] = {}
        self.links: list[Polygon] = []
        colours = ListedColormap([STATE_COLOURS[state] for state in RowState])
        states = history.at(step)
        in_view = max(len(rows) for rows in states.values()) / zoom
        for name, rows in states.items():
            left, right = self._place[name] - _HALF, self._place[name] + _HALF
            self.meshes[name] = axes.pcolormesh(
                [left, right],
                np.linspace(0, 1, len(rows) + 1),
                rows[:, None],
                cmap=colours,
                vmin=-0.5,
                vmax=len(RowState) - 0.5,
                edgecolors="white" if in_view <= _MOST_EDGED else "none",
                linewidth=0.4,
                zorder=2,
            )
            frame = Rectangle((left, 0), right - left, 1, fill=False, edgecolor=GREY, linewidth=0.8)
            axes.add_patch(frame).set_zorder(3)
        axes.set_xlim(-0.55, len(self._place) - 0.45)
        self.show_part(step, zoom)
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        self.move_to(step)

    def show_part(self, step: int, zoom: float) -> None:
        """Show the part of the height around the row that a step makes."""
        written, row = self.history.written(step)
        part = 1 / zoom
        above, below = self._edges(written, row, row + 1)
        top = (above + below - part) / 2
        top = round(top / part * 4) / 4 * part  # in quarters of the view: a film must not tremble
        top = min(max(top, 0), 1 - part)
        edge = 0.004 * part  # else a frame's line at the rim is half cut off
        self.axes.set_ylim(top + part + edge, top - edge)

    def move_to(self, step: int) -> None:
        """Show another step.

        Raises:
            ScheduleError: there is no such step.
        """
        for name, rows in self.history.at(step).items():
            self.meshes[name].set_array(rows[:, None])
        for link in self.links:
            link.remove()
        written, row = self.history.written(step)
        to = self._edges(written, row, row + 1)
        self.links = [
            self._link(name, self._edges(name, *span), written, to)
            for name, span in self.history.read(step).items()
        ]

    def _edges(self, name: str, start: int, stop: int) -> tuple[float, float]:
        rows = self.history.flow.stage.size(name)[0]
        return start / rows, stop / rows

    def _link(
        self, read: str, source: tuple[float, float], written: str, target: tuple[float, float]
    ) -> Polygon:
        """From the rows that are read to the row that is made of them."""
        left, right = self._place[read] + _HALF, self._place[written] - _HALF
        corners = [(left, source[0]), (right, target[0]), (right, target[1]), (left, source[1])]
        link = Polygon(corners, facecolor=BLUE, alpha=0.25, linewidth=0, zorder=1)
        self.axes.add_patch(link)
        return link


def rows_picture(flow: RowFlow, step: int, zoom: float = 1) -> Picture:
    """One step of a streamed stage.

    Args:
        flow: the stage.
        step: index into its steps.
        zoom: 4 shows a quarter of the height, around the row that the step makes.

    Raises:
        ScheduleError: there is no such step, or a zoom below 1.
    """
    history = RowHistory(flow)
    figure, _ = rows_figure(history, step, zoom)
    return Picture(figure, rows_in_words(history, [step]))


def rows_figure(history: RowHistory, step: int, zoom: float = 1) -> tuple[Figure, RowColumns]:
    """The same as a figure whose columns can move on."""
    figure = Figure(figsize=(max(6.5, 1.05 * len(history.maps)), 5.2), layout="constrained")
    axes = figure.subplots()
    columns = RowColumns(axes, history, step, zoom)
    names = [_two_lines(name) + "\n" + _kind(history, name) for name in history.maps]
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.set_ylabel("rows from top to bottom" if zoom == 1 else "some of the rows")
    axes.set_title(step_title(history, step), loc="left", fontsize=10)
    _legend(figure)
    return figure, columns


def rows_strip(flow: RowFlow, steps: Sequence[int] | None = None, zoom: float = 1) -> Picture:
    """Several steps side by side: the rings slide down.

    Args:
        flow: the stage.
        steps: which; by default five that write a row of the output, from the first to the last.
        zoom: 4 shows a quarter of the height, around the row that the step in the middle makes.

    Raises:
        ScheduleError: there is no such step, none is asked for, or a zoom below 1.
    """
    history = RowHistory(flow)
    shown = output_steps(history, 5) if steps is None else list(steps)
    if not shown:
        raise ScheduleError("a strip of rows needs a step at least")
    count = len(history.maps)
    width = min(13, 1 + len(shown) * (0.5 + 0.22 * count))
    figure = Figure(figsize=(width, 4.2), layout="constrained")
    names = [short_name(name) for name in history.maps]
    for axes, step in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        columns = RowColumns(axes, history, step, zoom)
        columns.show_part(shown[len(shown) // 2], zoom)  # the same everywhere: rows slide past it
        axes.set_xticks(range(count), names, rotation=90, fontsize=7)
        written, row = history.written(step)
        axes.set_title(f"step {step}\n{short_name(written)}\nrow {row}", fontsize=8)
    _legend(figure)
    told = f"{len(shown)} steps side by side. {rows_in_words(history, shown)}"
    return Picture(figure, told)


def output_steps(history: RowHistory, most: int) -> list[int]:
    """Steps that write a row of the stage's output, evenly spread, first and last among them."""
    output = history.maps[-1]
    steps = [at for at in range(len(history.flow.steps)) if history.written(at)[0] == output]
    picked = np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)
    return [steps[at] for at in picked]


def step_title(history: RowHistory, step: int) -> str:
    """What a step does, and the bytes behind it."""
    return (
        f"step {step} of {len(history.flow.steps)}: {_deed(history, step)}\n"
        f"rows needed now {kib(history.kept_bytes(step))}, rings {kib(history.ring_bytes)}, "
        f"whole maps would be {kib(history.whole_bytes)}"
    )


def rows_in_words(history: RowHistory, steps: Sequence[int]) -> str:
    """The columns and what happens in some steps, for those who cannot see it."""
    maps = "; ".join(f"{name}: {_kind(history, name, ' ')}" for name in history.maps)
    told = " ".join(
        f"Step {step}: {_deed(history, step)}; {history.kept_bytes(step):,} bytes of rows inside "
        "of the stage are needed."
        for step in steps
    )
    return (
        f"A column of rows for each map of a streamed stage. {maps}. The rings take "
        f"{history.ring_bytes:,} bytes, whole maps would take {history.whole_bytes:,}. {told}"
    )


def _deed(history: RowHistory, step: int) -> str:
    written, row = history.written(step)
    read = history.read(step)
    if not read:
        return f"row {row} of {written} arrives"
    if history.flow.steps[step].summand is not None:
        ((name, span),) = read.items()
        return f"{_rows(*span)} of {name} is added to row {row} of {written}"
    sources = [f"{_rows(*span)} of {name}" for name, span in read.items() if span[0] < span[1]]
    return f"row {row} of {written} from {' and '.join(sources) or 'padding only'}"


def _rows(start: int, stop: int) -> str:
    return f"row {start}" if stop == start + 1 else f"rows {start} to {stop - 1}"


def _kind(history: RowHistory, name: str, between: str = "\n") -> str:
    """How much of a map is in SRAM."""
    flow, stage = history.flow, history.flow.stage
    rows = stage.size(name)[0]
    if name == stage.output or (name == stage.source and not flow.fed):
        return f"whole,{between}{rows} row{'s' if rows > 1 else ''}"
    return f"ring of{between}{flow.ring_rows(name)} of {rows}"


def _two_lines(name: str) -> str:
    return short_name(name).replace(".", ".\n", 1)


def _legend(figure: Figure) -> None:
    handles = [
        Patch(facecolor=STATE_COLOURS[state], edgecolor=GREY, label=STATE_TITLES[state])
        for state in RowState
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False
    )
