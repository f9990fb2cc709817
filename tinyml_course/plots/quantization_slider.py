"""Sliders of bits and range over a weight histogram; a strip where none can be."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tinyml_course.errors import TinyMLError
from tinyml_course.plots.quantization import Floats, draw_grid
from tinyml_course.plots.show import Picture, as_html, display_widget, in_notebook

LOOK_AT = "the red weights, which are cut off, against the distance of the lines: where is the "
LOOK_AT += "error least?"
STRIP = ((8, 1.0), (3, 1.0), (3, 0.4))
"""Bits and share of the range of the static figure."""


def grid_slider(w: Floats, title: str) -> None:
    """Display sliders of bits and of the grid's end; where they cannot work, three settings.

    Outside a notebook nothing happens.

    Args:
        w: weights of a layer, not all 0.
        title: of the layer.

    Raises:
        TinyMLError: no weights, or all 0.
    """
    _check(w)
    if not in_notebook():
        return
    fallback = as_html(grid_strip(w, title), look_at=LOOK_AT)
    display_widget(_panel(w, title), fallback, f"Grid of {title}")


def grid_strip(w: Floats, title: str) -> Picture:
    """Three settings side by side."""
    return _picture(w, title, STRIP)


def grid_picture(w: Floats, title: str, bits: int, share: float) -> Picture:
    """One setting of the sliders: bits, and the grid's end as a share of the largest magnitude."""
    return _picture(w, title, ((bits, share),))


def _picture(w: Floats, title: str, shown: tuple[tuple[int, float], ...]) -> Picture:
    _check(w)
    figure = Figure(figsize=(8, 1 + 2.2 * len(shown)), layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    largest = float(np.abs(w).max())
    told = [
        f"{bits} bits: {draw_grid(axes, w, share * largest, bits, f'{bits} bits')}"
        for axes, (bits, share) in zip(panels, shown, strict=True)
    ]
    panels[-1].set_xlabel("weight")
    figure.suptitle(title, x=0.01, ha="left")
    return Picture(
        figure, f"Histogram of the weights of {title} with a grid of integers. {'; '.join(told)}."
    )


def _check(w: Floats) -> None:
    if not w.size or not np.abs(w).max() > 0:
        raise TinyMLError("sliders need weights that are not all 0")


def _panel(w: Floats, title: str) -> Any:
    """Two sliders over the figure; ``None`` without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return None
    bits = ipywidgets.IntSlider(3, min=2, max=8, description="bits")
    share = ipywidgets.FloatSlider(1.0, min=0.1, max=1.0, step=0.05, description="range")
    picture = ipywidgets.HTML()

    def redraw(_change: object = None) -> None:
        drawn = grid_picture(w, title, bits.value, share.value)
        picture.value = as_html(drawn, look_at=LOOK_AT)

    for slider in (bits, share):
        slider.continuous_update = False  # one drawing when it is let go
        slider.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([bits, share, picture])
