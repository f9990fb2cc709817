"""Where a scene plays: outdoors under a sky, or in a room."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyml_course.data.scenes import colours
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import Colour, Shape, Thing, ball, block, limb

Floats = NDArray[np.float32]


class Place(NamedTuple):
    """The background of a scene.

    Attributes:
        horizon: where the ground begins, as a share of the picture from above.
        above, below: colours at the upper end, just over and just under the horizon, at the lower.
        rough: how much texture shows above and below the horizon.
        things: what stands behind everything, in the frame of the picture with y going up from
            the horizon.
    """

    horizon: float
    above: tuple[Colour, Colour]
    below: tuple[Colour, Colour]
    rough: tuple[float, float]
    things: Thing


def outdoors(draws: Draws) -> Place:
    """Sky, hills or houses or a hedge, and ground with a path."""
    horizon = draws.number(0.22, 0.6)
    blue = (draws.number(0.4, 0.75), draws.number(0.55, 0.85), draws.number(0.75, 1.0))
    pale = colours.mix(blue, (0.95, 0.93, 0.9), draws.number(0.3, 1.0))
    ground = draws.choice((colours.green, colours.grey, colours.earth))(draws)
    things: Thing = []
    for _ in range(draws.count(0, 2)):  # clouds
        x, y = draws.number(0, 1), draws.number(0.1, horizon)
        cloud = limb((x, y), (x + draws.number(0.1, 0.3), y), draws.number(0.02, 0.06), pale, 0.3)
        things.append(cloud._replace(opacity=0.6, body=0.3))
    kind = draws.count(0, 3)
    if kind == 0:
        for _ in range(draws.count(1, 2)):
            colour = colours.mix(colours.green(draws), pale, 0.4)
            x, wide = draws.number(0, 1), draws.number(0.2, 0.6)
            top = (x + draws.number(-0.1, 0.1), draws.number(0.03, 0.16))
            things.append(block((x, 0), (x, top[1]), wide, wide * 0.15, colour, 0.4, 0.004, 0.3))
    elif kind == 1:
        for _ in range(draws.count(2, 5)):
            things += _house(draws, draws.number(0, 1))
    elif kind == 2:
        leaves = colours.green(draws)
        for _ in range(draws.count(4, 9)):
            tone = colours.shade(leaves, draws.number(0.7, 1.2))
            high = draws.number(0.0, 0.08)
            things.append(ball((draws.number(0, 1), high), draws.number(0.05, 0.13), tone, 0.9))
    if draws.chance(0.4):
        things.append(_path(draws, horizon))
    near = colours.shade(ground, draws.number(0.7, 1.2))
    return Place(horizon, (blue, pale), (ground, near), (0.05, draws.number(0.03, 0.15)), things)


def _house(draws: Draws, x: float) -> Thing:
    half, high = draws.number(0.06, 0.16), draws.number(0.1, 0.35)
    wall = colours.grey(draws) if draws.chance(0.5) else colours.earth(draws)
    things = [block((x, -0.01), (x, high), half, half, wall, 0.3, 0.0, 0.2)]
    if draws.chance(0.5):
        roof = colours.hair(draws)
        top = high + draws.number(0.04, 0.12)
        things.append(block((x, high), (x, top), half * 1.1, 0.0, roof, 0.4, 0.0, 0.2))
    pane = colours.dark(draws)
    tall = high * draws.number(0.12, 0.3)
    for side in (-0.5, 0.5):
        at = (x + side * half, high * 0.6)
        things.append(block(at, (at[0], at[1] + tall), half * 0.22, half * 0.22, pane, 0.0))
    return things


def _path(draws: Draws, horizon: float) -> Shape:
    far, near = draws.number(0.2, 0.8), draws.number(-0.2, 1.2)
    colour = colours.mix(colours.grey(draws), colours.earth(draws), draws.number())
    width = draws.number(0.1, 0.3)
    return block((far, 0), (near, horizon - 1.1), 0.01, width, colour, 0.3, 0.0, 0.0)


def indoors(draws: Draws) -> Place:
    """A wall with pictures, a window or a door, a floor, a rug, a cupboard."""
    horizon = draws.number(0.35, 0.7)
    wall = colours.muted(draws) if draws.chance(0.5) else colours.earth(draws)
    wall = colours.mix(wall, (0.9, 0.9, 0.88), draws.number(0.2, 0.8))
    floor = draws.choice((colours.hair, colours.earth, colours.grey, colours.muted))(draws)
    things: Thing = []
    if draws.chance(0.3):  # wallpaper
        stripe = colours.shade(wall, draws.number(0.8, 0.95))
        step = draws.number(0.1, 0.2)
        things += [
            block((step * i, 0), (step * i, 1), step * 0.25, step * 0.25, stripe, 0.1, 0.0, 0.0)
            for i in range(1, int(1 / step) + 1)
        ]
    for _ in range(draws.count(1, 3)):
        things += _hung(draws, horizon)
    if draws.chance(0.6):
        things.append(block((0, 0), (1, 0), 0.012, 0.012, colours.shade(floor, 0.7)))
    if draws.chance(0.4):  # a rug
        x, y = draws.number(0.2, 0.8), draws.number(0.1, 0.3)
        things.append(limb((x - 0.2, -y), (x + 0.2, -y), 0.06, colours.muted(draws), 0.15))
    if draws.chance(0.5):  # a cupboard or a sofa
        x, high, half = draws.number(0, 1), draws.number(0.08, 0.35), draws.number(0.06, 0.2)
        wood = draws.choice((colours.hair, colours.earth, colours.muted))(draws)
        things.append(block((x, -0.03), (x, high), half, half, wood, 0.3, 0.01, 0.4))
        knob = colours.dark(draws)
        things.append(block((x, 0), (x, high * 0.9), 0.004, 0.004, knob, 0.0))
    dim = colours.shade(wall, draws.number(0.75, 1.0))
    near = colours.shade(floor, draws.number(0.8, 1.2))
    return Place(horizon, (dim, wall), (floor, near), (0.06, draws.number(0.02, 0.1)), things)


def _hung(draws: Draws, horizon: float) -> Thing:
    """A picture, a window, a clock or a door on the wall."""
    x, y = draws.number(0, 1), draws.number(0.1, max(0.15, horizon - 0.12))
    half, high = draws.number(0.04, 0.12), draws.number(0.06, 0.2)
    frame, inner = colours.hair(draws), colours.muted(draws)
    if draws.chance(0.25):
        return [ball((x, y), half * 0.8, frame), ball((x, y), half * 0.6, colours.earth(draws))]
    if draws.chance(0.3):  # a door
        y, high, half = 0.0, draws.number(0.25, 0.5), draws.number(0.07, 0.11)
    return [
        block((x, y), (x, y + high), half, half, frame, 0.2, 0.0, 0.2),
        block((x, y + 0.015), (x, y + high - 0.015), half - 0.015, half - 0.015, inner, 0.2),
    ]


def backdrop(place: Place, resolution: int, soft: Floats, fine: Floats) -> Floats:
    """Wall and floor, or sky and ground, ``(3, R, R)``."""
    rows = (np.arange(resolution, dtype=np.float32) + np.float32(0.5)) / np.float32(resolution)
    horizon = np.float32(place.horizon)
    ends = np.round(np.array([place.above, place.below]) * 65536) / 65536
    (top, over), (under, bottom) = ends.astype(np.float32)
    down = np.minimum(rows / horizon, 1)
    away = np.maximum(rows - horizon, 0) / (np.float32(1) - horizon)
    above = top[:, None] + (over - top)[:, None] * down
    below = under[:, None] + (bottom - under)[:, None] * away
    # How much of a row lies under the horizon.
    share = np.clip((rows - horizon) * np.float32(resolution) + np.float32(0.5), 0, 1)
    canvas = (above + (below - above) * share)[:, :, None]
    rough = (
        np.float32(place.rough[0])
        + (np.float32(place.rough[1]) - np.float32(place.rough[0])) * share
    )
    bright = (soft + fine) * rough[:, None]
    bright += 1
    painted: Floats = canvas * bright
    return painted
