"""Peak SRAM against executed MACs: what each way to run a network costs and saves."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.boards import KIB, Board
from tinyml_course.mcu.costs import kib
from tinyml_course.plots.rungs import RUNGS, RungPoint, least_of
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import (
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    PINK,
    RED,
    SKY,
    blank,
    plain_numbers,
)

RUNG_STYLES = dict(
    zip(
        RUNGS,
        ((GREY, "s"), (SKY, "D"), (PINK, "^"), (GREEN, "o"), (ORANGE, "P"), (BLUE, "X")),
        strict=True,
    )
)
IMAGES = {"memory": "image in SRAM", "fed": "image fed"}

_NAMED_AT = 0.34
"""Right end of the names of what computes nothing twice, as a part of the axes' width."""
_NOTHING_TWICE_AT = 0.38
_LEAST_GAP = 0.05
"""Between two lines of text, as a part of the axes' height."""
_ROOM = 1.07
"""The axes' width over that of the points."""
_MARGIN = 1.4
"""Of the SRAM axis beyond the points."""
_RIM = 0.03
"""No text is nearer to the axes' top or bottom."""


def sram_against_macs(
    points: Sequence[RungPoint], title: str, boards: Sequence[Board] = ()
) -> Picture:
    """Ways to run a network by MACs (to the right) and peak SRAM (up, logarithmic).

    Filled: the image lies in SRAM; hollow: it is fed. Broad grey stairs join those that none beats
    in both, for either kind of image.

    Args:
        points: as `rung_points` finds them.
        title: of the network.
        boards: their SRAM is drawn as lines where the scale allows.

    Raises:
        ScheduleError: there are no points.
    """
    if not points:
        raise ScheduleError("a front needs a point at least; rung_points(graph) finds them")
    figure, axes = blank(9.5, 5.8)
    fewest = min(point.macs for point in points)
    lowest = min(point.peak_bytes for point in points) / _MARGIN
    highest = max(point.peak_bytes for point in points) * _MARGIN
    lines = [board for board in boards if lowest <= board.sram_bytes <= highest]
    _set_limits(axes, points)
    _draw_boards(axes, lines)
    for image in IMAGES:
        of_image = [point for point in points if point.image == image]
        _draw_front(axes, of_image, fewest)
        for rung, (colour, marker) in RUNG_STYLES.items():
            series = [point for point in of_image if point.rung == rung]
            axes.plot(
                [point.macs / fewest for point in series],
                [point.peak_bytes / KIB for point in series],
                color=colour,
                marker=marker,
                markerfacecolor=colour if image == "memory" else "white",
                ls="-" if image == "memory" else ":",
                lw=1,
                ms=8,
                mew=1.8,
                zorder=3,
            )
    _name_unrepeated(axes, [point for point in points if point.macs == fewest])
    _name_patches(axes, points, fewest)
    axes.set_xlabel(f"executed MACs, times {fewest / 1e6:,.1f} million")
    axes.set_ylabel("peak SRAM (KiB, logarithmic)")
    axes.set_title(title, loc="left")
    figure.legend(
        handles=_handles(points), loc="outside lower center", ncols=5, frameon=False, fontsize=9
    )
    return Picture(figure, _in_words(points, title, boards))


def _draw_front(axes: Axes, points: Sequence[RungPoint], fewest: int) -> None:
    best = least_of(points)
    axes.plot(
        [point.macs / fewest for point in best],
        [point.peak_bytes / KIB for point in best],
        color=LIGHT,
        lw=5,
        drawstyle="steps-post",
        zorder=1,
    )


def _set_limits(axes: Axes, points: Sequence[RungPoint]) -> None:
    most = max(point.macs for point in points) / min(point.macs for point in points)
    share = _NOTHING_TWICE_AT / (1 - _NOTHING_TWICE_AT)  # room on the left, for names
    if most > 3:
        axes.set_xscale("log")
        width = most**_ROOM
        axes.set_xlim(width**-share, width)
        ticks = [float(2**power) for power in range(20) if 2**power <= width]
    else:
        width = max((most - 1) * _ROOM, 0.05)
        axes.set_xlim(1 - width * share, 1 + width)
        ticks = [tick for tick in axes.get_xticks() if 1 <= tick <= 1 + width]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    sizes = [point.peak_bytes / KIB for point in points]
    bottom, top = min(sizes) / _MARGIN, max(sizes) * _MARGIN
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    axes.set_yticks([size for size in 2.0 ** np.arange(0, 15) if bottom <= size <= top])
    plain_numbers(axes, x=False)


