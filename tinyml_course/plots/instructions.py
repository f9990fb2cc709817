"""Where the instructions of an inference went, operator by operator."""

from matplotlib.patches import Patch

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.c_names import c_names
from tinyml_course.firmware.machine import Execution
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.planning import Plan
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, GREEN, GREY, ORANGE, blank, short_name

KIND_COLOURS = {"convolution": BLUE, "1x1 or linear": GREEN, "depthwise": ORANGE, "other": GREY}
_NAMED = 3
"""Busiest operators that the text for those who cannot see names."""


def instructions_per_operator(execution: Execution, plan: Plan) -> Picture:
    """Bars of the instructions of each operator, in execution order from top to bottom.

    Behind the bar of an operator that multiplies stand its instructions per MAC.

    Args:
        execution: of one inference.
        plan: of the network that ran.

    Raises:
        FirmwareError: the execution knows none of the plan's operators.
    """
    graph = plan.graph
    names = c_names([operator.name for operator in graph.operators])
    rows = [
        (operator, execution.operators[names[operator.name]])
        for operator in graph.operators
        if execution.operators.get(names[operator.name])
    ]
    if not rows:
        raise FirmwareError(
            f"none of the operators of {graph.name} is among those that were counted "
            f"({', '.join([*execution.operators][:3]) or 'none'}); hand in an execution of "
            "NetworkMachine, and the plan of its program"
        )
    figure, axes = blank(9, 0.19 * len(rows) + 1.4)
    kinds = [_kind(graph, operator) for operator, _ in rows]
    thousands = [count / 1e3 for _, count in rows]
    axes.barh(range(len(rows)), thousands, 0.8, color=[KIND_COLOURS[kind] for kind in kinds])
    for row, (operator, count) in enumerate(rows):
        macs = operator.macs(graph.inputs_of(operator))
        if macs:
            text = f" {count / macs:.2f} per MAC"
            axes.annotate(text, (count / 1e3, row), va="center", fontsize=7, color="#444444")
    labels = [short_name(operator.name) for operator, _ in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * max(thousands))
    axes.set_xlabel("instructions (thousands)")
    total, macs = execution.instructions, sum(o.macs(graph.inputs_of(o)) for o in graph.operators)
    per_mac = f", {total / macs:.2f} per MAC" if macs else ""
    axes.set_title(f"{graph.name}: {total:,} instructions{per_mac}", loc="left", fontsize=10)
    shown = [kind for kind in KIND_COLOURS if kind in kinds]
    handles = [Patch(color=KIND_COLOURS[kind], label=kind) for kind in shown]
    axes.legend(handles=handles, fontsize=8, loc="lower right")
    busiest = sorted(rows, key=lambda item: -item[1])[:_NAMED]
    return Picture(
        figure,
        f"Bars of the instructions of {len(rows)} operators of {graph.name}; {total:,} in "
        f"all{per_mac}. The busiest: "
        + ", ".join(f"{o.name} with {count:,} ({count / total:.0%})" for o, count in busiest)
        + ".",
    )


def _kind(graph: Graph, operator: Operator) -> str:
    if isinstance(operator, DepthwiseConv2D):
        return "depthwise"
    if isinstance(operator, FullyConnected):
        return "1x1 or linear"
    if isinstance(operator, Conv2D):
        one = operator.kernel(graph.inputs_of(operator)) == (1, 1)
        return "1x1 or linear" if one else "convolution"
    return "other"
