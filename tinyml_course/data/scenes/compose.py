"""What is in a scene: where it plays, what stands where, and how it is exposed; no pixels yet.

Two scenes are composed together. They share the place, the light, what else stands around, the
spot, and the colours; at the spot one has a person, the other something that looks like one. So
nothing but the figure gives the label away: not the background, not a colour, not how much is in
the picture.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyml_course.data.scenes import living, made, places
from tinyml_course.data.scenes.colours import Dress, cloth, dress
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.paint import paint
from tinyml_course.data.scenes.person import person
from tinyml_course.data.scenes.shapes import Thing, block, place, shadow

Floats = NDArray[np.float32]
Maker = Callable[[Draws, Dress], Thing]

LOOKALIKES: tuple[Maker, ...] = (
    living.tree,
    living.conifer,
    living.cactus,
    living.beast,
    living.sitting_animal,
    living.bird,
    made.lamp_post,
    made.sign,
    made.bottle,
    made.chair,
    made.pawn,
    made.coat_stand,
    made.washing_line,
    made.parasol,
    made.box,
    made.balloon,
)
"""What shares parts with a person: a round head, an upright body, two legs, arms, clothes."""

LEAST, MOST = 0.2, 0.9
"""Height of a standing person, as a share of the picture's."""
COMPANY = (0, 0, 0, 1)
"""Things that stand around beside the subject; each number is as likely."""
LUGGAGE = 0.75
"""How often things in the subject's colours lie beside it, so that colours say little."""
OCCLUDED = 0.1
"""How often something stands in front of the subject."""
SWAPPED = 0.25
"""How often a lookalike wears the colours in other places than a person does."""
NOISE = (0.0, 0.02)
"""Standard deviation of the sensor's noise; white is 1."""
SEEN = 0.6
"""The least share of a person that is in the picture with nothing in front."""
SEEN_AT = 32
"""Rows and columns on which that is measured."""


class Spot(NamedTuple):
    """Where a thing stands: its foot's place and its size, as shares of the picture."""

    x: float
    foot: float
    size: float


class Exposure(NamedTuple):
    """What the camera does to light.

    Attributes:
        gain: by which it is multiplied, per colour.
        offset: what is added, as of haze.
        noise: standard deviation of the sensor's noise; white is 1.
    """

    gain: tuple[float, float, float]
    offset: float
    noise: float


class Composition(NamedTuple):
    """A scene without and with a person.

    Attributes:
        place: the background.
        light: how much brighter a shape is at its right and at its lower end.
        exposure: of the camera.
        spot: where the subject stands.
        behind: what stands behind the subject, from back to front, each as `place` gives it.
        subjects: the lookalike, the person.
        before: what stands in front of the subject.
        lookalike: name of the lookalike.
    """

    place: places.Place
    light: tuple[float, float]
    exposure: Exposure
    spot: Spot
    behind: tuple[Floats, ...]
    subjects: tuple[Floats, Floats]
    before: tuple[Floats, ...]
    lookalike: str


def compose(key: Sequence[int]) -> Composition:
    """The composition of this name, of which at least `SEEN` of the person is seen.

    Args:
        key: integers in 0..2**32 - 1.
    """
    draws = Draws((*key, 0))
    while True:
        composition = _draw(draws)
        if _seen(composition) >= SEEN:
            return composition


def visible_person(composition: Composition, resolution: int) -> Floats:
    """How much of each pixel shows the person, ``(R, R)`` in 0..1."""
    return _shown(composition.subjects[1], composition.before, resolution)


def _draw(draws: Draws) -> Composition:
    ground = places.outdoors(draws) if draws.chance(0.5) else places.indoors(draws)
    light = (draws.number(-0.7, 0.7), draws.number(-0.3, 0.3))
    exposure = _exposure(draws)
    # How high the camera is: at 1, every head of a standing person is at the horizon.
    camera = draws.number(0.9, 1.8)

    spot = _spot(draws, ground.horizon, camera)
    wears = dress(draws)
    others: list[tuple[float, Floats]] = []
    for _ in range(draws.choice(COMPANY)):
        other = _beside(_spot(draws, ground.horizon, camera), spot)
        _, layer = _lookalike(draws, dress(draws), other)
        others.append((other.foot, layer))
    if draws.chance(LUGGAGE):
        others.append(_luggage(draws, wears, spot))
    others.sort(key=lambda entry: entry[0])
    before = [layer for foot, layer in others if foot >= spot.foot]
    if draws.chance(OCCLUDED):
        before.insert(0, _occluder(draws, *spot))
    name, lookalike = _lookalike(draws, wears, spot)
    return Composition(
        ground,
        light,
        exposure,
        spot,
        tuple(layer for foot, layer in others if foot < spot.foot),
        (lookalike, _stand(draws, person(draws, wears), spot)),
        tuple(before),
        name,
    )


