"""The figures of Lab 0. Each takes plain numbers in bytes or counts; KiB is for the screen.

Each also says in words what it shows, with its numbers.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tinyml_course.mcu.boards import KIB
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    SERIES,
    SKY,
    blank,
    plain_numbers,
    tidy,
)


class Limit(NamedTuple):
    """A board's memory.

    Attributes:
        name: of the board.
        sram_bytes: its SRAM.
        flash_bytes: its flash.
    """

    name: str
    sram_bytes: int
    flash_bytes: int


class Point(NamedTuple):
    """One network in the map of the gap."""

    name: str
    flash_bytes: float
    peak_bytes: float


COSTS = {
    "params": ("million parameters", 1e6),
    "macs": ("million MACs", 1e6),
    "peak_bytes": ("peak (KiB)", KIB),
}
"""Costs that follow width and resolution: title and unit on screen."""


def separable(rows: Mapping[str, tuple[int, int]]) -> Picture:
    """MACs of dense convolutions beside depthwise and 1x1 ones.

    Args:
        rows: layer to ``(dense, depthwise plus 1x1)`` MACs.
    """
    figure, axes = blank(7.5, 0.75 * len(rows) + 1.2)
    for place, (dense, pair) in enumerate(rows.values()):
        axes.barh(place - 0.2, dense / 1e6, 0.38, color=GREY, label="dense" if not place else None)
        label = "depthwise + 1x1" if not place else None
        axes.barh(place + 0.2, pair / 1e6, 0.38, color=BLUE, label=label)
        axes.text(pair / 1e6, place + 0.2, f"  {dense / pair:.1f} times fewer", va="center")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xlabel("million MACs")
    axes.legend(frameon=False, loc="lower right")
    told = ", ".join(f"{name}: {dense / pair:.1f}" for name, (dense, pair) in rows.items())
    return Picture(
        figure,
        "Bars of the MACs of convolutions, dense and as depthwise plus 1x1. Times fewer MACs: "
        f"{told}.",
    )


def gap(points: Sequence[Point], limits: Sequence[Limit], unit: str = "int8") -> Picture:
    """Networks by flash and by SRAM, and the corner in which a board has room.

    Args:
        points: the networks.
        limits: the boards.
        unit: what a number is stored as, for the labels.
    """
    figure, axes = blank(7.5, 4.8)
    left, low = 250.0, 100.0
    for limit, colour in zip(limits, (GREEN, ORANGE), strict=False):
        width, height = limit.flash_bytes / KIB, limit.sram_bytes / KIB
        corner = Rectangle((left, low), width - left, height - low, color=colour, alpha=0.18, lw=0)
        axes.add_patch(corner)
        axes.plot([left, width, width], [height, height, low], color=colour, lw=1.5)
        axes.text(left * 1.05, height * 0.97, f"{limit.name} has room here", va="top", fontsize=9)
    for point, marker in zip(points, "osD^vP*", strict=False):
        x, y = point.flash_bytes / KIB, point.peak_bytes / KIB
        axes.plot(x, y, marker, color=BLUE, ms=9)
        axes.annotate(point.name, (x, y), (8, 8), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(left, 1.9 * max(point.flash_bytes for point in points) / KIB)
    axes.set_ylim(low, 2 * max(point.peak_bytes for point in points) / KIB)
    axes.set_xlabel(f"weights in flash, {unit} (KiB, logarithmic)")
    axes.set_ylabel(f"peak of activations in SRAM, {unit} (KiB, log.)")
    axes.set_xticks([500, 1000, 2000, 5000, 10_000, 20_000])
    axes.set_yticks([100, 200, 320, 512, 1000, 2000])
    plain_numbers(axes)
    told = "; ".join(
        f"{p.name}: {_kib(p.flash_bytes)} of weights, peak {_kib(p.peak_bytes)}" for p in points
    )
    rooms = "; ".join(
        f"{limit.name}: {_kib(limit.flash_bytes)} of flash, {_kib(limit.sram_bytes)} of SRAM"
        for limit in limits
    )
    return Picture(
        figure,
        f"Networks by weights and by peak activation, {unit}, on logarithmic axes. {told}. "
        f"Shaded is what boards have room for. {rooms}.",
    )


def along_the_network(
    activation_bytes: Sequence[int], weight_bytes: Sequence[int], title: str
) -> Picture:
    """Where a network keeps its activations, and where its weights: layer by layer.

    Args:
        activation_bytes: written by each layer.
        weight_bytes: of each layer.
        title: of the network.
    """
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    place = range(len(activation_bytes))
    top.bar(place, [n / KIB for n in activation_bytes], color=BLUE, width=0.9)
    top.set_ylabel("activation (KiB)")
    top.set_title(title, loc="left")
    bottom.bar(place, [n / KIB for n in weight_bytes], color=ORANGE, width=0.9)
    bottom.set_ylabel("weights (KiB)")
    bottom.set_xlabel("layer, from the image to the classifier")
    for axes in (top, bottom):
        tidy(axes)
    half = len(activation_bytes) // 2
    activations = sum(activation_bytes[:half]) / sum(activation_bytes)
    weights = sum(weight_bytes[:half]) / sum(weight_bytes)
    return Picture(
        figure,
        f"Two rows of bars over the layers of {title}: activations above, weights below. The first "
        f"half of the layers writes {activations:.0%} of all activation bytes and holds "
        f"{weights:.0%} of the weights.",
    )


def block_peaks(networks: Mapping[str, Mapping[str, int]], limit: Limit) -> Picture:
    """The peak inside each block, and the board's line.

    Args:
        networks: network to block to bytes.
        limit: the board.
    """
    figure = Figure(figsize=(7.5, 2.6 * len(networks)), layout="constrained")
    panels = figure.subplots(len(networks), 1, squeeze=False, sharey=True)[:, 0]
    for axes, (name, blocks) in zip(panels, networks.items(), strict=True):
        sizes = [size / KIB for size in blocks.values()]
        line = limit.sram_bytes / KIB
        axes.bar(range(len(sizes)), sizes, color=[RED if size > line else BLUE for size in sizes])
        axes.set_xticks(range(len(sizes)), map(_short, blocks), fontsize=8)
        axes.axhline(line, color=RED, lw=1.5, ls="--")
        axes.text(len(sizes) - 0.5, line * 1.02, _sram(limit), ha="right", color=RED, fontsize=9)
        axes.set_title(name, loc="left")
        axes.set_ylabel("peak (KiB)")
        tidy(axes)
    panels[-1].set_xlabel("block; orange where it needs more than the board has")
    told = " ".join(
        f"{name}: the most are {_kib(max(blocks.values()))} in block "
        f"{_short(max(blocks, key=lambda block: blocks[block]))}, the median is "
        f"{_kib(median(blocks.values()))}."
        for name, blocks in networks.items()
    )
    return Picture(
        figure, f"Bars of the bytes held in each block, with the line of {_sram(limit)}. {told}"
    )


def bit_widths(networks: Mapping[str, Mapping[int, int]], limit: Limit) -> Picture:
    """The peak of activations at several bit widths.

    Args:
        networks: network to bits to bytes.
        limit: the board.
    """
    figure, axes = blank(7.5, 3.8)
    widths = sorted({bits for row in networks.values() for bits in row}, reverse=True)
    for index, bits in enumerate(widths):
        offset = (index - (len(widths) - 1) / 2) * 0.26
        label = "float32" if bits == 32 else f"int{bits}"
        heights = [row[bits] / KIB for row in networks.values()]
        places = [place + offset for place in range(len(networks))]
        bars = axes.bar(places, heights, 0.24, color=SERIES[index], label=label)
        axes.bar_label(bars, [f"{height:,.0f}" for height in heights], fontsize=8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(networks)), list(networks))
    axes.set_ylabel("peak of activations (KiB, log.)")
    axes.axhline(limit.sram_bytes / KIB, color=RED, lw=1.5, ls="--", label=_sram(limit))
    axes.legend(frameon=False, ncols=2)
    axes.set_ylim(100, 3 * max(max(row.values()) for row in networks.values()) / KIB)
    plain_numbers(axes, x=False)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{_kib(row[bits])} with {bits} bits" for bits in widths)
        for name, row in networks.items()
    )
    return Picture(
        figure,
        f"Bars of peak activation memory by bits an element, with the line of {_sram(limit)}. "
        f"{told}.",
    )


def training(parts: Mapping[str, Mapping[str, int]], limit: Limit) -> Picture:
    """What a training step holds, against inference.

    Args:
        parts: setting to part to bytes; the parts are stacked in their order.
        limit: the board.
    """
    figure, axes = blank(7.5, 4.2)
    names = list(dict.fromkeys(part for row in parts.values() for part in row))
    bottom = [0.0] * len(parts)
    for name, colour in zip(names, (BLUE, ORANGE, PINK, SKY, GREEN), strict=False):
        heights = [row.get(name, 0) / KIB / KIB for row in parts.values()]
        axes.bar(range(len(parts)), heights, 0.6, bottom, color=colour, label=name)
        bottom = [before + height for before, height in zip(bottom, heights, strict=True)]
    for place, height in enumerate(bottom):
        axes.text(place, height, f"{height:.1f} MiB", ha="center", va="bottom", fontsize=9)
    axes.axhline(limit.sram_bytes / KIB / KIB, color=RED, lw=1.5, ls="--", label=_sram(limit))
    axes.set_xticks(range(len(parts)), list(parts))
    axes.set_ylabel("memory (MiB)")
    axes.set_ylim(0, 1.12 * max(bottom))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.92))
    told = "; ".join(
        f"{' '.join(name.split())} {height:.1f} MiB"
        for name, height in zip(parts, bottom, strict=True)
    )
    return Picture(
        figure, f"Stacked bars of memory, with the line of {_sram(limit)}. In all: {told}."
    )


def laws(
    label: str,
    factors: Sequence[float],
    counted: Sequence[Mapping[str, float]],
    by_law: Sequence[Mapping[str, float]],
) -> Picture:
    """Counted costs beside the law of scaling, a panel for each of `COSTS`.

    Args:
        label: what changes: width or resolution.
        factors: its values.
        counted: costs of each value, counted on real graphs.
        by_law: costs of each value by the law.
    """
    figure = Figure(figsize=(7.5, 2.9), layout="constrained")
    panels = figure.subplots(1, len(COSTS))
    told = []
    for axes, (key, (title, unit)) in zip(panels, COSTS.items(), strict=True):
        law = [costs[key] / unit for costs in by_law]
        found = [costs[key] / unit for costs in counted]
        axes.plot(factors, law, "--", color=GREY, label="law")
        axes.plot(factors, found, "o", color=BLUE, label="counted")
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
        tidy(axes)
        told.append(
            f"{title} from {found[0]:.1f} to {found[-1]:.1f}, by the law from {law[0]:.1f} to "
            f"{law[-1]:.1f}"
        )
    panels[0].legend(frameon=False)
    return Picture(
        figure,
        f"Panels against {label} from {factors[0]:g} to {factors[-1]:g}; dots are counted, the "
        f"dashed line is the law: {'; '.join(told)}.",
    )


def memory_bars(bars: Mapping[str, float], limit: Limit, title: str) -> Picture:
    """SRAM and flash of one network against one board, each as a share of what the board has.

    Args:
        bars: label to bytes; a label that starts with ``flash`` is held against the flash.
        limit: the board.
        title: of the network.
    """
    figure, axes = blank(7.5, 0.55 * len(bars) + 1.3)
    for place, (label, size) in enumerate(bars.items()):
        room = limit.flash_bytes if label.startswith("flash") else limit.sram_bytes
        share = size / room
        axes.barh(place, min(share, 3), color=RED if share > 1 else BLUE, height=0.6)
        text = f" {size / KIB:,.0f} of {room / KIB:,.0f} KiB"
        axes.text(min(share, 3) + 0.02, place, text, va="center", fontsize=9)
    axes.axvline(1, color=GREY, lw=1.5, ls="--")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.invert_yaxis()
    axes.set_xlim(0, 3.9)
    axes.set_xticks([0, 0.5, 1, 2, 3], ["0", "half", "full", "2 times", "3 times or more"])
    axes.set_title(f"{title} on {limit.name}", loc="left")
    told = "; ".join(f"{label} {_kib(size)}" for label, size in bars.items())
    return Picture(
        figure,
        f"Bars of memory as a share of what {limit.name} has, {_kib(limit.sram_bytes)} of SRAM and "
        f"{_kib(limit.flash_bytes)} of flash. {title}: {told}.",
    )


def _short(block: str) -> str:
    return {"head_mix": "head", "classifier": "fc"}.get(block, block.removeprefix("block"))


def _kib(size_bytes: float) -> str:
    return f"{size_bytes / KIB:,.0f} KiB"


def _sram(limit: Limit) -> str:
    return f"{limit.name}: {limit.sram_bytes / KIB:.0f} KiB of SRAM"
