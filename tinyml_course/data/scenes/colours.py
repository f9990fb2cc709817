"""Colours. Persons and things take theirs from the same pots, so that no colour gives one away."""

from colorsys import hsv_to_rgb
from typing import NamedTuple

from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.shapes import Colour

LIGHT_SKIN, DARK_SKIN = (0.96, 0.79, 0.67), (0.31, 0.19, 0.13)
"""Between them lie also wood and fur."""


class Dress(NamedTuple):
    """The colours of one person, or of a thing that is painted in the same ones."""

    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour


def dress(draws: Draws) -> Dress:
    """What a person wears: two pieces of any colour, or a suit."""
    top = cloth(draws)
    bottom = shade(top, draws.number(0.6, 1.1)) if draws.chance(0.35) else cloth(draws)
    return Dress(skin(draws), hair(draws), top, bottom, dark(draws))


def skin(draws: Draws) -> Colour:
    """A tone between light and dark, as of skin, wood or fur."""
    return mix(LIGHT_SKIN, DARK_SKIN, draws.number())


def earth(draws: Draws) -> Colour:
    """Sand, brick, plaster, planks: near to skin, and duller."""
    return hsv_to_rgb(draws.number(0.03, 0.14), draws.number(0.1, 0.35), draws.number(0.3, 0.9))


def hair(draws: Draws) -> Colour:
    """Black, brown, red, blond, grey; also leather, thatch, and shade under a roof."""
    tones = ((0.07, 0.06, 0.06), (0.3, 0.18, 0.1), (0.5, 0.25, 0.1), (0.85, 0.7, 0.4), (0.6,) * 3)
    return draws.choice(tones)


def cloth(draws: Draws) -> Colour:
    """Any hue, from white and black to bright."""
    return hsv_to_rgb(draws.number(), draws.number(0.0, 0.85), draws.number(0.12, 0.95))


def muted(draws: Draws) -> Colour:
    """Any hue, as of paint on a wall: never as bright or as black as clothes."""
    return hsv_to_rgb(draws.number(), draws.number(0.0, 0.35), draws.number(0.35, 0.9))


def dark(draws: Draws) -> Colour:
    """Nearly black, with a tint."""
    return hsv_to_rgb(draws.number(), draws.number(0, 0.5), draws.number(0.05, 0.35))


def green(draws: Draws) -> Colour:
    """Leaves."""
    return hsv_to_rgb(draws.number(0.18, 0.42), draws.number(0.3, 0.8), draws.number(0.2, 0.7))


def grey(draws: Draws) -> Colour:
    """Stone and metal."""
    return hsv_to_rgb(draws.number(), draws.number(0, 0.15), draws.number(0.2, 0.85))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``a`` at share 0, ``b`` at 1."""
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    )


def shade(colour: Colour, factor: float) -> Colour:
    """Darker (below 1) or brighter, up to white."""
    return (
        min(1.0, colour[0] * factor),
        min(1.0, colour[1] * factor),
        min(1.0, colour[2] * factor),
    )
