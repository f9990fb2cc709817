"""Quantization in pictures: the staircase, weights and their grid, errors, accuracy, saturation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter
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
from tinyml_course.quantization.clipping import squared_error

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
    cut, error = float((~inside).mean()), squared_error(w, limit, bits) ** 0.5
    text = f"limit {limit:.3g}, {cut:.1%} cut off, error {error:.3g} (root mean square)"
    axes.set_title(f"{name}: {text}" if name else text, loc="left", fontsize=9)
    axes.set_ylabel("weights a bin")
    plain_numbers(axes, x=False)
    return text


def histogram_of_values(w: Floats, values: Mapping[str, Floats], title: str) -> Picture:
    """Weights, and lines at the few values that stand for them, for one choice or several.

    Args:
        w: weights of any shape.
        values: those that a weight may have, by name; each weight goes to the nearest.
        title: of the layer.

    Raises:
        TinyMLError: no weights, or no values.
    """
    if not w.size or not values or not all(np.size(v) for v in values.values()):
        raise TinyMLError(f"{w.size} weights and values {list(values)} make no histogram")
    figure = Figure(figsize=(8, 1 + 2.2 * len(values)), layout="constrained")
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    told = []
    for axes, (name, lines) in zip(panels, values.items(), strict=True):
        tidy(axes)
        axes.hist(w.ravel(), BINS, color=BLUE)
        for line in lines:
            axes.axvline(float(line), color=ORANGE, lw=0.8, alpha=0.8)
        away = np.abs(w.reshape(-1, 1) - np.asarray(lines)).min(1)
        text = f"{len(lines)} values, error {float((away**2).mean() ** 0.5):.3g}"
        axes.set_title(f"{name}: {text} (root mean square)", loc="left", fontsize=9)
        axes.set_ylabel("weights a bin")
        plain_numbers(axes, x=False)
        told.append(f"{name}: {text}")
    panels[-1].set_xlabel("weight")
    figure.suptitle(title, x=0.01, ha="left")
    return Picture(
        figure,
        f"Histogram of {w.size:,} weights of {title} with lines at the values that stand for them. "
        f"{'; '.join(told)}.",
    )


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
    magnitudes = np.abs(flat).max(1)[order]
    lost = int((magnitudes < step / 2).sum())  # the first ones: they are in order
    bars = axes.bar(range(len(order)), high - low, bottom=low, color=BLUE, width=0.7)
    for bar in bars[:lost]:
        bar.set_facecolor(RED)
    axes.use_sticky_edges = False
    band = axes.axhspan(-step / 2, step / 2, color=ORANGE, alpha=0.35, lw=0, zorder=0)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("output channels, in the order of their largest magnitudes")
    axes.set_ylabel("range of the weights")
    axes.set_title(f"{title}, one {bits}-bit grid for all", loc="left")
    handles, names = [band], ["what becomes 0"]
    if lost:
        handles, names = [*handles, bars[0]], [*names, f"channels that become 0: {lost}"]
    axes.legend(handles, names, frameon=False, fontsize=9, loc="upper left")
    smallest = f"{magnitudes[-1] / magnitudes[0]:.1f}" if magnitudes[0] else "infinitely many"
    return Picture(
        figure,
        f"Ranges of the {len(order)} output channels of {title}. The largest weight of the widest "
        f"is {smallest} times that of the narrowest. On one {bits}-bit grid for all, {lost} of "
        f"them become 0 as a whole.",
    )


def error_against_bits(
    bits: Sequence[int],
    errors: Mapping[str, Sequence[float]],
    title: str,
    *,
    in_pairs: bool = False,
) -> Picture:
    """Root mean square error of weights, relative to their size, against bits.

    Args:
        bits: rising.
        errors: relative errors above 0, at those, by name.
        title: of the network or layer.
        in_pairs: two lines that follow each other share a colour; the first is dashed.

    Raises:
        TinyMLError: nothing to draw, or other lengths.
    """
    _check_lengths(len(bits), {name: len(values) for name, values in errors.items()})
    figure, axes = blank(8, 4)
    for place, ((name, values), marker) in enumerate(zip(errors.items(), MARKERS, strict=False)):
        colour = SERIES[place // 2 if in_pairs else place]
        dash = "--" if in_pairs and place % 2 == 0 else "-"
        axes.semilogy(bits, values, dash, color=colour, marker=marker, ms=6, label=name)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _label_bits(axes, bits, "error relative to the weights", title)
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
    _label_bits(axes, bits, "accuracy", title)
    return Picture(
        figure,
        f"Accuracy of {title} against the bits of its weights; float {in_float:.1%}. "
        f"{_told(bits, curves)}.",
    )


def _label_bits(axes: Axes, bits: Sequence[int], measured: str, title: str) -> None:
    """What is measured, against bits."""
    axes.set_xticks(list(bits))
    axes.set_xlabel("bits of a weight")
    axes.set_ylabel(measured)
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)


def saturations(shares: Mapping[str, Mapping[str, float]], title: str) -> Picture:
    """The share of each map's values that a calibrated range cuts off, on a logarithmic axis.

    A map of which nothing saturates has no dot.

    Args:
        shares: by calibration, then by layer, in 0..1; not all 0.
        title: of the network.

    Raises:
        TinyMLError: nothing to draw, or calibrations of other layers.
    """
    layers = list(next(iter(shares.values()), {}))
    if not layers or any(list(table) != layers for table in shares.values()):
        raise TinyMLError("saturations need the same layers for every calibration")
    if not any(share > 0 for table in shares.values() for share in table.values()):
        raise TinyMLError("nothing saturates: there is nothing to draw")
    figure, axes = blank(8, 0.24 * len(layers) + 1.4)
    for (name, table), colour, marker in zip(shares.items(), SERIES, MARKERS, strict=False):
        rows = [row for row, layer in enumerate(layers) if table[layer] > 0]
        found = [table[layers[row]] for row in rows]
        axes.semilogx(found, rows, marker, color=colour, ms=6, alpha=0.9, label=name)
    axes.set_yticks(range(len(layers)), [short_name(layer) for layer in layers], fontsize=8)
    axes.set_ylim(len(layers) - 0.4, -0.6)  # the first layer on top
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.grid(axis="y", color=LIGHT, lw=0.5)
    axes.set_xlabel("values that saturate (no dot: none)")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)
    told = "; ".join(_most_saturating(name, table) for name, table in shares.items())
    return Picture(figure, f"Share of the values of each map that saturate, {title}. {told}.")


def _most_saturating(name: str, table: Mapping[str, float]) -> str:
    worst = max(table, key=lambda layer: table[layer])
    if table[worst] == 0:
        return f"{name}: none"
    some = sum(share > 0 for share in table.values())
    return f"{name}: in {some} of {len(table)} maps, most in {worst}, {table[worst]:.3%}"


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
