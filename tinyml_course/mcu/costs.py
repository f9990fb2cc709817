"""What a deployment costs, in one record: every figure read from the plan or the graph."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tinyml_course.graph import count_params
from tinyml_course.mcu.boards import KIB, Board
from tinyml_course.mcu.flash import FlashUse
from tinyml_course.mcu.latency import energy_mj, latency_ms
from tinyml_course.mcu.planning import Plan


@dataclass(frozen=True)
class Report:
    """The costs of a network on a board.

    Attributes:
        network: name of the graph.
        board: name of the board.
        policy: the planner.
        operators: number of operators.
        stages: how those of them that do not run as a whole run, such as ``"stem ..
            block0.project: STREAM"``.
        packed: how many operators have their weights packed in flash.
        image: ``"memory"``, or ``"fed"`` if it arrives part by part and is not in the peak.
        macs: multiply-accumulates of one inference, repeated ones too.
        params: weights and biases.
        sram_peak_bytes: size of the arena. Stack and camera buffer are not in it.
        sram_free_bytes: what the board has left.
        sram_lower_bound_bytes: the most bytes held at once; no offsets could do with less.
        peak_operator: the operator or stage during which the most bytes are held.
        peak_step: its index in execution order.
        flash_constants_bytes: weights, biases, multipliers and shifts.
        flash_descriptions_bytes: of the layers: shapes, pointers, tables, padding.
        flash_code_bytes: start-up code, kernels and calls.
        flash_self_test_bytes: the program around the network with its sample, in a built image.
        flash_measured: whether an image was built; otherwise descriptions and code are estimates.
        flash_used_bytes: all of it.
        flash_free_bytes: what the board has left.
        latency_ms_estimate: of one inference.
        energy_mj_estimate: of one inference.
    """

    network: str
    board: str
    policy: str
    operators: int
    stages: tuple[str, ...]
    packed: int
    image: str
    macs: int
    params: int
    sram_peak_bytes: int
    sram_free_bytes: int
    sram_lower_bound_bytes: int
    peak_operator: str
    peak_step: int
    flash_constants_bytes: int
    flash_descriptions_bytes: int
    flash_code_bytes: int
    flash_self_test_bytes: int
    flash_measured: bool
    flash_used_bytes: int
    flash_free_bytes: int
    latency_ms_estimate: float
    energy_mj_estimate: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**dataclasses.asdict(self), "stages": list(self.stages)}


def report(plan: Plan, board: Board, flash: FlashUse | None = None) -> Report:
    """The costs of ``plan`` on ``board``.

    Args:
        plan: the plan.
        board: the board.
        flash: of an image that was built; by default the plan's estimate.
    """
    flash = flash or plan.flash_use
    return Report(
        network=plan.graph.name,
        board=board.name,
        policy=plan.policy,
        operators=len(plan.graph.operators),
        stages=tuple(f"{u.name}: {u.kind}" for u in plan.schedule.units if u.flow is not None),
        packed=len(plan.schedule.packed),
        image=plan.schedule.image,
        macs=plan.schedule.macs,
        params=count_params(plan.graph),
        sram_peak_bytes=plan.peak_bytes,
        sram_free_bytes=board.sram_bytes - plan.peak_bytes,
        sram_lower_bound_bytes=plan.lower_bound_bytes,
        peak_operator=plan.peak_step.operator,
        peak_step=plan.peak_step.index,
        flash_constants_bytes=flash.constants_bytes,
        flash_descriptions_bytes=flash.descriptions_bytes,
        flash_code_bytes=flash.code_bytes,
        flash_self_test_bytes=flash.self_test_bytes,
        flash_measured=flash.measured,
        flash_used_bytes=flash.total_bytes,
        flash_free_bytes=board.flash_bytes - flash.total_bytes,
        latency_ms_estimate=latency_ms(plan.schedule, board),
        energy_mj_estimate=energy_mj(plan.schedule, board),
    )


def kib(size_bytes: float) -> str:
    """Bytes for people: ``4.3 KiB``."""
    return f"{size_bytes / KIB:,.1f} KiB"


def cost_table(costs: Report, board: Board) -> Table:
    """A report as a table that fits a terminal of 80 columns."""
    table = Table(title=f"{costs.network} on {board.title}", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("note", style="dim")
    table.add_row("MACs", f"{costs.macs:,}", f"{costs.operators} operators")
    table.add_row("parameters", f"{costs.params:,}", "int8 weights, int32 biases")
    table.add_row(
        "SRAM used",
        f"{costs.sram_peak_bytes:,} B",
        f"{kib(costs.sram_peak_bytes)}; policy {costs.policy}",
    )
    if costs.stages:
        fed = "image fed" if costs.image == "fed" else "image in SRAM"
        table.add_row("stages", str(len(costs.stages)), f"run part by part; {fed}")
    if costs.packed:
        note = "operators' weights, unpacked in SRAM"
        table.add_row("packed", str(costs.packed), note)
    table.add_row("SRAM free", f"{costs.sram_free_bytes:,} B", "for stack and sensor buffers")
    table.add_row("peak at", f"step {costs.peak_step}", costs.peak_operator)
    known = "image, built" if costs.flash_measured else "code estimated"
    table.add_row("flash used", f"{costs.flash_used_bytes:,} B", known)
    for what, size_bytes, note in (
        ("constants", costs.flash_constants_bytes, "weights, biases, multipliers, shifts"),
        ("layers", costs.flash_descriptions_bytes, "shapes, pointers, tables, padding"),
        ("code", costs.flash_code_bytes, "start-up, kernels, calls"),
        ("self-test", costs.flash_self_test_bytes, "main, an image, the expected output"),
    ):
        if size_bytes:
            table.add_row(f"  {what}", f"{size_bytes:,} B", note)
    table.add_row("flash free", f"{costs.flash_free_bytes:,} B", "")
    table.add_row("latency", f"{costs.latency_ms_estimate:.2f} ms", f"estimate, {board.core}")
    table.add_row("energy", f"{costs.energy_mj_estimate:.3f} mJ", "estimate, without the board")
    return table
