"""Random stages as C: the reference's bytes, in the planned arena."""

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from firmware_runs import check, check_here
from hypothesis import given, settings
from random_schedules import schedules
from random_stages import stages

from tinyml_course.mcu.scheduling import Schedule


@settings(max_examples=20, deadline=None)
@given(stages(patches=False))
def test_random_streams(case: tuple[Schedule, np.ndarray]) -> None:
    check_here(*case)


@settings(max_examples=20, deadline=None)
@given(stages(patches=True))
def test_random_patches(case: tuple[Schedule, np.ndarray]) -> None:
    check_here(*case)


@settings(max_examples=8, deadline=None)
@given(stages(patches=False))
def test_random_streams_on_the_core(case: tuple[Schedule, np.ndarray]) -> None:
    check(case[0], 1, exact=False)


@settings(max_examples=8, deadline=None)
@given(stages(patches=True))
def test_random_patches_on_the_core(case: tuple[Schedule, np.ndarray]) -> None:
    check(case[0], 1, exact=False)


@settings(max_examples=10, deadline=None)
@given(schedules(6))
def test_random_schedules(case: tuple[Schedule, np.ndarray]) -> None:
    check(case[0], 1, exact=False)
