"""Rows of a streamed stage in motion: a slider in a notebook, an animation as HTML, or a strip."""

import html
from collections.abc import Sequence
from typing import Any

from matplotlib.animation import FuncAnimation

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.scheduling import RowFlow
from tinyml_course.plots.row_states import RowHistory
from tinyml_course.plots.rows import (
    output_steps,
    rows_figure,
    rows_in_words,
    rows_picture,
    rows_strip,
    step_title,
)
from tinyml_course.plots.show import as_html, display_widget, in_notebook

LOOK_AT = "how the coloured rows slide down in each column while no column but the last one fills."


def play_rows(flow: RowFlow, zoom: float = 1) -> None:
    """Display a slider over the steps of a stage; where it cannot work, five steps side by side.

    Outside a notebook nothing happens.

    Args:
        flow: the stage.
        zoom: 4 shows a quarter of the height, around the row that the step makes.

    Raises:
        ScheduleError: a zoom below 1.
    """
    if not in_notebook():
        return
    fallback = as_html(rows_strip(flow), look_at=LOOK_AT)
    display_widget(_panel(flow, zoom), fallback, "Rows that flow through a streamed stage")


def step_html(flow: RowFlow, step: int, zoom: float = 1) -> str:
    """One step as an HTML figure.

    Raises:
        ScheduleError: there is no such step, or a zoom below 1.
    """
    return as_html(rows_picture(flow, step, zoom), look_at=LOOK_AT)


def rows_animation(
    flow: RowFlow, steps: Sequence[int] | None = None, frames_per_second: int = 4
) -> str:
    """Steps as a film with buttons, in HTML that holds its own frames: about 40 KB each.

    Args:
        flow: the stage.
        steps: which; by default 24 that write a row of the output, from the first to the last.
        frames_per_second: how fast it plays.

    Raises:
        ScheduleError: there is no such step, or none is asked for.
    """
    history = RowHistory(flow)
    shown = output_steps(history, 24) if steps is None else list(steps)
    if not shown:
        raise ScheduleError("a film of rows needs a step at least")
    alt = rows_in_words(history, shown)
    figure, columns = rows_figure(history, shown[0])
    figure.set_dpi(72)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once: frames that jump are hard to watch, and slow

    def draw(step: int) -> list[Any]:
        columns.move_to(step)
        columns.axes.set_title(step_title(history, step), loc="left", fontsize=10)
        return []

    film = FuncAnimation(figure, draw, frames=shown)
    markup = film.to_jshtml(fps=frames_per_second, default_mode="once")
    return f'<figure role="group" aria-label="{html.escape(alt)}">{markup}</figure>'


def _panel(flow: RowFlow, zoom: float) -> Any:
    """A slider and a player over the figure; ``None`` without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return None
    last = len(flow.steps) - 1
    slider = ipywidgets.IntSlider(0, min=0, max=last, description="step")
    slider.continuous_update = False  # one drawing when it is let go
    player = ipywidgets.Play(value=0, min=0, max=last, interval=400)
    ipywidgets.jslink((player, "value"), (slider, "value"))
    picture = ipywidgets.HTML(step_html(flow, 0, zoom))

    def redraw(_change: object) -> None:
        picture.value = step_html(flow, slider.value, zoom)

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([ipywidgets.HBox([player, slider]), picture])
