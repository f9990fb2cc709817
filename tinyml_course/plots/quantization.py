"""Quantization in pictures: the staircase, weights and their grid, errors, accuracy, saturation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from tinyml_course.errors import TinyMLError
from tinyml_course.graph.quantization import weight_limit
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import (
    BLUE,
    GREY,
    LIGHT,
    ORANGE,
    RED,
    SERIES,
    blank,
    plain_numbers,
    short_name,
    tidy,
)

Floats = NDArray[np.floating[Any]]

MARKERS = "osD^v"
BINS = 80
MOST_LINES = 64
"""More lines than this and the grid is a grey area."""


def staircase(x: Floats, steps: Mapping[str, Floats]) -> Picture:
    """What comes back after quantization, and below it how far that is from what went in.

    Args:
        x: rising, ``(N,)``.
        steps: what comes back for each of them, by name.

    Raises:
        TinyMLError: nothing to draw, or other lengths.
    """
    _check_lengths(len(x), {name: len(y) for name, y in steps.items()})
    figure = Figure(figsize=(8, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for axes in (top, bottom):
        tidy(axes)
        axes.axhline(0, color=LIGHT, lw=1, zorder=0)
    top.plot(x, x, color=GREY, ls="--", lw=1, label="as it was")
    told = []
    for (name, y), colour in zip(steps.items(), SERIES, strict=False):
        top.plot(x, y, color=colour, label=name)
        bottom.plot(x, y - x, color=colour, lw=1)
        told.append(f"{name}: {len(np.unique(y))} values, largest error {np.abs(y - x).max():.3g}")
    top.set_ylabel("what comes back")
    bottom.set_ylabel("error")
    bottom.set_xlabel("real number")
    top.legend(frameon=False, fontsize=9)
    return Picture(
        figure,
        f"Real numbers from {x[0]:.3g} to {x[-1]:.3g} before and after quantization, a staircase, "
        f"and the error below, a saw. {'; '.join(told)}.",
    )


def histogram_on_grid(w: Floats, limits: Mapping[str, float], bits: int, title: str) -> Picture:
    """Weights and the lines of a symmetric grid, for one limit or several.

    Args:
        w: weights of any shape.
        limits: where the grid ends on either side, by name.
        bits: 2 to 8.
        title: of the layer.

    Raises:
        TinyMLError: no weights, no limits, or one that is not above 0.
    """
    if not w.size or not limits or min(limits.values()) <= 0:
        raise TinyMLError(f"{w.size} weights and limits {dict(limits)} make no histogram")
    figure = Figure(figsize=(8, 1 + 2.2 * len(limits)), layout="constrained")
    panels = figure.subplots(len(limits), 1, sharex=True, squeeze=False)[:, 0]
    told = [
        f"{name}: {draw_grid(axes, w, limit, bits, name)}"
        for axes, (name, limit) in zip(panels, limits.items(), strict=True)
    ]
    panels[-1].set_xlabel("weight")
    figure.suptitle(f"{title}, {bits} bits", x=0.01, ha="left")
    return Picture(
        figure,
        f"Histogram of {w.size:,} weights of {title} with the lines of a {bits}-bit grid. "
        f"{'; '.join(told)}.",
    )


def draw_grid(axes: Axes, w: Floats, limit: float, bits: int, name: str = "") -> str:
    """One histogram with its grid; what it shows, in words."""
    tidy(axes)
    steps = weight_limit(bits)
    reach = 1.05 * max(float(np.abs(w).max()), limit)
    edges = np.linspace(-reach, reach, BINS + 1)
    inside = np.abs(w) <= limit * (1 + 1e-6)
    axes.hist([w[inside], w[~inside]], edges.tolist(), color=[BLUE, RED], stacked=True)
    if 2 * steps + 1 > MOST_LINES:
        axes.axvspan(-limit, limit, color=ORANGE, alpha=0.15, lw=0)
    else:
        for step in range(-steps, steps + 1):
            axes.axvline(step * limit / steps, color=ORANGE, lw=0.8, alpha=0.8)
    on_grid = np.clip(np.rint(w / limit * steps), -steps, steps) * limit / steps
    cut, error = float((~inside).mean()), float(((on_grid - w) ** 2).mean() ** 0.5)
    text = f"limit {limit:.3g}, {cut:.1%} cut off, error {error:.3g} (root mean square)"
    axes.set_title(f"{name}: {text}" if name else text, loc="left", fontsize=9)
    plain_numbers(axes, x=False)
    return text


def channel_ranges(w: Floats, axis: int, bits: int, title: str) -> Picture:
    """The range of each output channel beside the step of a grid that all would share.

    Args:
        w: weights, with channels along ``axis``.
        axis: of the output channels.
        bits: 2 to 8.
        title: of the layer.

    Raises:
        TinyMLError: no weights.
    """
    if not w.size:
        raise TinyMLError("a layer without weights has no ranges")
    flat = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
    order = np.argsort(np.abs(flat).max(1))
    low, high = flat.min(1)[order], flat.max(1)[order]
    step = float(np.abs(w).max()) / weight_limit(bits)
    figure, axes = blank(8, 3.4)
    axes.axhspan(-step / 2, step / 2, color=ORANGE, alpha=0.35, lw=0, label="all this becomes 0")
    axes.bar(range(len(order)), high - low, bottom=low, color=BLUE, width=0.7)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set_xlabel("output channel, by its largest magnitude")
    axes.set_ylabel("weights from .. to")
    axes.set_title(f"{title}, one {bits}-bit grid for all", loc="left")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    magnitudes = np.abs(flat).max(1)
    lost = int((magnitudes < step / 2).sum())
    smallest = (
        f"{magnitudes.max() / magnitudes.min():.0f}" if magnitudes.min() else "infinitely many"
    )
    return Picture(
        figure,
        f"Ranges of the {len(order)} output channels of {title}. The widest is {smallest} times as "
        f"wide as the narrowest. On one {bits}-bit grid for all, {lost} channels become 0 as a "
        f"whole.",
    )


def error_against_bits(
    bits: Sequence[int], errors: Mapping[str, Sequence[float]], title: str
) -> Picture:
    """Root mean square error of weights, relative to their size, against bits.

    Args:
        bits: rising.
        errors: relative errors above 0, at those, by name.
        title: of the network or layer.

    Raises:
        TinyMLError: nothing to draw, or other lengths.
    """
    _check_lengths(len(bits), {name: len(values) for name, values in errors.items()})
    figure, axes = blank(8, 4)
    for (name, values), colour, marker in zip(errors.items(), SERIES, MARKERS, strict=False):
        axes.semilogy(bits, values, color=colour, marker=marker, ms=6, label=name)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xticks(list(bits))
    axes.set_xlabel("bits of a weight")
    axes.set_ylabel("error relative to the weights")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)
    return Picture(
        figure,
        f"Relative error of the weights of {title} against bits, on a logarithmic axis. "
        f"{_told(bits, errors)}.",
    )


def accuracy_against_bits(
    bits: Sequence[int], curves: Mapping[str, Sequence[float]], in_float: float, title: str
) -> Picture:
    """Accuracy against the bits of all weights.

    Args:
        bits: rising.
        curves: accuracies in 0..1 at those, by name.
        in_float: accuracy before quantization.
        title: network and data.

    Raises:
        TinyMLError: nothing to draw, or other lengths.
    """
    _check_lengths(len(bits), {name: len(values) for name, values in curves.items()})
    figure, axes = blank(8, 4)
    axes.axhline(in_float, color=GREY, ls="--", lw=1, label=f"float, {in_float:.1%}")
    for (name, values), colour, marker in zip(curves.items(), SERIES, MARKERS, strict=False):
        axes.plot(bits, values, color=colour, marker=marker, ms=6, label=name)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xticks(list(bits))
    axes.set_xlabel("bits of a weight")
    axes.set_ylabel("accuracy")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)
    return Picture(
        figure,
        f"Accuracy of {title} against the bits of its weights; float {in_float:.1%}. "
        f"{_told(bits, curves)}.",
    )


def saturations(shares: Mapping[str, Mapping[str, float]], title: str) -> Picture:
    """The share of each map's values that a calibrated range cuts off.

    Args:
        shares: by calibration, then by layer, in 0..1.
        title: of the network.

    Raises:
        TinyMLError: nothing to draw, or calibrations of other layers.
    """
    layers = list(next(iter(shares.values()), {}))
    if not layers or any(list(table) != layers for table in shares.values()):
        raise TinyMLError("saturations need the same layers for every calibration")
    figure, axes = blank(8, 0.09 * len(layers) * len(shares) + 1.6)
    height = 0.8 / len(shares)
    for place, ((name, table), colour) in enumerate(zip(shares.items(), SERIES, strict=False)):
        at = np.arange(len(layers)) + (place - (len(shares) - 1) / 2) * height
        axes.barh(at, list(table.values()), height, color=colour, label=name)
    axes.set_yticks(range(len(layers)), [short_name(layer) for layer in layers], fontsize=8)
    axes.set_ylim(len(layers) - 0.4, -0.6)  # the first layer on top
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("values that saturate")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)
    told = "; ".join(
        f"{name}: most in {worst}, {table[worst]:.2%}"
        for name, table in shares.items()
        for worst in [max(table, key=lambda layer: table[layer])]
    )
    return Picture(figure, f"Share of the values of each map that saturate, {title}. {told}.")


def bits_per_layer(
    sizes: Mapping[str, Mapping[int, int]], bits: Mapping[str, int], budget_bytes: int, title: str
) -> Picture:
    """Flash of each layer's weights at its bits, beside what it takes at its most.

    Args:
        sizes: bytes of each layer by number of bits.
        bits: what was chosen.
        budget_bytes: for all together.
        title: of the network.

    Raises:
        TinyMLError: no layers, or bits for other layers.
    """
    if not sizes or set(sizes) != set(bits):
        raise TinyMLError(f"bits for {sorted(bits)}, sizes of {sorted(sizes)}")
    figure, axes = blank(8, 0.3 * len(sizes) + 1.2)
    names = list(sizes)
    chosen = [sizes[name][bits[name]] for name in names]
    axes.barh(range(len(names)), [max(sizes[name].values()) for name in names], color=LIGHT)
    axes.barh(range(len(names)), chosen, color=BLUE)
    for row, name in enumerate(names):
        axes.text(chosen[row], row, f" {bits[name]} bits", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), [short_name(name) for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("bytes of flash; grey: with the most bits")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    total = sum(chosen)
    axes.set_title(f"{title}: {total:,} of {budget_bytes:,} bytes", loc="left")
    told = ", ".join(f"{name} {bits[name]}" for name in names)
    return Picture(
        figure,
        f"Bytes of each layer of {title} at its bits: {told}. Together {total:,} of "
        f"{budget_bytes:,} bytes.",
    )


def _check_lengths(points: int, found: Mapping[str, int]) -> None:
    if not points or not found:
        raise TinyMLError("no curves to draw")
    for name, length in found.items():
        if length != points:
            raise TinyMLError(f"{name}: {length} values for {points} places")


def _told(bits: Sequence[int], curves: Mapping[str, Sequence[float]]) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{v:.2%} at {b}" for b, v in zip(bits, values, strict=True))
        for name, values in curves.items()
    )