def _exposure(draws: Draws) -> Exposure:
    gain, offset = draws.number(0.75, 1.1), draws.number(-0.03, 0.08)
    red, green, blue = (gain * draws.number(0.95, 1.05) for _ in range(3))
    return Exposure((red, green, blue), offset, draws.number(*NOISE))


def _spot(draws: Draws, horizon: float, camera: float) -> Spot:
    """On the ground, and the lower in the picture the nearer, thus larger, it is."""
    # The larger of two: small ones are hard, and there shall be enough to learn from.
    size = LEAST + (MOST - LEAST) * max(draws.number(), draws.number())
    foot = horizon + camera * size * draws.number(0.9, 1.1)
    return Spot(draws.number(0.1, 0.9), min(max(foot, size * 0.9), 1 + 0.12 * size), size)


def _stand(draws: Draws, thing: Thing, spot: Spot) -> Floats:
    under = shadow(draws.number(0.1, 0.25), 0.03, draws.number(0.2, 0.6))
    return place([under, *thing], *spot, draws.sign())


def _lookalike(draws: Draws, wears: Dress, spot: Spot) -> tuple[str, Floats]:
    """One that wears these colours, mostly in other places than a person does."""
    make = draws.choice(LOOKALIKES)
    if draws.chance(SWAPPED):
        turn = draws.count(1, 4)
        wears = Dress(*wears[turn:], *wears[:turn])
    return make.__name__, _stand(draws, make(draws, wears), spot)


def _luggage(draws: Draws, wears: Dress, spot: Spot) -> tuple[float, Floats]:
    """On the side where there is more room, a little behind."""
    aside = draws.number(0.3, 0.6) * spot.size * (1 if spot.x < 0.5 else -1)
    there = Spot(spot.x + aside, spot.foot - 0.03 * spot.size, spot.size * draws.number(0.6, 1.0))
    return there.foot, _stand(draws, made.luggage(draws, wears), there)


def _beside(other: Spot, subject: Spot) -> Spot:
    """Moved aside where it would stand in front of the subject, which must be seen."""
    room = 0.3 * (other.size + subject.size)
    if other.foot < subject.foot or abs(other.x - subject.x) > room:
        return other
    return other._replace(x=subject.x + (room if subject.x < 0.5 else -room))


def _occluder(draws: Draws, x: float, foot: float, size: float) -> Floats:
    """What stands in front of the subject: a wall, a bush, or a post."""
    kind, colour = draws.count(0, 2), cloth(draws)
    if kind == 0:
        high, half = draws.number(0.1, 0.35), draws.number(0.3, 1.0)
        return place([block((0, -0.05), (0, high), half, half, colour)], x, foot, size)
    if kind == 1:
        return place(living.bush(draws, dress(draws)), x, foot + 0.05 * size, size * 0.6)
    half = draws.number(0.02, 0.06)
    post = [block((0, -0.1), (0, draws.number(0.6, 1.3)), half, half, colour)]
    return place(post, x + draws.number(-0.15, 0.15) * size, foot, size)


def _seen(composition: Composition) -> float:
    """The share of the person that is in the picture with nothing in front."""
    x, foot, _ = composition.spot
    shift = np.zeros(13, np.float32)
    # Here all of a person fits into the picture, with arms that reach up.
    shift[[0, 2]], shift[[1, 3]] = 0.5 - x, 0.98 - foot
    whole = _shown(composition.subjects[1] + shift, (), SEEN_AT)
    return _area(visible_person(composition, SEEN_AT)) / _area(whole)


def _shown(person: Floats, before: Sequence[Floats], resolution: int) -> Floats:
    """Painted white on black, what stands in front in black; the shadow (the first) is none."""
    canvas: Floats = np.zeros((3, resolution, resolution), np.float32)
    for layer, tone in ((person[1:], 1.0), *((layer, 0.0) for layer in before)):
        plain = layer.copy()
        plain[:, 7:10], plain[:, 11:] = tone, 0.0
        paint(canvas, plain, canvas[0], (0.0, 0.0))
    shown: Floats = canvas[0]
    return shown


def _area(shown: Floats) -> int:
    # In integers: a sum of floats depends on the order, and that on the machine.
    return int((shown * np.float32(255)).astype(np.uint8).sum(dtype=np.int64))