def _draw_boards(axes: Axes, boards: Sequence[Board]) -> None:
    named: dict[int, list[str]] = {}
    for board in boards:
        named.setdefault(board.sram_bytes, []).append(board.name.upper())
    for size, names in named.items():
        axes.axhline(size / KIB, color=RED, lw=1.0, ls="--", zorder=0)
        axes.text(
            1.01,  # outside, where no point is
            size / KIB,
            f"{', '.join(names)}\n{size / KIB:,.0f} KiB",
            transform=axes.get_yaxis_transform(),
            color=RED,
            fontsize=8,
            va="center",
        )


def _name_unrepeated(axes: Axes, points: Sequence[RungPoint]) -> None:
    """Names beside a column of points, moved apart where they would overlap."""
    bottom, top = np.log(axes.get_ylim())
    ordered = sorted(points, key=lambda point: point.peak_bytes)
    heights = [(np.log(p.peak_bytes / KIB) - bottom) / (top - bottom) for p in ordered]
    for point, height in zip(ordered, spread(heights, _LEAST_GAP), strict=True):
        axes.annotate(
            f"{point.rung}, {IMAGES[point.image]}: {kib(point.peak_bytes)}",
            (1, point.peak_bytes / KIB),
            (_NAMED_AT, height),
            textcoords="axes fraction",
            ha="right",
            va="center",
            fontsize=8,
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "lw": 0.6,
                "relpos": (1, 0.5),
                "shrinkA": 2,
                "shrinkB": 5,
            },
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5},
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in rising order, moved so that neighbours are ``gap`` apart and none at the rim."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1:
            below, above = groups[-2:]
            if _lowest(below, gap) + gap * len(below) <= _lowest(above, gap):
                break
            groups[-2:] = [below + above]
    return [_lowest(group, gap) + gap * at for group in groups for at in range(len(group))]


def _lowest(group: Sequence[float], gap: float) -> float:
    """Where lines of text around the mean height begin."""
    extent = gap * (len(group) - 1)
    return min(max(sum(group) / len(group) - extent / 2, _RIM), 1 - _RIM - extent)


def _name_patches(axes: Axes, points: Sequence[RungPoint], fewest: int) -> None:
    """How many patches; of points close to each other one is named."""
    scale = axes.transScale + axes.transLimits  # from data to parts of the axes
    named: list[tuple[float, float]] = []
    for point in points:
        if point.patches is None:
            continue
        at = point.macs / fewest, point.peak_bytes / KIB
        x, y = scale.transform(at)
        if any(abs(x - a) < 0.05 and abs(y - b) < _LEAST_GAP for a, b in named):
            continue
        named.append((x, y))
        text = "x".join(map(str, point.patches))
        axes.annotate(text, at, (6, 5), textcoords="offset points", fontsize=8)


def _handles(points: Sequence[RungPoint]) -> list[Line2D]:
    present = {point.rung for point in points}
    handles = [
        Line2D([], [], color=colour, marker=marker, ls="", ms=7, label=rung)
        for rung, (colour, marker) in RUNG_STYLES.items()
        if rung in present
    ]
    for image, face, dashes in (("memory", GREY, "-"), ("fed", "white", ":")):
        handles.append(
            Line2D([], [], color=GREY, marker="o", mfc=face, ls=dashes, ms=7, label=IMAGES[image])
        )
    return handles


def _in_words(points: Sequence[RungPoint], title: str, boards: Sequence[Board]) -> str:
    fewest = min(point.macs for point in points)
    told = "; ".join(
        f"{point.rung}"
        + (f" {point.patches[0]} x {point.patches[1]}" if point.patches else "")
        + f", {IMAGES[point.image]}: {point.peak_bytes:,} bytes at "
        f"{point.macs / fewest:.2f} of the fewest MACs"
        for point in points
    )
    rooms = "; ".join(f"{board.name.upper()} has {board.sram_bytes:,} bytes" for board in boards)
    return (
        f"Ways to run {title}, peak SRAM against executed MACs, SRAM on a logarithmic axis. {told}."
        + (f" Lines for the SRAM of boards: {rooms}." if boards else "")
    )
