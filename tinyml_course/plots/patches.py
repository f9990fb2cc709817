"""Patches on the image: what each reads, what is read more than once, core and halo of one."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch as Handle
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu.scheduling import Patch, Patches, PatchFlow, Region, Schedule, Stage
from tinyml_course.patching import patch_overhead, stage_overhead
from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE, ORANGE, RED

Pixels = NDArray[np.float64]

_SHADES = LinearSegmentedColormap.from_list("again", ["#f7d58a", ORANGE, RED, "#5c2300"])
_MOST_NAMED = 8
"""Shades in the legend."""

_GREY = (0.299, 0.587, 0.114)
"""Brightness of red, green and blue (ITU-R BT.601)."""


def patches_on_image(
    image: ArrayLike, graph: Graph, stage: Stage, highlight: tuple[int, int] | None = None
) -> Picture:
    """The regions of an image that the patches of a stage read.

    Left: every region as a frame; where they overlap, the colour tells how often a pixel is read.
    What is read again is computed again in the maps that follow. Right: one patch, its core (its
    share of the image, which it would read if windows were 1 x 1) and the halo around it.

    Args:
        image: ``(height, width)`` or ``(height, width, 1 or 3)``, as large as the graph's input;
            uint8 of 0..255, int8 of -128..127, or floats, which are stretched to their range.
        graph: the network.
        stage: patches; it begins with the graph's first operator.
        highlight: row and column of the patch on the right; by default one in the middle.

    Raises:
        ScheduleError: the stage streams, does not begin with the image or cannot be cut so; there
            is no such patch; the image is of another size.
    """
    if not isinstance(stage, Patches):
        raise ScheduleError(f"{stage} has no patches to draw; give Patches(first, last, rows, ...)")
    flow = _flow(graph, stage)
    patch = _highlighted(flow, highlight)
    pixels = _pixels(image, flow.stage.size(flow.stage.source))
    figure = Figure(figsize=(9.5, 5.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    counts = read_counts(flow)
    _draw_counts(left, pixels, flow, counts)
    core = core_of(flow, patch)
    _draw_one(right, pixels, patch, flow.stage.source, core)
    overall = patch_overhead(graph, stage.last, stage.rows, stage.columns)
    inside = stage_overhead(graph, stage.last, stage.rows, stage.columns)
    size = f"{stage.rows} x {stage.columns} patches"
    figure.suptitle(
        f"{graph.name}, {size} from {stage.first} to {stage.last}\n"
        f"{overall:.1%} more MACs in all, {inside:.1%} more inside of the stage",
        fontsize=11,
    )
    region = patch.regions[flow.stage.source]
    return Picture(
        figure,
        f"An image cut into {size} that run from {stage.first} to {stage.last}. Patches read "
        f"{counts.sum() / counts.size:.2f} pixels for each one of the image; "
        f"{(counts > 1).mean():.0%} of the image is read more than once, up to {counts.max()} "
        f"times. The patch in row {patch.row}, column {patch.column} reads {_size(region)} pixels "
        f"for a core of {_size(core)}. Patches cost {overall:.1%} more MACs in all, {inside:.1%} "
        "more inside of the stage.",
    )


def read_counts(flow: PatchFlow) -> NDArray[np.int64]:
    """For each pixel of the stage's source how many patches read it; ``(height, width)``."""
    counts = np.zeros(flow.stage.size(flow.stage.source), np.int64)
    for patch in flow.patches:
        region = patch.regions[flow.stage.source]
        counts[slice(*region.rows), slice(*region.columns)] += 1
    return counts


def core_of(flow: PatchFlow, patch: Patch) -> Region:
    """The share of the source that lies above a patch's output, as far as the patch reads it."""
    stage = flow.stage
    whole, output = stage.size(stage.source), stage.size(stage.output)
    written, read = patch.regions[stage.output], patch.regions[stage.source]
    spans = []
    for axis, (made, seen) in enumerate(
        ((written.rows, read.rows), (written.columns, read.columns))
    ):
        start, stop = (round(edge * whole[axis] / output[axis]) for edge in made)
        start = min(max(start, seen[0]), seen[1])
        spans.append((start, max(start, min(stop, seen[1]))))
    return Region(spans[0], spans[1])


def _flow(graph: Graph, stage: Patches) -> PatchFlow:
    flow = Schedule(graph, [stage]).units[0].flow
    if not isinstance(flow, PatchFlow):
        raise ScheduleError(
            f"the patches begin with {stage.first}, which does not read the image; begin with "
            f"{graph.operators[0].name} to draw them on it"
        )
    return flow


