"""The widget of Lab 0: sliders for width, resolution and board over bars of memory.

Where there is no kernel to talk to, or ipywidgets is not installed, one figure stands for it.
"""

from typing import Any

from tinyml_course.graph import count_macs
from tinyml_course.mcu import BOARDS, board, plan
from tinyml_course.models import mobilenet_v2, random_graph
from tinyml_course.plots import memory_gap as figures
from tinyml_course.plots.show import as_html, display_widget, in_notebook

CLASSES = 1000
WIDTHS = (0.2, 1.0, 0.05)
RESOLUTIONS = (48, 224, 8)
START = (0.5, 160, "stm32f746")


def limit_of(name: str) -> figures.Limit:
    """A board's memories, for a figure."""
    found = board(name)
    return figures.Limit(found.name.upper(), found.sram_bytes, found.flash_bytes)


def memory_html(width: float, resolution: int, board_name: str) -> str:
    """SRAM and flash of a MobileNetV2 against a board, as an HTML figure."""
    graph = random_graph(mobilenet_v2(width, resolution, CLASSES), seed=None)
    textbook, engine = plan(graph, policy="per_layer"), plan(graph, policy="tinyengine")
    bars = {
        "SRAM, textbook": textbook.peak_bytes,
        "SRAM, TinyEngine": engine.peak_bytes,
        "flash, weights": engine.constants_bytes,
        "flash, and code": engine.flash_bytes,
    }
    macs = count_macs(graph) / 1e6
    title = f"MobileNetV2 width {width:g}, resolution {resolution}, {macs:.1f} M MACs"
    return as_html(
        figures.memory_bars(bars, limit_of(board_name), title),
        look_at="which of the two memories runs out first when you widen the network, and which "
        "when you enlarge the image.",
    )


def explorer() -> None:
    """Display the widget; one figure without sliders where it cannot work."""
    if in_notebook():
        fallback = memory_html(*START)
        display_widget(_panel(fallback), fallback, "Memory of MobileNetV2 against a board")


def _panel(first: str) -> Any:
    """Sliders over the figure; ``None`` without ipywidgets."""
    try:
        import ipywidgets
    except ImportError:
        return None
    width, resolution, name = START
    low, high, step = WIDTHS
    sliders = {
        "width": ipywidgets.FloatSlider(width, min=low, max=high, step=step, description="width"),
        "resolution": ipywidgets.IntSlider(
            resolution,
            min=RESOLUTIONS[0],
            max=RESOLUTIONS[1],
            step=RESOLUTIONS[2],
            description="resolution",
        ),
        "board": ipywidgets.Dropdown(options=list(BOARDS), value=name, description="board"),
    }
    picture = ipywidgets.HTML(first)

    def redraw(_change: object) -> None:
        values = [slider.value for slider in sliders.values()]
        picture.value = memory_html(*values)

    for slider in sliders.values():
        slider.continuous_update = False  # one drawing when the slider is let go
        slider.observe(redraw, names="value")
    return ipywidgets.VBox([*sliders.values(), picture])
