"""The peak memory of this program, not of the one that started it."""

import subprocess
import sys

import numpy as np
import pytest

from tinyml_course.course.resources import Stopwatch, peak_rss_bytes

PROBE = "from tinyml_course.course.resources import peak_rss_bytes; print(peak_rss_bytes())"
LARGE_BYTES = 300 * 2**20


def test_it_grows_with_what_was_held_and_does_not_shrink() -> None:
    before = peak_rss_bytes()
    if before is None:
        pytest.skip("this system does not say how much memory a process has held")
    held = np.ones(LARGE_BYTES, np.uint8)
    peak = peak_rss_bytes()
    del held
    assert peak >= LARGE_BYTES
    # Linux counts pages by core and adds them up now and then: a few may be missing.
    assert peak_rss_bytes() >= peak - 2**20


def test_a_small_program_started_by_a_large_one_is_small() -> None:
    if peak_rss_bytes() is None:
        pytest.skip("this system does not say how much memory a process has held")
    held = np.ones(LARGE_BYTES, np.uint8)
    # A function to run before the program forces a real fork of this large process.
    child = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: None,
    )
    assert held[0] == 1
    assert int(child.stdout) < LARGE_BYTES


def test_the_report_is_one_line_with_seconds() -> None:
    line = Stopwatch().report()
    assert line.startswith("Computed for 0 s")
    assert "\n" not in line