def _highlighted(flow: PatchFlow, asked: tuple[int, int] | None) -> Patch:
    row, column = (flow.rows // 2, flow.columns // 2) if asked is None else asked
    if not (0 <= row < flow.rows and 0 <= column < flow.columns):
        raise ScheduleError(
            f"there are {flow.rows} x {flow.columns} patches, rows 0..{flow.rows - 1} and columns "
            f"0..{flow.columns - 1}; none is {row, column}"
        )
    return flow.patches[row * flow.columns + column]


def _pixels(image: ArrayLike, size: tuple[int, int]) -> Pixels:
    """Between 0 and 1, with three channels."""
    given = np.asarray(image)
    values = given[..., None] if given.ndim == 2 else given
    if values.ndim != 3 or values.shape[:2] != size or values.shape[2] not in (1, 3):
        raise ScheduleError(
            f"the network reads images of {size[0]} x {size[1]} pixels with 1 or 3 channels; this "
            f"one is of shape {given.shape}"
        )
    low, high = float(values.min()), float(values.max())
    if values.dtype in (np.uint8, np.int8):
        low, high = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
    scaled = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.broadcast_to(scaled, (*size, 3))


def _draw_counts(axes: Axes, pixels: Pixels, flow: PatchFlow, counts: NDArray[np.int64]) -> None:
    _draw_image(axes, _grey(pixels) * 0.6 + 0.4)
    most = int(counts.max())
    if most > 1:
        again = np.ma.masked_less(counts, 2)
        axes.imshow(again, cmap=_SHADES, vmin=2, vmax=most, alpha=0.65, interpolation="nearest")
        repeated = np.unique(again.compressed())
        named = np.linspace(0, len(repeated) - 1, min(len(repeated), _MOST_NAMED)).round()
        handles = [
            Handle(
                color=_SHADES((count - 2) / max(most - 2, 1)),
                alpha=0.65,
                label=f"read by {count} patches",
            )
            for count in repeated[named.astype(int)]
        ]
        _legend(axes, handles, columns=3)
    for patch in flow.patches:
        region = patch.regions[flow.stage.source]
        if region.pixels:
            axes.add_patch(_frame(region, BLUE, 1.0))
    axes.set_title("what each patch reads, and what several read", fontsize=10)


def _draw_one(axes: Axes, pixels: Pixels, patch: Patch, source: str, core: Region) -> None:
    region = patch.regions[source]
    shown = _grey(pixels) * 0.3 + 0.7
    read = slice(*region.rows), slice(*region.columns)
    shown[read] = pixels[read]
    _draw_image(axes, shown)
    for part in _around(region, core):
        tint = _frame(part, ORANGE, 0.0)
        tint.set(fill=True, facecolor=(*to_rgb(ORANGE), 0.45), hatch="////")
        axes.add_patch(tint)
    axes.add_patch(_frame(region, ORANGE, 2.2))
    axes.add_patch(_frame(core, BLUE, 2.2))
    axes.set_title(f"the patch in row {patch.row}, column {patch.column}", fontsize=10)
    handles = [
        Handle(fill=False, edgecolor=BLUE, linewidth=2.2, label=f"core, {_size(core)} pixels"),
        Handle(
            facecolor=(*to_rgb(ORANGE), 0.45),
            edgecolor=ORANGE,
            hatch="////",
            label=f"halo; with it {_size(region)} pixels",
        ),
    ]
    _legend(axes, handles, columns=1)


def _legend(axes: Axes, handles: Sequence[Handle], columns: int) -> None:
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.01),
        ncols=columns,
        frameon=False,
        fontsize=9,
        columnspacing=1.0,
    )


def _around(region: Region, core: Region) -> list[Region]:
    """The halo as bands: above, below, left and right of the core."""
    (top, bottom), (left, right) = region.rows, region.columns
    bands = [
        Region((top, core.rows[0]), (left, right)),
        Region((core.rows[1], bottom), (left, right)),
        Region(core.rows, (left, core.columns[0])),
        Region(core.rows, (core.columns[1], right)),
    ]
    return [band for band in bands if band.pixels]


def _draw_image(axes: Axes, pixels: Pixels) -> None:
    axes.imshow(pixels, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def _grey(pixels: Pixels) -> Pixels:
    brightness: Pixels = pixels @ np.array(_GREY)
    return np.repeat(brightness[..., None], 3, axis=2)


def _frame(region: Region, colour: str, width: float) -> Rectangle:
    """Pixel 0 reaches from -0.5 to 0.5."""
    (top, bottom), (left, right) = region.rows, region.columns
    corner = (left - 0.5, top - 0.5)
    return Rectangle(corner, right - left, bottom - top, fill=False, ec=colour, lw=width)


def _size(region: Region) -> str:
    rows, columns = region.rows[1] - region.rows[0], region.columns[1] - region.columns[0]
    return f"{rows} x {columns}"
