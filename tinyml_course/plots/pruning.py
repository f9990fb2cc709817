"""Pruning in curves: weights before and after, what a layer bears, accuracy against sparsity."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import (
    BLUE,
    GREY,
    LIGHT,
    RED,
    SERIES,
    blank,
    plain_numbers,
    short_name,
    tidy,
)
from tinyml_course.pruning import PruningError, Sensitivity, WeightError
from tinyml_course.pruning.counts import Floats

BINS = 61
"""Odd, so that zero lies in the middle of a bin."""
MARKERS = "osD^vP*X"
DEEPEST = 0.9
"""Place in the colour map of the last layer; behind it lies a yellow that white paper swallows."""


class Curve(NamedTuple):
    """Accuracy of one way to prune.

    Attributes:
        sparsities: rising, in 0..1.
        accuracies: in 0..1, the mean over seeds.
        spread: standard deviation over seeds; empty where there is one seed.
    """

    sparsities: Sequence[float]
    accuracies: Sequence[float]
    spread: Sequence[float] = ()


def weight_histogram(before: Floats, after: Floats, title: str) -> Picture:
    """How weights are distributed, dense and pruned; exact zeros are told apart from small ones.

    Args:
        before: weights of any shape.
        after: the same, pruned and perhaps fine-tuned.
        title: of the layer.

    Raises:
        WeightError: no weights, or other shapes.
    """
    if not before.size or before.shape != after.shape:
        raise WeightError(
            f"weights before and after of one shape, got {before.shape}, {after.shape}"
        )
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    reach = float(max(np.abs(before).max(), np.abs(after).max())) or 1.0
    edges = np.linspace(-reach, reach, BINS + 1)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, values, name, colour in zip(
        panels, (before, after), ("before", "after"), (GREY, BLUE), strict=True
    ):
        tidy(axes)
        zeros = int((values == 0).sum())
        axes.hist(values[values != 0].ravel(), edges, color=colour)
        axes.set_title(f"{name}: {zeros:,} of {values.size:,} are zero", loc="left", fontsize=10)
        axes.set_xlabel("weight")
        plain_numbers(axes, x=False)
    panels[0].set_ylabel("weights that are not zero")
    figure.suptitle(title, x=0.01, ha="left")
    shares = [float((values == 0).mean()) for values in (before, after)]
    kept = np.abs(after[after != 0])
    least = f"the smallest left is {kept.min():.3g}" if kept.size else "none is left"
    return Picture(
        figure,
        f"Histograms of the weights of {title}. Before: {shares[0]:.1%} are zero. After: "
        f"{shares[1]:.1%} are zero, {least}; the largest is {np.abs(after).max():.3g}.",
    )


def sensitivity_curves(
    scan: Sensitivity, ratios: Mapping[str, float] | None = None, title: str = ""
) -> Picture:
    """Validation accuracy against the sparsity of one layer, the others dense.

    The first layers are drawn dark, the last ones light.

    Args:
        scan: from `sensitivity_scan`.
        ratios: what was chosen for each layer; marked on its curve.
        title: of the network.

    Raises:
        PruningError: there are no layers.
    """
    if not scan.accuracies:
        raise PruningError("a scan of no layers has no curves")
    figure, axes = blank(8, 4.2)
    x = (0.0, *scan.sparsities)
    for (name, curve), colour, marker in zip(
        scan.accuracies.items(),
        _by_depth(len(scan.accuracies)),
        _repeat(MARKERS),
        strict=False,
    ):
        y = (scan.baseline, *curve)
        axes.plot(x, y, color=colour, marker=marker, ms=5, label=short_name(_layer(name)))
        if ratios is not None and name in ratios:
            at = ratios[name]
            axes.plot(at, np.interp(at, x, y), "o", ms=13, mfc="none", mec=colour, mew=1.8)
    axes.axhline(scan.baseline, color=LIGHT, zorder=0)
    _percent(axes, "sparsity of this layer alone", "validation accuracy")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower left")
    told = "; ".join(
        f"{_layer(name)} goes down to {min(curve):.1%}"
        + (f", chosen {ratios[name]:.0%}" if ratios is not None and name in ratios else "")
        for name, curve in scan.accuracies.items()
    )
    return Picture(
        figure,
        f"Validation accuracy of {title or 'a network'} with one layer pruned, against sparsity "
        f"up to {scan.sparsities[-1]:.0%}. Dense {scan.baseline:.1%}; {told}.",
    )


def accuracy_against_sparsity(
    curves: Mapping[str, Curve], dense: float, title: str, floor: float | None = None
) -> Picture:
    """Accuracy after equal fine-tuning, by granularity or criterion.

    Args:
        curves: by name.
        dense: accuracy without pruning.
        title: network and data.
        floor: where the axis of accuracies begins; by default a little below the lowest.

    Raises:
        PruningError: no curves, or one whose lengths differ.
    """
    if not curves:
        raise PruningError("no curves to draw")
    for name, curve in curves.items():
        if not len(curve.sparsities) == len(curve.accuracies) or not curve.sparsities:
            raise PruningError(
                f"{name}: {len(curve.accuracies)} accuracies for {len(curve.sparsities)} sparsities"
            )
    figure, axes = blank(8, 4.4)
    axes.axhline(dense, color=GREY, ls="--", lw=1)
    axes.text(
        0.995,
        dense,
        f"dense {dense:.1%}",
        color=GREY,
        fontsize=9,
        ha="right",
        va="bottom",
        transform=axes.get_yaxis_transform(),
    )
    for (name, curve), colour, marker in zip(
        curves.items(), _repeat((*SERIES, RED)), _repeat(MARKERS), strict=False
    ):
        spread = curve.spread if len(curve.spread) else None
        axes.errorbar(
            curve.sparsities,
            curve.accuracies,
            yerr=spread,
            color=colour,
            marker=marker,
            ms=6,
            capsize=3,
            label=name,
        )
    if floor is not None:
        axes.set_ylim(bottom=floor)
    _percent(axes, "sparsity of the pruned layers", "accuracy after fine-tuning")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{a:.1%} at {s:.0%}" for s, a in zip(curve.sparsities, curve.accuracies, strict=True)
        )
        for name, curve in curves.items()
    )
    return Picture(figure, f"Accuracy against sparsity, {title}. Dense {dense:.1%}. {told}.")


def _by_depth(layers: int) -> list[str]:
    """A colour for each layer, from dark to light, the first and the last far apart."""
    shades = colormaps["viridis"](np.linspace(0.0, DEEPEST, layers))
    return [to_hex(shade) for shade in shades]


def _repeat(values: Sequence[str]) -> Sequence[str]:
    return tuple(values) * 8


def _layer(parameter: str) -> str:
    return parameter.removesuffix(".weight")


def _percent(axes: Axes, x: str, y: str) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(x)
    axes.set_ylabel(y)
