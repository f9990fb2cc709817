"""Bytes held along a network, before and after a schedule: operators in line with each other."""

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.boards import KIB, Board
from tinyml_course.mcu.costs import kib
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import PatchFlow, RowFlow, Unit
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, GREEN, GREY, LIGHT, ORANGE, RED, blank, block_of

UNIT_COLOURS = {"operator": BLUE, "stream": GREEN, "patches": ORANGE}
UNIT_TITLES = {
    "operator": "after: an operator",
    "stream": "after: a stage that streams",
    "patches": "after: a stage patch by patch",
}

Bar = tuple[int, int, int]
"""First operator, first behind, bytes held."""


def peaks_before_and_after(before: Plan, after: Plan, board: Board | None = None) -> Picture:
    """Bytes held during each operator or stage of two plans for one network.

    An operator has its place on the axis in both; a stage is as wide as its operators.

    Args:
        before: drawn in grey, usually unfused.
        after: drawn in colour over it; the axis follows its order.
        board: its SRAM is drawn as a line where the scale allows, and named in any case.

    Raises:
        ScheduleError: the plans are for different operators, or for an order in which the
            operators of a stage do not follow each other.
    """
    order = {operator.name: at for at, operator in enumerate(after.graph.operators)}
    old, new = unit_bars(before, order), unit_bars(after, order)
    figure, axes = blank(10, 4.4)
    for first, stop, size in old:
        axes.add_patch(Rectangle((first, 0), stop - first, size / KIB, facecolor=LIGHT, lw=0))
    for unit, (first, stop, size) in zip(after.schedule.units, new, strict=True):
        colour = UNIT_COLOURS[_kind(unit)]
        axes.bar(first, size / KIB, stop - first, align="edge", color=colour, ec="white", lw=0.5)
    steps = sorted(old)
    edges = [first for first, _, _ in steps] + [len(order)]
    axes.stairs([size / KIB for _, _, size in steps], edges, color=GREY, lw=1.2, baseline=None)
    top = max(before.peak_bytes, after.peak_bytes)
    _draw_board(axes, board, top, len(order))
    axes.set_xlim(0, len(order))
    axes.set_ylabel("bytes held (KiB)")
    _draw_blocks(axes, after)
    less = before.peak_bytes / after.peak_bytes
    axes.set_title(
        f"{after.graph.name}: peak {kib(before.peak_bytes)} during {before.peak_step.operator},\n"
        f"after {kib(after.peak_bytes)} ({less:.1f} times less) during "
        f"{after.peak_step.operator}{_of(board)}",
        loc="left",
        fontsize=10,
    )
    kinds = {_kind(unit) for unit in after.schedule.units}
    handles = [Patch(facecolor=LIGHT, edgecolor=GREY, label="before")] + [
        Patch(color=UNIT_COLOURS[kind], label=UNIT_TITLES[kind])
        for kind in UNIT_COLOURS
        if kind in kinds
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9
    )
    stages = [unit.name for unit in after.schedule.units if unit.flow is not None]
    return Picture(
        figure,
        f"Bars of the bytes held along the {len(order)} operators of {after.graph.name}, before "
        f"and after. Before: peak {before.peak_bytes:,} bytes, the most held during "
        f"{before.peak_step.operator}. After: peak {after.peak_bytes:,} bytes, the most held "
        f"during {after.peak_step.operator}; {len(stages)} stages: {', '.join(stages) or 'none'}."
        + (f" {board.name.upper()} has {board.sram_bytes:,} bytes of SRAM." if board else ""),
    )


def unit_bars(plan: Plan, order: dict[str, int]) -> list[Bar]:
    """For each unit of a plan its place on the axis of another's operators.

    Args:
        plan: the plan.
        order: operator to place.

    Raises:
        ScheduleError: the operators are others, or those of a stage do not follow each other.
    """
    own = {operator.name for operator in plan.graph.operators}
    others = sorted(own ^ set(order))
    if others:
        raise ScheduleError(
            f"the two plans are for different operators ({', '.join(others[:3])} in one only); "
            "make both for the same graph"
        )
    bars = []
    for unit, step in zip(plan.schedule.units, plan.timeline, strict=True):
        places = sorted(order[operator.name] for operator in unit.operators)
        first, stop = places[0], places[-1] + 1
        if stop - first != len(places):
            raise ScheduleError(
                f"the operators of {unit.name} do not follow each other in the other plan, which "
                "runs in another order; give the plan with that stage as the second"
            )
        bars.append((first, stop, step.live_bytes))
    return bars


def _kind(unit: Unit) -> str:
    if isinstance(unit.flow, RowFlow):
        return "stream"
    return "patches" if isinstance(unit.flow, PatchFlow) else "operator"


def _draw_board(axes: Axes, board: Board | None, top: int, width: int) -> None:
    limit = 0 if board is None or board.sram_bytes > 2 * top else board.sram_bytes
    axes.set_ylim(0, 1.12 * max(top, limit) / KIB)
    if board is not None and limit:
        axes.axhline(limit / KIB, color=RED, lw=1.5, ls="--")
        name = f"SRAM of {board.name.upper()}, {kib(limit)} "
        axes.text(width, limit / KIB, name, ha="right", va="bottom", color=RED, fontsize=9)


def _of(board: Board | None) -> str:
    if board is None:
        return ""
    return f"; {board.name.upper()} has {kib(board.sram_bytes)}"


def _draw_blocks(axes: Axes, plan: Plan) -> None:
    """Ticks between blocks, their names in the middle: all operators' names would not fit."""
    names = [block_of(operator.name) for operator in plan.graph.operators]
    at, edges, middles, labels = 0, [0], [], []
    for name, members in groupby(names):
        count = len(list(members))
        middles.append(at + count / 2)
        labels.append(name)
        at += count
        edges.append(at)
    axes.set_xticks(edges, [""] * len(edges))
    axes.set_xticks(middles, labels, minor=True, rotation=60, ha="right", fontsize=8)
    axes.tick_params(axis="x", which="minor", length=0, pad=4)
    for label in axes.get_xticklabels(minor=True):
        label.set_rotation_mode("anchor")
