"""A plan as pictures: bytes held at each step, and the arena as a packing over time."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tinyml_course.mcu.boards import KIB, Board
from tinyml_course.mcu.costs import kib
from tinyml_course.mcu.planning import Buffer, Plan
from tinyml_course.mcu.scheduling import Unit
from tinyml_course.plots.style import (
    BLUE,
    BROWN,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    SKY,
    YELLOW,
    short_name,
)

# Where buffers share bytes, a byte is drawn as what stands first here.
ROLE_COLOURS = {
    "output": BLUE,
    "input": SKY,
    "waiting": YELLOW,
    "rows": GREEN,
    "patch": ORANGE,
    "scratch": RED,
    "kernel copy": PINK,
    "unpacked weights": BROWN,
    "runtime": GREY,
}
ROLE_TITLES = {
    "output": "written",
    "input": "read",
    "waiting": "kept for later",
    "rows": "rows inside of a stage",
    "patch": "patch inside of a stage",
    "scratch": "scratch",
    "kernel copy": "kernel copy",
    "unpacked weights": "unpacked weights",
    "runtime": "interpreter",
}


def memory_timeline(plan: Plan, board: Board | None = None) -> Figure:
    """Bytes held during every operator, and where in the arena they lie.

    Above: one bar per operator, a byte that input and output share counted once, as the output's.
    Below: each buffer as a rectangle, steps to the right and addresses up; no two may overlap
    unless the operator runs in place.

    Args:
        plan: the plan.
        board: its SRAM is drawn as a line where the scale allows, and named in any case.

    Returns:
        A figure; save it with ``savefig``.
    """
    steps = plan.timeline
    figure = Figure(figsize=(max(8.0, 0.24 * len(steps) + 3), 7.5), layout="constrained")
    bars, arena = figure.subplots(2, 1, sharex=True)
    _draw_bars(bars, plan)
    _draw_arena(arena, plan)
    for axes in (bars, arena):
        axes.axhline(plan.peak_bytes / KIB, color="black", linewidth=0.8, linestyle="--")
    arena.annotate(
        f"peak {plan.peak_bytes:,} B",
        (len(steps) - 0.5, plan.peak_bytes / KIB),
        ha="right",
        va="bottom",
        fontsize=8,
    )
    used = ""
    if board is not None:
        used = f", {plan.peak_bytes / board.sram_bytes:.1%} of {board.name.upper()}'s SRAM"
        if board.sram_bytes < 3 * plan.peak_bytes:
            bars.axhline(board.sram_bytes / KIB, color=RED, linewidth=1.2)
            bars.annotate(f"SRAM of {board.name.upper()}", (0, board.sram_bytes / KIB), va="bottom")
    bars.set_title(
        f"{plan.graph.name}, policy {plan.policy}: peak {kib(plan.peak_bytes)}{used}\n"
        f"most bytes held during {plan.peak_step.operator} (step {plan.peak_step.index})",
        fontsize=10,
        loc="left",
    )
    bars.set_ylabel("held (KiB)")
    arena.set_ylabel("address in the arena (KiB)")
    arena.set_xticks(
        range(len(steps)), [short_name(step.operator) for step in steps], rotation=90, fontsize=7
    )
    present = {kind for step in steps for kind, _ in _shares(plan, step.index)}
    handles = [
        Patch(color=ROLE_COLOURS[k], label=ROLE_TITLES[k]) for k in ROLE_COLOURS if k in present
    ]
    bars.legend(handles=handles, fontsize=8, loc="upper right", ncols=len(handles))
    bars.set_ylim(top=bars.get_ylim()[1] * 1.12)
    return figure


def memory_timeline_alt(plan: Plan) -> str:
    """What `memory_timeline` shows, in words."""
    step = plan.peak_step
    over = f"{len(plan.graph.operators)} operators"
    if plan.schedule.stages:
        over += f" in {len(plan.timeline)} steps, stages among them,"
    return (
        f"Memory of {plan.graph.name} over its {over} under the policy "
        f"{plan.policy}. The arena takes {plan.peak_bytes:,} bytes; the most bytes are held during "
        f"{step.operator}, step {step.index}: {step.live_bytes:,} bytes."
    )


def _shares(plan: Plan, step: int) -> list[tuple[str, int]]:
    """Bytes by what they are for during a step; a shared byte counts once, for the first role."""
    unit = plan.schedule.units[step]
    held = [(_role(buffer, unit), buffer) for buffer in plan.timeline[step].buffers]
    edges = sorted({edge for _, buffer in held for edge in (buffer.offset, buffer.end)})
    shares = dict.fromkeys(ROLE_COLOURS, 0)
    for start, end in pairwise(edges):
        roles = {role for role, buffer in held if buffer.offset <= start and end <= buffer.end}
        first = next((role for role in ROLE_COLOURS if role in roles), None)
        if first is not None:
            shares[first] += end - start
    return [(role, size) for role, size in shares.items() if size]


def _role(buffer: Buffer, unit: Unit) -> str:
    if buffer.role != "activation":
        return buffer.role
    if buffer.name in unit.operators[-1].outputs:
        return "output"
    read = any(buffer.name in operator.inputs for operator in unit.operators)
    return "input" if read else "waiting"


def _draw_bars(axes: Axes, plan: Plan) -> None:
    for step in plan.timeline:
        bottom = 0.0
        for role, size in _shares(plan, step.index):
            axes.bar(
                step.index, size / KIB, 0.9, bottom=bottom, color=ROLE_COLOURS[role], linewidth=0
            )
            bottom += size / KIB


def _draw_arena(axes: Axes, plan: Plan) -> None:
    for buffer in plan.buffers:
        life = buffer.lifetime
        role = "output" if buffer.role == "activation" else buffer.role
        rectangle = Rectangle(
            (life.first - 0.45, buffer.offset / KIB),
            life.last - life.first + 0.9,
            buffer.size_bytes / KIB,
            facecolor=ROLE_COLOURS[role],
            edgecolor="white",
            linewidth=0.6,
            alpha=0.75,
        )
        axes.add_patch(rectangle)
    axes.set_xlim(-0.6, len(plan.timeline) - 0.4)
    axes.set_ylim(0, plan.peak_bytes / KIB * 1.06)
