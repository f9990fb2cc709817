"""What the figures share: colours, axes without a box, numbers written out, short names."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Okabe and Ito's palette, which stays apart for colour-blind readers, and in print.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PINK, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#7f7f7f"
LIGHT, BROWN = "#d4d4d4", "#5b3a1e"
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY)

_LONGEST = 18
"""Letters of an operator's name that stay legible as one of many on an axis."""


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    tidy(axes)
    return figure, axes


def tidy(axes: Axes) -> None:
    """Take the box off."""
    axes.spines[["top", "right"]].set_visible(False)


def plain_numbers(axes: Axes, x: bool = True) -> None:
    """1,000 instead of 10 to the third."""
    number = FuncFormatter(lambda value, _: f"{value:,.0f}")
    for axis in (axes.xaxis, axes.yaxis) if x else (axes.yaxis,):
        axis.set_major_formatter(number)
        axis.set_minor_formatter("")


def short_name(unit: str) -> str:
    """The name of an operator or a stage for an axis.

    ``block1.expand .. block1.add`` becomes ``block1.expand .. add``; what is longer than an axis
    bears is cut in the middle.
    """
    first, *others = unit.split(" .. ")
    lasts = [other.removeprefix(f"{block_of(first)}.") for other in others]
    return " .. ".join(_cut(name) for name in (first, *lasts))


def block_of(operator: str) -> str:
    """``block3`` of ``block3.expand``; an operator that stands alone is its own block."""
    return operator.rpartition(".")[0] or operator


def _cut(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    half = (_LONGEST - 1) // 2
    return f"{name[: _LONGEST - 1 - half]}…{name[-half:]}"
