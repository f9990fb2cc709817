"""Coverage against a second implementation: points on a grid 16 times as fine, in or out."""

import numpy as np
import pytest

from tinyml_course.data.scenes.paint import paint
from tinyml_course.data.scenes.shapes import Thing, ball, block, limb, place

WHITE = (1.0, 1.0, 1.0)
FINER = 16


def shown(thing: Thing, resolution: int, **where: float) -> np.ndarray:
    """White on black."""
    table = place(thing, **where)
    table[:, 11:] = 0.0
    canvas = np.zeros((3, resolution, resolution), np.float32)
    paint(canvas, table, canvas[0], (0.0, 0.0))
    assert np.array_equal(canvas[0], canvas[1])
    assert np.array_equal(canvas[0], canvas[2])
    return canvas[0]


def sampled(thing: Thing, resolution: int, **where: float) -> np.ndarray:
    """Of each pixel the share of points that lie in any of the shapes."""
    at = (np.arange(resolution * FINER) + 0.5) / (resolution * FINER)
    y, x = np.meshgrid(at, at, indexing="ij")
    inside = np.zeros(x.shape, bool)
    for x0, y0, x1, y1, width0, width1, rounding in place(thing, **where)[:, :7].astype(float):
        length = np.hypot(x1 - x0, y1 - y0)
        ux, uy = ((x1 - x0) / length, (y1 - y0) / length) if length else (1.0, 0.0)
        along = (x - x0) * ux + (y - y0) * uy
        across = np.abs((y - y0) * ux - (x - x0) * uy)
        share = along / length if length else np.zeros_like(along)
        too_far = np.maximum(np.maximum(-along, along - length), 0)
        too_wide = np.maximum(across - (width0 + (width1 - width0) * share), 0)
        inside |= np.hypot(too_far, too_wide) <= rounding
    blocks = inside.reshape(resolution, FINER, resolution, FINER)
    return blocks.mean((1, 3))


THINGS: dict[str, Thing] = {
    "ball": [ball((0, 0.5), 0.3, WHITE)],
    "limb": [limb((-0.2, 0.2), (0.25, 0.8), 0.1, WHITE)],
    "upright block": [block((0, 0.1), (0, 0.8), 0.3, 0.3, WHITE)],
    "leaning block": [block((-0.2, 0.2), (0.2, 0.7), 0.15, 0.15, WHITE, rounding=0.05)],
    "tapered block": [block((0, 0.1), (0, 0.9), 0.3, 0.1, WHITE)],
    "roof": [block((0, 0.2), (0, 0.7), 0.4, 0.0, WHITE)],
}


@pytest.mark.parametrize("resolution", [32, 64])
@pytest.mark.parametrize("name", THINGS)
def test_coverage_is_the_share_of_points_inside(name: str, resolution: int) -> None:
    where = {"x": 0.5, "foot": 0.97, "size": 0.9}
    painted, expected = (f(THINGS[name], resolution, **where) for f in (shown, sampled))
    # A pixel at a corner, or on an oblique edge, is half covered by distance where the area is up
    # to 3/8 (a right angle gives 1/4); all others are within a tenth or so of their area.
    difference = np.abs(painted - expected)
    assert difference.max() < 0.4
    assert np.mean(difference > 0.15) < 0.01
    assert painted.sum() == pytest.approx(expected.sum(), rel=0.04)


@pytest.mark.parametrize("half", [0.002, 0.005, 0.01])
@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_a_bar_thinner_than_a_pixel_keeps_its_area(half: float, resolution: int) -> None:
    bar = [block((-0.3, 0.5), (0.3, 0.52), half, half, WHITE)]
    area = shown(bar, resolution, x=0.5, foot=1.0).sum() / resolution**2
    # Up to the two ends, each at most a pixel long.
    assert area == pytest.approx(2 * half * 0.6, rel=0.06 + 2 / (0.6 * resolution))


def test_a_speck_in_the_middle_of_a_pixel_fades_with_its_area() -> None:
    for radius in (1e-3, 2e-3, 4e-3):
        painted = shown([ball((0, 0.5), radius, WHITE)], 32, x=16.5 / 32, foot=1 + 0.5 / 32)
        assert painted[16, 16] == pytest.approx((2 * radius * 32) ** 2, rel=0.02)
        assert np.count_nonzero(painted) == 1


def test_what_is_outside_leaves_the_picture_as_it_is() -> None:
    for x, foot in ((-2, 0.5), (3, 0.5), (0.5, -1), (0.5, 3)):
        assert not shown(THINGS["limb"], 32, x=x, foot=foot).any()


def test_half_a_thing_is_the_half_that_is_inside() -> None:
    whole = shown(THINGS["tapered block"], 64, x=0.5, foot=0.9, size=0.8)
    moved = shown(THINGS["tapered block"], 64, x=0.0, foot=0.9, size=0.8)
    np.testing.assert_allclose(moved[:, :32], whole[:, 32:], atol=1e-5)
    assert not moved[:, 32:].any()


def test_the_last_shape_hides_the_others() -> None:
    red, blue = ball((0, 0.5), 0.4, (1, 0, 0)), ball((0, 0.5), 0.2, (0, 0, 1))
    for things, middle in (([red, blue], (0, 0, 1)), ([blue, red], (1, 0, 0))):
        table = place(things, 0.5, 1.0)
        table[:, 11:] = 0
        canvas = np.zeros((3, 32, 32), np.float32)
        paint(canvas, table, canvas[0].copy(), (0.0, 0.0))
        np.testing.assert_allclose(canvas[:, 16, 16], middle, atol=1e-6)


def test_opacity_mixes_with_what_is_behind() -> None:
    veil = [block((0, 0), (0, 1), 0.5, 0.5, WHITE)._replace(opacity=0.25)]
    canvas = np.full((3, 32, 32), 0.2, np.float32)
    table = place(veil, 0.5, 1.0)
    table[:, 11:] = 0
    paint(canvas, table, np.zeros((32, 32), np.float32), (0.0, 0.0))
    np.testing.assert_allclose(canvas[:, 8:24, 8:24], 0.2 * 0.75 + 0.25, atol=1e-6)


def test_light_comes_from_its_side_and_grain_is_the_texture() -> None:
    table = place([block((0, 0), (0, 1), 0.5, 0.5, (0.5,) * 3, grain=0.2, body=1.0)], 0.5, 1.0)
    flat = np.zeros((32, 32), np.float32)
    canvas = np.zeros((3, 32, 32), np.float32)
    paint(canvas, table, flat, (0.5, 0.0))
    assert (np.diff(canvas[0, 16, 2:30]) > 0).all()  # brighter to the right
    paint(canvas, table, flat, (0.0, -0.5))
    assert (np.diff(canvas[0, 2:30, 16]) < 0).all()  # and darker downwards
    texture = np.linspace(-1, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    paint(canvas, table, texture, (0.0, 0.0))
    np.testing.assert_allclose(
        canvas[1, 1:-1, 1:-1], 0.5 * (1 + 0.2 * texture[1:-1, 1:-1]), rtol=1e-5
    )
