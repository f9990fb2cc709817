"""Shapes onto pixels: each pixel takes as much of a shape's colour as the shape covers of it.

The coverage follows from the distance to the shape's outline, so that no picture is drawn larger
than it will be. It is the area along an edge, and along a bar however thin; at corners it is too
large, by up to half a pixel. A shape smaller than a pixel covers its width times its length at
most: what is too small to be seen fades, as it does in a camera.

Only sums, products, quotients, square roots and comparisons are used, which IEEE 754 defines to the
last bit, and no matrix products, whose order of additions is the library's: the bytes are the same
on every machine.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HALF, ONE, TWO = np.float32(0.5), np.float32(1), np.float32(2)
SHORT = np.float32(1e-6)
"""Pixels; what is shorter counts as a point."""


class Box(NamedTuple):
    """The rows and columns that shapes reach."""

    left: int
    top: int
    right: int
    bottom: int


class Bars(NamedTuple):
    """Shapes in pixels, seen from the middle of each one's axis; float32 ``(K,)`` each.

    Attributes:
        x, y: the middle.
        along_x, along_y: direction of the axis, of length 1; of a point ``(1, 0)``.
        length: half of the axis.
        width: half of the width in the middle, without the rounding.
        slope: by which half the width grows with each pixel along the axis.
        rounding: by which the shape is larger, with round corners.
    """

    x: Floats
    y: Floats
    along_x: Floats
    along_y: Floats
    length: Floats
    width: Floats
    slope: Floats
    rounding: Floats


def paint(canvas: Floats, shapes: Floats, texture: Floats, light: tuple[float, float]) -> None:
    """Paint shapes over a picture, in their order.

    Args:
        canvas: ``(3, R, R)``, changed in place.
        shapes: ``(K, 13)`` from `place`.
        texture: ``(R, R)``, about -1..1; what the shapes' grain shows of.
        light: how much brighter a shape is at its right and at its lower end.
    """
    resolution = canvas.shape[-1]
    box = _box(shapes, resolution)
    if box.left >= box.right or box.top >= box.bottom:
        return
    bars = _bars(shapes, resolution)
    dx = np.arange(box.left, box.right, dtype=np.float32) + HALF - bars.x[:, None]
    dy = np.arange(box.top, box.bottom, dtype=np.float32) + HALF - bars.y[:, None]
    coverage = _coverage(bars, dx, dy)
    coverage *= shapes[:, 10, None, None]
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    brightness = _brightness(bars, dx, dy, shapes[:, 12], light)
    brightness += shapes[:, 11, None, None] * texture[inside]
    region, colours = canvas[:, *inside], shapes[:, 7:10, None, None]
    for index in range(len(shapes)):
        layer = colours[index] * brightness[index]
        layer -= region
        layer *= coverage[index]
        region += layer


def _box(shapes: Floats, resolution: int) -> Box:
    x0, y0, x1, y1, width0, width1, rounding = shapes[:, :7].T
    # A corner may lie as far from the axis as its width, in any direction.
    reach = np.maximum(width0, width1) + rounding + np.float32(1 / resolution)
    left = max(0.0, float((np.minimum(x0, x1) - reach).min()))
    top = max(0.0, float((np.minimum(y0, y1) - reach).min()))
    right = min(1.0, float((np.maximum(x0, x1) + reach).max()))
    bottom = min(1.0, float((np.maximum(y0, y1) + reach).max()))
    return Box(*(int(edge * resolution) for edge in (left, top, right, bottom)))


def _bars(shapes: Floats, resolution: int) -> Bars:
    scale = np.float32(resolution)
    x0, y0, x1, y1, width0, width1, rounding = shapes[:, :7].T * scale
    axis_x, axis_y = x1 - x0, y1 - y0
    length = np.sqrt(axis_x * axis_x + axis_y * axis_y)
    # Of a point every direction is right, and its width cannot grow.
    safe = np.maximum(length, SHORT)
    return Bars(
        (x0 + x1) * HALF,
        (y0 + y1) * HALF,
        np.where(length > SHORT, axis_x / safe, ONE),
        axis_y / safe,
        length * HALF,
        (width0 + width1) * HALF,
        np.where(length > SHORT, (width1 - width0) / safe, np.float32(0)),
        rounding,
    )


def _coverage(bars: Bars, dx: Floats, dy: Floats) -> Floats:
    """The share of each pixel that each shape covers.

    The distance to a box is straight inside and to the corner outside (Quilez, 2D distance
    functions); a pixel is half covered where the outline runs through its middle.
    """
    along = (bars.along_x[:, None] * dx)[:, None, :] + (bars.along_y[:, None] * dy)[:, :, None]
    across = (bars.along_x[:, None] * dy)[:, :, None] - (bars.along_y[:, None] * dx)[:, None, :]
    np.abs(across, out=across)
    if bars.slope.any():
        across -= bars.slope[:, None, None] * along
    across -= bars.width[:, None, None]
    np.abs(along, out=along)
    along -= bars.length[:, None, None]
    distance = np.minimum(np.maximum(along, across), 0)
    np.maximum(along, 0, out=along)
    np.maximum(across, 0, out=across)
    along *= along
    across *= across
    along += across
    distance += np.sqrt(along, out=along)
    coverage: Floats = np.subtract((bars.rounding + HALF)[:, None, None], distance, out=distance)
    most = np.minimum(1, 2 * (bars.width + bars.rounding))
    most *= np.minimum(1, 2 * (bars.length + bars.rounding))
    np.maximum(coverage, 0, out=coverage)
    np.minimum(coverage, most[:, None, None], out=coverage)
    return coverage


def _brightness(
    bars: Bars, dx: Floats, dy: Floats, body: Floats, light: tuple[float, float]
) -> Floats:
    """Light from one side: a gradient over each shape's own size, 1 in its middle."""
    widest = bars.width + np.abs(bars.slope) * bars.length + bars.rounding
    strength = body / (TWO * (bars.length + widest) + ONE)
    lit_x = (np.float32(light[0]) * strength)[:, None] * dx
    lit_y = (np.float32(light[1]) * strength)[:, None] * dy + ONE
    brightness: Floats = np.add(lit_x[:, None, :], lit_y[:, :, None])
    return brightness
