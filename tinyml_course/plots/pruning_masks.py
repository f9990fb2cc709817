"""Masks as pictures: what each granularity leaves of the same weights."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from tinyml_course.plots.show import Picture
from tinyml_course.plots.style import BLUE
from tinyml_course.pruning import PruningError
from tinyml_course.pruning.counts import Mask

MOST_KERNELS = 16
"""Kernels a side that are drawn; more would be dots."""
_PRUNED, _GAP = "#f4f4f4", "#ffffff"


def mask_picture(masks: Mapping[str, Mask], title: str = "") -> Picture:
    """Masks of one convolution side by side: output channels down, input channels to the right.

    Args:
        masks: bool ``(C_out, C_in, K_h, K_w)`` by name; of large layers the first
            `MOST_KERNELS` channels are drawn.
        title: of the layer.

    Raises:
        PruningError: no masks, or not of four axes and one shape.
    """
    shapes = {mask.shape for mask in masks.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 4 or 0 in next(iter(shapes)):
        raise PruningError(f"masks of one shape (C_out, C_in, K_h, K_w), got {sorted(shapes)}")
    columns = min(len(masks), 3)
    rows = -(-len(masks) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(masks) :]:
        axes.set_axis_off()
    for axes, (name, mask) in zip(panels, masks.items(), strict=False):
        _draw(axes, mask)
        axes.set_title(f"{name}\n{1 - mask.mean():.1%} pruned", loc="left", fontsize=10)
    panels[0].set_ylabel("output channels")
    panels[0].set_xlabel("input channels")
    figure.suptitle(f"{title}{_cut(next(iter(shapes)))}", x=0.01, ha="left")
    return Picture(figure, _in_words(masks, title))


def tiles(mask: Mask) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Kernels laid out with a line between: 1 kept, 0 pruned, -1 between.

    Args:
        mask: ``(C_out, C_in, K_h, K_w)``.

    Returns:
        ``(C_out (K_h + 1) - 1, C_in (K_w + 1) - 1)``.
    """
    c_out, c_in, k_h, k_w = mask.shape
    padded = np.full((c_out, k_h + 1, c_in, k_w + 1), -1, np.int64)
    padded[:, :k_h, :, :k_w] = mask.transpose(0, 2, 1, 3)
    return padded.reshape(c_out * (k_h + 1), c_in * (k_w + 1))[:-1, :-1]


def _draw(axes: Axes, mask: Mask) -> None:
    shown = tiles(mask[:MOST_KERNELS, :MOST_KERNELS])
    colours = ListedColormap([_GAP, _PRUNED, BLUE])
    axes.imshow(shown, colours, vmin=-1, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def _cut(shape: tuple[int, ...]) -> str:
    """What is not drawn, if anything."""
    if max(shape[:2]) <= MOST_KERNELS:
        return ""
    shown = [f"{min(size, MOST_KERNELS)} of {size}" for size in shape[:2]]
    return f" (output channels: {shown[0]}, input channels: {shown[1]})"


def _in_words(masks: Mapping[str, Mask], title: str) -> str:
    c_out, c_in, k_h, k_w = next(iter(masks.values())).shape
    told = []
    for name, mask in masks.items():
        kernels = int((~mask.any((2, 3))).sum())
        channels = int((~mask.any((1, 2, 3))).sum())
        told.append(
            f"{name}: {1 - mask.mean():.1%} pruned, {kernels} of {c_out * c_in} kernels and "
            f"{channels} of {c_out} output channels empty"
        )
    return (
        f"Masks of {title or 'a convolution'}, {c_out} by {c_in} kernels of {k_h} x {k_w}; dark is "
        f"kept. {'; '.join(told)}."
    )
