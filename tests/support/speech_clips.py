"""Real clips of Speech Commands, a second each, as 16-bit samples."""

import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyml_course.data.keywords import CLASSES, RATE_HZ


def clips_archive() -> Path:
    """Where the clips lie: in ``TINYML_TEST_DATA``, or beside the repository."""
    configured = os.environ.get("TINYML_TEST_DATA")
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(configured) if configured else beside
    return folder / "speech_commands" / "speech_commands_600.zip"


def clips(per_class: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Class and samples ``(16000,)`` of the first clips of every class."""
    import soundfile

    taken: Counter[str] = Counter()
    with zipfile.ZipFile(clips_archive()) as archive:
        for name in sorted(archive.namelist()):
            word = name.split("/")[0]
            if word not in CLASSES or taken[word] == per_class:
                continue
            taken[word] += 1
            samples, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="int16")
            assert rate == RATE_HZ
            yield CLASSES.index(word), samples
