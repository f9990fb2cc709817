"""Showing a figure in a lab: with a text for those who cannot see it, and what to look at."""

import base64
import html
import io
import sys
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from tinyml_course.errors import TinyMLError

PIXELS_PER_INCH = 100


@dataclass(frozen=True)
class Picture:
    """A figure that says in words what it shows.

    Attributes:
        figure: the drawing.
        alt: for those who cannot see it: what is drawn, with the main numbers.
    """

    figure: Figure
    alt: str


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, so that there is something to display to."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def show(figure: Figure | Picture, *, look_at: str, alt: str = "") -> None:
    """Display a figure below the cell; outside a notebook nothing happens.

    Args:
        figure: it is closed afterwards.
        look_at: where to look first; printed below the figure.
        alt: what the figure shows, in words, with its main numbers; a `Picture` brings its own.

    Raises:
        TinyMLError: one of the texts is empty.
    """
    markup = as_html(figure, look_at=look_at, alt=alt)
    if in_notebook():
        from IPython.display import HTML, display

        display(HTML(markup))  # type: ignore[no-untyped-call]


def as_html(figure: Figure | Picture, *, look_at: str, alt: str = "") -> str:
    """The figure as an HTML element that holds its own image.

    Raises:
        TinyMLError: one of the texts is empty.
    """
    if isinstance(figure, Picture):
        alt = alt or figure.alt
        figure = figure.figure
    for name, text in (("alt", alt), ("look_at", look_at)):
        if not text.strip():
            raise TinyMLError(f"a figure needs a text for {name}: not everybody can see it")
    image = base64.b64encode(as_png(figure)).decode()
    return (
        f'<figure style="margin:8px 0"><img alt="{html.escape(alt)}" style="max-width:100%;'
        f'background:white" src="data:image/png;base64,{image}">'
        f"<figcaption><strong>Look at:</strong> {html.escape(look_at)}</figcaption></figure>"
    )


def as_png(figure: Figure) -> bytes:
    """The figure as PNG; it is closed afterwards."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:  # nothing to close unless somebody drew through pyplot
        pyplot.close(figure)
    return buffer.getvalue()


def display_widget(panel: Any, fallback: str, title: str) -> None:
    """Display a widget below the cell; a page without widgets shows the fallback.

    Args:
        panel: of ipywidgets, or ``None`` where they are not installed.
        fallback: a static figure, as HTML.
        title: where there is text only.
    """
    if not in_notebook():
        return
    from IPython.display import display

    bundle = {"text/html": fallback, "text/plain": title}
    if panel is not None:
        bundle = {**panel._repr_mimebundle_(), **bundle}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
