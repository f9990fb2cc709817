"""Before and after compression on a board: MACs, latency, SRAM and flash as bars."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from tinyml_course.errors import CompressionError
from tinyml_course.mcu import Board, Report
from tinyml_course.mcu.boards import KIB
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import GREY, RED, SERIES, tidy

FIGURES = {
    "macs": ("MACs (thousand)", 1e3),
    "latency_ms_estimate": ("latency (ms, estimate)", 1.0),
    "sram_peak_bytes": ("SRAM peak (KiB)", KIB),
    "flash_constants_bytes": ("constants in flash (KiB)", KIB),
}
"""What is drawn: title and unit on screen, by the report's name."""


def before_and_after(reports: Mapping[str, Report], board: Board, title: str = "") -> Picture:
    """What networks, or ways to run one, cost on a board, the first one as the measure.

    Args:
        reports: by name, the dense network first, or the plain way.
        board: the one of the reports; its memory is told.
        title: of the network.

    Raises:
        CompressionError: fewer than two reports, or such of another board.
    """
    if len(reports) < 2:
        raise CompressionError(f"before and after are two reports at least, got {len(reports)}")
    others = {costs.board for costs in reports.values()} - {board.name}
    if others:
        raise CompressionError(f"reports of {', '.join(sorted(others))}, not of {board.name}")
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = figure.subplots(1, len(FIGURES))
    names = list(reports)
    for axes, (key, (label, unit)) in zip(panels, FIGURES.items(), strict=True):
        tidy(axes)
        values = [getattr(costs, key) / unit for costs in reports.values()]
        bars = axes.bar(range(len(values)), values, color=[GREY, *SERIES][: len(values)])
        texts = [f"{_number(value)}\n{value / values[0]:.0%}" for value in values]
        axes.bar_label(bars, texts, fontsize=9)
        axes.set_xticks(range(len(names)), names, rotation=20, ha="right", fontsize=9)
        axes.set_ylim(0, max(values) * 1.25)
        axes.set_title(label, loc="left", fontsize=10)
    figure.suptitle(f"{title} on {board.title}", x=0.01, ha="left")
    for axes, room in zip(panels[2:], (board.sram_bytes, board.flash_bytes), strict=True):
        if room / KIB < axes.get_ylim()[1]:
            axes.axhline(room / KIB, color=RED, ls="--", lw=1)
    return Picture(figure, _in_words(reports, board, title))


def _in_words(reports: Mapping[str, Report], board: Board, title: str) -> str:
    first = next(iter(reports.values()))
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{label} {_number(getattr(costs, key) / unit)} "
            f"({getattr(costs, key) / getattr(first, key):.0%})"
            for key, (label, unit) in FIGURES.items()
        )
        for name, costs in reports.items()
    )
    return f"Bars of what {title or 'a network'} costs on {board.name.upper()}. {told}."


def _number(value: float) -> str:
    """Three digits, or all before the point: never ``1.26e+03``."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
