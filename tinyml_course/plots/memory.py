"""A plan as pictures: bytes held at each step, and the arena as a packing over time."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tinyml_course.mcu.boards import KIB, Board
from tinyml_course.mcu.costs import kib
from tinyml_course.mcu.planning import Plan

# Okabe-Ito: told apart by the colour-blind, and in print.
ROLE_COLOURS = {
    "input": "#56B4E9",
    "output": "#0072B2",
    "waiting": "#F0E442",
    "scratch": "#D55E00",
    "kernel copy": "#CC79A7",
    "runtime": "#999999",
}
ROLE_TITLES = {
    "input": "read by the operator",
    "output": "written by it",
    "waiting": "kept for a later one",
    "scratch": "scratch",
    "kernel copy": "kernel copy",
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
            bars.axhline(board.sram_bytes / KIB, color="#D55E00", linewidth=1.2)
            bars.annotate(f"SRAM of {board.name.upper()}", (0, board.sram_bytes / KIB), va="bottom")
    bars.set_title(
        f"{plan.graph.name}, policy {plan.policy}: peak {kib(plan.peak_bytes)}{used}\n"
        f"most bytes held during {plan.peak_step.operator} (step {plan.peak_step.index})",
        fontsize=10,
        loc="left",
    )
    bars.set_ylabel("held (KiB)")
    arena.set_ylabel("address in the arena (KiB)")
    arena.set_xticks(range(len(steps)), [step.operator for step in steps], rotation=90, fontsize=7)
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
    return (
        f"Memory of {plan.graph.name} over its {len(plan.timeline)} operators under the policy "
        f"{plan.policy}. The arena takes {plan.peak_bytes:,} bytes; the most bytes are held during "
        f"{step.operator}, step {step.index}: {step.live_bytes:,} bytes."
    )


def _shares(plan: Plan, step: int) -> list[tuple[str, int]]:
    """Bytes by what they are for during a step; shared bytes count for the output."""
    operator = plan.graph.operators[step]
    order = {"output": 0, "input": 1, "waiting": 2, "scratch": 3, "kernel copy": 4, "runtime": 5}
    roles = []
    for buffer in plan.timeline[step].buffers:
        if buffer.role != "activation":
            role: str = buffer.role
        elif buffer.name in operator.outputs:
            role = "output"
        else:
            role = "input" if buffer.name in operator.inputs else "waiting"
        roles.append((role, buffer))
    taken: list[tuple[int, int]] = []
    shares: dict[str, int] = {}
    for role, buffer in sorted(roles, key=lambda item: order[item[0]]):
        free = buffer.size_bytes - sum(
            max(0, min(end, buffer.end) - max(start, buffer.offset)) for start, end in taken
        )
        taken.append((buffer.offset, buffer.end))
        shares[role] = shares.get(role, 0) + max(0, free)
    return [(role, size) for role, size in shares.items() if size]


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
