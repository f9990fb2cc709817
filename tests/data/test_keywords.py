"""Features of sound: every step against a second formula, the whole by law."""

import numpy as np
import pytest
from scipy.fft import dct
from scipy.signal import get_window

from tinyml_course.data import keywords
from tinyml_course.data.keywords import BANDS, COEFFICIENTS, RATE_HZ, mel_filters, mfcc, to_mel
from tinyml_course.errors import DataError

SECOND = np.arange(RATE_HZ) / RATE_HZ
NOISE = np.random.default_rng(0).normal(size=RATE_HZ)


def test_the_cosines_are_the_transform_of_scipy() -> None:
    loudness = np.random.default_rng(1).normal(size=(5, BANDS))
    expected = dct(loudness, type=2)[:, :COEFFICIENTS] / np.sqrt(2 * BANDS)
    np.testing.assert_allclose(loudness @ keywords.cosines(), expected, atol=1e-12)


def test_the_window_is_that_of_scipy() -> None:
    # Its rounding errors only.
    np.testing.assert_allclose(keywords.hann(480), get_window("hann", 480), atol=1e-15)


def test_frames_are_slices() -> None:
    pieces = keywords.frames(NOISE)
    assert pieces.shape == (keywords.FRAMES, 480)
    for index in (0, 7, 48):
        np.testing.assert_array_equal(pieces[index], NOISE[320 * index : 320 * index + 480])


def test_neighbouring_triangles_share_every_pitch_between_their_peaks() -> None:
    filters = mel_filters()
    assert filters.shape == (257, BANDS)
    assert filters.min() == 0
    assert filters.max() <= 1
    mel = to_mel(np.arange(257) * RATE_HZ / 512)
    centres = np.linspace(to_mel(20), to_mel(4000), BANDS + 2)[1:-1]
    between = (mel > centres[0]) & (mel < centres[-1])
    # On the mel scale one falls as the next one rises.
    np.testing.assert_allclose(filters[between].sum(axis=1), 1, atol=1e-12)
    outside = (mel < to_mel(20)) | (mel > to_mel(4000))
    assert not filters[outside].any()


@pytest.mark.parametrize("hertz", [200.0, 440.0, 1000.0, 3000.0])
def test_a_tone_is_loudest_in_its_own_band(hertz: float) -> None:
    spectrum = np.abs(
        np.fft.rfft(keywords.hann(480) * np.sin(2 * np.pi * hertz * SECOND[:480]), 512)
    )
    band = int((spectrum @ mel_filters()).argmax())
    centres = np.linspace(to_mel(20), to_mel(4000), BANDS + 2)[1:-1]
    # The spectrum is as fine as a bin, 31 Hz, which at 200 Hz is a band and a half.
    assert abs(centres[band] - to_mel(hertz)) < 1.6 * (centres[1] - centres[0])


def test_the_whole_in_one_formula() -> None:
    """One coefficient as a sum over bands and bins, written out."""
    features = mfcc(NOISE)
    assert features.shape == (49, 10, 1)
    assert features.dtype == np.float32
    frame = NOISE[3 * 320 : 3 * 320 + 480] / NOISE.max() * get_window("hann", 480)
    bins = np.arange(257)
    spectrum = np.abs(
        np.array([(frame * np.exp(-2j * np.pi * k * np.arange(480) / 512)).sum() for k in bins])
    )
    loudness = [np.log(sum(spectrum * mel_filters()[:, band]) + 1e-6) for band in range(BANDS)]
    for c in (0, 4, 9):
        total = sum(loudness[b] * np.cos(np.pi * c * (b + 0.5) / 40) for b in range(BANDS))
        # float32 of numbers up to 100.
        assert features[3, c, 0] == pytest.approx(total * 2 / np.sqrt(80), abs=1e-4)


def test_loudness_does_not_matter() -> None:
    np.testing.assert_allclose(mfcc(NOISE), mfcc(NOISE * 1234.5), atol=1e-4)


def test_silence_has_one_coefficient() -> None:
    silence = mfcc(np.zeros(RATE_HZ))[:, :, 0]
    np.testing.assert_allclose(silence[:, 0], 40 * np.log(1e-6) * 2 / np.sqrt(80), rtol=1e-6)
    np.testing.assert_allclose(silence[:, 1:], 0, atol=1e-5)


def test_a_short_clip_ends_in_silence() -> None:
    short = NOISE[:9000]
    np.testing.assert_array_equal(mfcc(short), mfcc(np.pad(short, (0, 7000))))


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (np.zeros((2, 100)), r"got \(2, 100\)"),
        (np.zeros(16_001), r"at most 16,000 numbers, got \(16001,\)"),
        (np.array([0.0, np.nan]), "with NaN or infinity"),
    ],
)
def test_what_is_no_clip_is_refused(clip: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        mfcc(clip)
