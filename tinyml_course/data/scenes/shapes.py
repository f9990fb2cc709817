"""The one shape of which all things in a scene are built: a bar that may taper and has round ends.

A limb is a bar of width 0 with round ends, a ball one without length, a table one with no rounding,
a roof one that tapers to nothing. One shape means one formula for its coverage (`paint`).

A thing is a list of shapes in its own frame: its foot is at ``(0, 0)``, ``y`` goes up, and it is
about 1 high. `place` brings it into the picture, whose corners are ``(0, 0)`` and ``(1, 1)`` with
``y`` going down.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Colour = tuple[float, float, float]
"""Red, green, blue in 0..1."""


class Shape(NamedTuple):
    """A bar.

    Attributes:
        x0, y0: where its axis starts.
        x1, y1: where its axis ends.
        width0: half its width at the start, without the rounding.
        width1: half its width at the end.
        rounding: by which it is larger, with round corners.
        red, green, blue: colour in 0..1.
        opacity: 1 hides what is behind, 0 shows it.
        grain: how strongly the scene's texture shows on it, 0..1.
        body: how strongly light falls from one side, 0 (flat) to 1.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    width0: float
    width1: float
    rounding: float
    red: float
    green: float
    blue: float
    opacity: float
    grain: float
    body: float


Thing = list[Shape]


def limb(a: Point, b: Point, radius: float, colour: Colour, grain: float = 0.1) -> Shape:
    """A bar with half-circles at its ends."""
    return Shape(*a, *b, 0.0, 0.0, radius, *colour, 1.0, grain, 1.0)


def ball(centre: Point, radius: float, colour: Colour, grain: float = 0.1) -> Shape:
    """A disc."""
    return Shape(*centre, *centre, 0.0, 0.0, radius, *colour, 1.0, grain, 1.0)


def block(
    a: Point,
    b: Point,
    width0: float,
    width1: float,
    colour: Colour,
    grain: float = 0.2,
    rounding: float = 0.0,
    body: float = 0.6,
) -> Shape:
    """A bar from ``a`` to ``b``, ``width0`` to either side at ``a`` and ``width1`` at ``b``."""
    return Shape(*a, *b, width0, width1, rounding, *colour, 1.0, grain, body)


def shadow(half_width: float, height: float, strength: float) -> Shape:
    """What a thing casts on the ground under it."""
    dark = (0.05, 0.05, 0.08)
    return Shape(-half_width, 0.0, half_width, 0.0, 0.0, 0.0, height, *dark, strength, 0.0, 0.0)


def reach(origin: Point, length: float, angle: float) -> Point:
    """The end of a limb that hangs from ``origin``; ``angle`` in degrees, 0 is straight down."""
    radians = math.radians(angle)
    return origin[0] + length * math.sin(radians), origin[1] - length * math.cos(radians)


# A sine's last bit is not the same on every machine. Rounded to this, it is out of sight: an error
# of 1e-16 would have to hit the 1e-11 of all numbers that lie so close to a rounding boundary.
STEPS = 2.0**16


def place(
    thing: Sequence[Shape], x: float = 0.0, foot: float = 0.0, size: float = 1.0, mirror: float = 1
) -> NDArray[np.float32]:
    """A thing in the picture.

    Args:
        thing: the shapes, from back to front.
        x: of its foot in the picture, 0 is left.
        foot: of its foot in the picture, 0 is the top.
        size: its unit of length, as a share of the picture.
        mirror: -1 turns left and right around.

    Returns:
        float32 ``(K, 13)``: the fields of `Shape`, ``y`` now going down, rounded to 2**-16.
    """
    table = np.array(thing, np.float64)
    table[:, 0:4:2] = table[:, 0:4:2] * (mirror * size) + x
    table[:, 1:4:2] = foot - table[:, 1:4:2] * size
    table[:, 4:7] *= size
    return (np.rint(table * STEPS) / STEPS).astype(np.float32)
