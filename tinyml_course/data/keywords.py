"""From a second of sound to the 49x10 picture that a keyword network looks at.

Mel-frequency cepstral coefficients as the MLPerf Tiny keyword-spotting benchmark takes them: short
overlapping pieces of sound, the strength of each pitch in them, on the ear's scale, and of that
spectrum's shape the ten coarsest components. Everything is numpy, step by step.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyml_course.errors import DataError

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
CLASSES = (*KEYWORDS, "_silence_", "_unknown_")
"""The folders of Speech Commands, in the order of the reference network's outputs."""

RATE_HZ = 16_000
CLIP_SAMPLES = RATE_HZ
FRAME_SAMPLES, HOP_SAMPLES, FFT_SAMPLES = 480, 320, 512
"""30 ms of sound every 20 ms."""
FRAMES = 1 + (CLIP_SAMPLES - FRAME_SAMPLES) // HOP_SAMPLES
BANDS, LOWEST_HZ, HIGHEST_HZ = 40, 20.0, 4000.0
COEFFICIENTS = 10
LEAST_POWER = 1e-6
"""Added before the logarithm, so that silence has one."""

Floats = NDArray[np.float64]


def mfcc(clip: ArrayLike) -> NDArray[np.float32]:
    """Mel-frequency cepstral coefficients of a clip.

    Args:
        clip: mono samples at 16 kHz, any unit; shorter ones are filled up with silence.

    Returns:
        float32 ``(49, 10, 1)``: time, coefficient, one channel, as the network takes it.

    Raises:
        DataError: more than a second, more than one channel, or NaN.

    Source: MLPerf Tiny, keyword spotting (Speech Commands: Warden, arXiv:1804.03209).
    """
    samples = np.asarray(clip, np.float64)
    if samples.ndim != 1 or samples.size > CLIP_SAMPLES or not np.isfinite(samples).all():
        raise DataError(
            f"a clip is a vector of at most {CLIP_SAMPLES:,} numbers, got {samples.shape}"
            f"{'' if np.isfinite(samples).all() else ' with NaN or infinity'}"
        )
    # The largest sample, not the largest magnitude: this is how the reference was trained.
    loudest = samples.max(initial=0.0)
    samples = np.pad(samples, (0, CLIP_SAMPLES - samples.size)) / (loudest or 1.0)
    spectrum = np.abs(np.fft.rfft(frames(samples) * hann(FRAME_SAMPLES), FFT_SAMPLES))
    loudness = np.log(spectrum @ mel_filters() + LEAST_POWER)
    return (loudness @ cosines()).astype(np.float32)[:, :, np.newaxis]


def frames(samples: Floats) -> Floats:
    """Overlapping pieces ``(49, 480)`` of ``(16000,)``; what is left at the end is dropped."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)
    return windows[::HOP_SAMPLES]


def hann(length: int) -> Floats:
    """The Hann window as one period of a cosine: it fades a piece in and out."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def to_mel(hertz: ArrayLike) -> Floats:
    """Frequency on the ear's scale, where equal steps sound equal (O'Shaughnessy 1987)."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


@cache
def mel_filters() -> Floats:
    """Triangles ``(257, 40)`` over the bins of the spectrum, evenly spaced on the mel scale.

    Each rises from the centre of its left neighbour to its own and falls to that of the right one.
    The lowest bin, a constant, belongs to none.
    """
    bins = to_mel(np.arange(FFT_SAMPLES // 2 + 1) * RATE_HZ / FFT_SAMPLES)[:, np.newaxis]
    corners = np.linspace(to_mel(LOWEST_HZ), to_mel(HIGHEST_HZ), BANDS + 2)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    filters: Floats = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    filters.setflags(write=False)
    return filters


@cache
def cosines() -> Floats:
    """The first ten rows of the DCT-II over 40 bands, ``(40, 10)``, scaled by ``2 / sqrt(80)``."""
    band, component = np.arange(BANDS)[:, np.newaxis], np.arange(COEFFICIENTS)
    table: Floats = np.cos(np.pi * (band + 0.5) * component / BANDS) * 2 / np.sqrt(2 * BANDS)
    table.setflags(write=False)
    return table
