"""Texture: bilinear by a formula in plain floats, and the same at any resolution."""

import numpy as np
import pytest

from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.texture import GRIDS, _stretch, textures


def bilinear(values: np.ndarray, y: float, x: float) -> float:
    row, column = int(y), int(x)
    down, right = y - row, x - column
    top = values[row, column] * (1 - right) + values[row, column + 1] * right
    bottom = values[row + 1, column] * (1 - right) + values[row + 1, column + 1] * right
    return float(top * (1 - down) + bottom * down)


@pytest.mark.parametrize(("cells", "resolution"), [(3, 8), (6, 32), (12, 25)])
def test_a_grid_is_stretched_bilinearly(cells: int, resolution: int) -> None:
    values = (Draws((5,)).field(cells + 1, cells + 1) * 2 - 1).astype(np.float32)
    at = (np.arange(resolution) + 0.5) * cells / resolution
    expected = [[bilinear(values, y, x) for x in at] for y in at]
    np.testing.assert_allclose(_stretch(values, resolution), expected, atol=1e-6)


def test_another_resolution_shows_the_same_texture() -> None:
    """The mean of 2x2 pixels is nearly the pixel at half the resolution."""
    for half, full in zip(textures(Draws((1,)), 96), textures(Draws((1,)), 192), strict=True):
        mean = full.reshape(96, 2, 96, 2).mean((1, 3))
        # Straight lines between grid points: only pixels that a grid line crosses differ.
        assert np.abs(mean - half).max() < 0.15
        assert np.abs(mean - half).mean() < 0.01


def test_a_grid_too_fine_for_the_pixels_is_left_out() -> None:
    at_95, at_96 = (textures(Draws((2,)), resolution)[1] for resolution in (95, 96))
    assert 2 * GRIDS[-1] == 96
    assert np.abs(np.diff(at_96)).mean() > 1.2 * np.abs(np.diff(at_95)).mean()


def test_values_stay_within_what_their_grids_can_add_up_to() -> None:
    soft, fine = textures(Draws((3,)), 224)
    assert np.abs(soft).max() <= 1.0 + 1e-6
    assert np.abs(fine).max() <= 0.4 * sum(grid > 6 for grid in GRIDS) + 1e-6
    assert soft.std() > 0.1
    assert fine.std() > 0.1
