"""A composition as pixels, at any resolution."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tinyml_course.data.scenes.compose import Composition, Exposure, compose
from tinyml_course.data.scenes.draws import Draws
from tinyml_course.data.scenes.paint import Floats, paint
from tinyml_course.data.scenes.places import backdrop
from tinyml_course.data.scenes.shapes import place
from tinyml_course.data.scenes.texture import textures
from tinyml_course.errors import DataError

LEAST_RESOLUTION, MOST_RESOLUTION = 32, 224
"""Below, the smallest persons are a smear; above, the texture has nothing more to show."""
LARGEST_SEED = 2**32 - 1

Bytes = NDArray[np.uint8]


def scenes(
    key: Sequence[int],
    count: int,
    resolution: int,
    *,
    progress: bool = False,
    title: str = "scenes",
) -> Bytes:
    """Scenes by turns without and with a person.

    A scene depends on its key and its place in the row alone: a longer row begins with the shorter
    one, and another resolution shows the same scenes.

    Args:
        key: integers in 0..2**32 - 1 that name the row.
        count: how many, an even number.
        resolution: rows and columns, 32 to 224.
        progress: show a progress bar.
        title: of the bar.

    Returns:
        uint8 ``(count, 3, R, R)``: red, green, blue; every second one shows a person.

    Raises:
        DataError: the resolution, the count or a number of the key is out of its range.
    """
    check_resolution(resolution)
    if count < 2 or count % 2:
        raise DataError(
            f"{count} scenes: they come in pairs without and with a person; ask for an even "
            "number, at least 2"
        )
    images = np.empty((count, 3, resolution, resolution), np.uint8)
    bar = tqdm(range(count // 2), desc=title, unit="pair", disable=not progress)
    for index in bar:
        images[2 * index : 2 * index + 2] = render_pair((*key, index), resolution)
    return images


def render_pair(key: Sequence[int], resolution: int) -> Bytes:
    """One scene without and with a person.

    Args:
        key: integers in 0..2**32 - 1 that name the scene.
        resolution: rows and columns, 32 to 224.

    Returns:
        uint8 ``(2, 3, R, R)``: the first has no person, the second has one.

    Raises:
        DataError: the resolution or a number of the key is out of its range.
    """
    check_resolution(resolution)
    _check_key(key)
    composition = compose(key)
    canvases = _render(composition, *textures(Draws((*key, 1)), resolution))
    grain = Draws((*key, 2)).octets(2, 2, 3, resolution, resolution)
    return np.stack(
        [_expose(*pair, composition.exposure) for pair in zip(canvases, grain, strict=True)]
    )


def check_resolution(resolution: int) -> None:
    """Raise where scenes are not drawn.

    Raises:
        DataError: naming the bounds.
    """
    if not LEAST_RESOLUTION <= resolution <= MOST_RESOLUTION:
        raise DataError(
            f"scenes are drawn at {LEAST_RESOLUTION} to {MOST_RESOLUTION} pixels, got "
            f"{resolution}; for others take the nearest of these and `tinyml_course.data.resize`"
        )


def _check_key(key: Sequence[int]) -> None:
    for number in key:
        if not 0 <= number <= LARGEST_SEED:
            raise DataError(f"a seed is an integer from 0 to {LARGEST_SEED}, got {number}")


def _render(composition: Composition, soft: Floats, fine: Floats) -> tuple[Floats, Floats]:
    """Light without a camera: ``(3, R, R)`` without and with a person."""
    ground, light = composition.place, composition.light
    texture = soft * np.float32(0.5) + fine
    canvas = backdrop(ground, len(soft), soft, fine)
    if ground.things:
        paint(canvas, place(ground.things, 0.0, ground.horizon), texture, light)
    for layer in composition.behind:
        paint(canvas, layer, texture, light)
    canvases = canvas, canvas.copy()
    for canvas, subject in zip(canvases, composition.subjects, strict=True):
        for layer in (subject, *composition.before):
            paint(canvas, layer, texture, light)
    return canvases


def _expose(canvas: Floats, octets: Bytes, exposure: Exposure) -> Bytes:
    """Gain, offset and the noise of a sensor; then bytes. The canvas is used up.

    Args:
        canvas: ``(3, R, R)``, white is 1.
        octets: random, ``(2, 3, R, R)``; the sum of two has a standard deviation of 104.
        exposure: of the camera.
    """
    canvas *= np.array(exposure.gain, np.float32)[:, None, None] * np.float32(255)
    strength = np.float32(exposure.noise * 255 / 104)
    speckle = octets[0].astype(np.float32)
    speckle += octets[1]
    speckle *= strength
    canvas += speckle
    canvas += np.float32(exposure.offset * 255 + 0.5) - np.float32(255) * strength
    np.clip(canvas, 0, 255, out=canvas)
    return canvas.astype(np.uint8)
