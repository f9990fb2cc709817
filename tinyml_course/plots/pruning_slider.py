"""A slider of sparsity over a layer's histogram and its accuracy; a strip where none can be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tinyml_course.plots.show import Picture, as_html, display_widget, in_notebook
from tinyml_course.plots.style import BLUE, LIGHT, ORANGE, tidy
from tinyml_course.pruning import PruningError, fine_grained_mask
from tinyml_course.pruning.counts import Floats

LOOK_AT = "how far the middle of the histogram can be emptied before the accuracy falls."
STRIP = (0.3, 0.6, 0.9)
"""Sparsities of the static figure."""


def sparsity_slider(
    w: Floats, sparsities: Sequence[float], accuracies: Sequence[float], title: str
) -> None:
    """Display a slider over sparsity; where it cannot work, three sparsities side by side.

    Outside a notebook nothing happens.

    Args:
        w: weights of a layer, dense.
        sparsities: at which accuracy is known, rising; the slider goes from the first to the last.
        accuracies: at those, on validation images, in 0..1, with this layer pruned.
        title: of the layer.

    Raises:
        PruningError: no points, or lengths that differ.
    """
    _check(sparsities, accuracies)
    if not in_notebook():
        return
    fallback = as_html(sparsity_strip(w, sparsities, accuracies, title), look_at=LOOK_AT)
    panel = _panel(w, sparsities, accuracies, title)
    display_widget(panel, fallback, f"Sparsity of {title}")


def sparsity_strip(
    w: Floats, sparsities: Sequence[float], accuracies: Sequence[float], title: str
) -> Picture:
    """Three sparsities side by side."""
    return _picture(w, sparsities, accuracies, title, STRIP)


def sparsity_picture(
    w: Floats, sparsities: Sequence[float], accuracies: Sequence[float], title: str, at: float
) -> Picture:
    """One position of the slider."""
    return _picture(w, sparsities, accuracies, title, (at,))


def _picture(
    w: Floats,
    sparsities: Sequence[float],
    accuracies: Sequence[float],
    title: str,
    shown: Sequence[float],
) -> Picture:
    _check(sparsities, accuracies)
    figure = Figure(figsize=(3.2 * (len(shown) + 1), 3.2), layout="constrained")
    panels = figure.subplots(1, len(shown) + 1)
    reach = float(np.abs(w).max()) or 1.0
    edges = np.linspace(-reach, reach, 52).tolist()
    told = []
    panels[0].set_ylabel("weights; those that go are grey")
    for axes, at in zip(panels, shown, strict=False):
        _histogram(axes, w, at, edges)
        accuracy = float(np.interp(at, sparsities, accuracies))
        told.append(f"{at:.0%}: about {accuracy:.1%}")
    _accuracy(panels[-1], sparsities, accuracies, shown)
    figure.suptitle(title, x=0.01, ha="left")
    return Picture(
        figure,
        f"Histograms of the weights of {title} with the smallest ones pruned, and accuracy against "
        f"sparsity, between the points as on a straight line. {'; '.join(told)}.",
    )


def _histogram(axes: Axes, w: Floats, at: float, edges: list[float]) -> None:
    tidy(axes)
    mask = fine_grained_mask(w, at)
    axes.hist(w.ravel(), edges, color=LIGHT)
    axes.hist(w[mask], edges, color=BLUE)
    axes.set_title(f"{at:.0%} pruned", loc="left", fontsize=10)
    axes.set_xlabel("weight")
    axes.set_yticks([])


def _accuracy(
    axes: Axes, sparsities: Sequence[float], accuracies: Sequence[float], shown: Sequence[float]
) -> None:
    tidy(axes)
    axes.plot(sparsities, accuracies, color=BLUE, marker="o", ms=4)
    axes.plot(shown, np.interp(shown, sparsities, accuracies), "o", color=ORANGE, ms=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("sparsity")
    axes.set_title("validation accuracy", loc="left", fontsize=10)


def _check(sparsities: Sequence[float], accuracies: Sequence[float]) -> None:
    if len(sparsities) != len(accuracies) or not len(sparsities):
        raise PruningError(f"{len(accuracies)} accuracies for {len(sparsities)} sparsities")


def _panel(w: Floats, sparsities: Sequence[float], accuracies: Sequence[float], title: str) -> Any:
    """A slider over the figure; ``None`` without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return None
    least, most = sparsities[0], sparsities[-1]  # outside of them no accuracy is known
    slider = ipywidgets.FloatSlider(
        min(max(0.5, least), most), min=least, max=most, step=0.05, description="sparsity"
    )
    slider.continuous_update = False  # one drawing when it is let go
    picture = ipywidgets.HTML()

    def redraw(_change: object = None) -> None:
        drawn = sparsity_picture(w, sparsities, accuracies, title, slider.value)
        picture.value = as_html(drawn, look_at=LOOK_AT)

    slider.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([slider, picture])
