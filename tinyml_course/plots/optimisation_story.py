"""The bar chart of TinyEngine, rebuilt: what each optimisation step costs and saves."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.story import StepResult
from tinyml_course.mcu.boards import KIB
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, GREY, ORANGE, tidy

_SAME = 0.005
"""Of a quantity: a change below it is none."""
_ROOM = 1.3
"""The axes' width over that of the longest bar, for the numbers behind the bars."""


def optimisation_story(results: Sequence[StepResult]) -> Picture:
    """Instructions per MAC and SRAM after each step (as MCUNet, figure 5), from top to bottom.

    Behind each bar stands its number, and how many times less than the bar above it is; in grey
    where it is more.

    Args:
        results: of one network, as `tinyml_course.firmware.story.tell` gives them.

    Raises:
        FirmwareError: there are none, or they are of networks with different numbers of MACs.
    """
    if not results:
        raise FirmwareError("there are no steps to draw; story.tell(graph, image) measures them")
    if len({result.macs for result in results}) > 1:
        raise FirmwareError("the steps are of different networks; measure all of them on one")
    figure = Figure(figsize=(10, 0.42 * len(results) + 1.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    per_mac = [result.instructions_per_mac for result in results]
    sram = [result.sram_bytes / KIB for result in results]
    _draw(left, per_mac, BLUE, "{:.2f}", "instructions per MAC")
    _draw(right, sram, ORANGE, "{:.1f}", "SRAM of the arena (KiB)")
    left.set_yticks(range(len(results)), [_label(result, results[0]) for result in results])
    left.invert_yaxis()
    first, last = results[0], results[-1]
    figure.suptitle(
        f"{first.execution.instructions / last.execution.instructions:.1f} times fewer "
        f"instructions, {first.sram_bytes / last.sram_bytes:.1f} times less SRAM",
        fontsize=11,
    )
    lines = [
        f"{result.title}: {result.instructions_per_mac:.2f} instructions per MAC, "
        f"{result.sram_bytes:,} bytes"
        for result in results
    ]
    return Picture(
        figure,
        f"Two bar charts over {len(results)} optimisation steps, each on top of those before. "
        + "; ".join(lines)
        + ".",
    )


def change(before: float, now: float) -> str:
    """How many times less, or more: ``÷ 1.51``, ``× 1.09``; nothing where it is the same."""
    if abs(now - before) <= _SAME * before:
        return ""
    return f"÷ {before / now:.2f}" if now < before else f"× {now / before:.2f}"


def _label(result: StepResult, first: StepResult) -> str:
    adds = result is not first and result.name in result.steps
    return f"+ {result.title}" if adds else result.title


def _draw(axes: Axes, values: Sequence[float], colour: str, number: str, title: str) -> None:
    tidy(axes)
    axes.barh(range(len(values)), values, 0.7, color=colour)
    for row, value in enumerate(values):
        changed = change(values[row - 1], value) if row else ""
        text = f" {number.format(value)}"
        drawn = axes.annotate(text, (value, row), va="center", fontsize=9)
        if changed:
            worse = changed.startswith("×")
            axes.annotate(
                f"  {changed}",
                (1, 0.5),
                xycoords=drawn,
                va="center",
                fontsize=8,
                color=GREY if worse else colour,
            )
    axes.set_xlim(0, _ROOM * max(values))
    axes.set_xlabel(title)
