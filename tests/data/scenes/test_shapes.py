"""From a thing's own frame into the picture."""

import math

import numpy as np
import pytest

from tinyml_course.data.scenes.shapes import Shape, ball, block, limb, place, reach

THING = [
    limb((0, 0), (0.1, 0.5), 0.05, (0.1, 0.2, 0.3)),
    block((0, 0.5), (0, 1), 0.2, 0.1, (1, 1, 1), rounding=0.02),
]


@pytest.mark.parametrize(
    ("angle", "expected"), [(0, (1, 0)), (90, (3, 2)), (180, (1, 4)), (-90, (-1, 2))]
)
def test_an_angle_of_0_hangs_and_a_positive_one_swings_to_the_right(
    angle: float, expected: tuple[float, float]
) -> None:
    assert reach((1, 2), 2, angle) == pytest.approx(expected)


def test_a_reach_is_as_long_as_it_says() -> None:
    for angle in range(-180, 181, 15):
        assert math.dist((3, 4), reach((3, 4), 0.7, angle)) == pytest.approx(0.7)


def test_place_scales_moves_and_turns_upside_down() -> None:
    table = place(THING, x=0.5, foot=0.75, size=0.5)
    for row, shape in zip(table, THING, strict=True):
        expected = shape._replace(
            x0=0.5 + shape.x0 / 2,
            y0=0.75 - shape.y0 / 2,
            x1=0.5 + shape.x1 / 2,
            y1=0.75 - shape.y1 / 2,
            width0=shape.width0 / 2,
            width1=shape.width1 / 2,
            rounding=shape.rounding / 2,
        )
        # Rounded to 2**-16.
        np.testing.assert_allclose(row, expected, atol=2**-17)


def test_a_mirror_turns_left_and_right_about_the_foot() -> None:
    plain, mirrored = place(THING, 0.5), place(THING, 0.5, mirror=-1)
    np.testing.assert_array_equal(mirrored[:, [0, 2]], 1 - plain[:, [0, 2]])
    rest = [i for i in range(13) if i not in (0, 2)]
    np.testing.assert_array_equal(mirrored[:, rest], plain[:, rest])


def test_numbers_are_rounded_so_that_a_sines_last_bit_is_out_of_sight() -> None:
    table = place([limb(reach((0, 0), 0.3, 37), (0, 1), 0.1, (0.1, 0.7, 1 / 3))], 0.1, 0.9, 0.7)
    steps = table.astype(np.float64) * 2**16
    np.testing.assert_array_equal(steps, np.rint(steps))
    nudged = place([limb(np.nextafter(reach((0, 0), 0.3, 37), 9), (0, 1), 0.1, (0.1, 0.7, 1 / 3))])
    plain = place([limb(reach((0, 0), 0.3, 37), (0, 1), 0.1, (0.1, 0.7, 1 / 3))])
    np.testing.assert_array_equal(nudged, plain)


def test_a_ball_is_a_bar_without_length() -> None:
    shape: Shape = ball((0.2, 0.3), 0.1, (1, 0, 0))
    assert (shape.x0, shape.y0) == (shape.x1, shape.y1)
    assert shape.width0 == shape.width1 == 0
    assert shape.rounding == 0.1
