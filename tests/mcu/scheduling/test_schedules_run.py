"""Any schedule of any graph gives the reference's bytes, in exactly the planned arena."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_schedules import schedules

from tinyml_course.mcu import Board, Emulator, EmulatorFault, Plan, plan, reference
from tinyml_course.mcu.scheduling import Schedule

Case = tuple[Schedule, np.ndarray]


@settings(max_examples=500)
@given(schedules())
def test_a_schedule_gives_the_reference_bytes_in_the_planned_arena(case: Case) -> None:
    schedule, image = case
    expected = reference.run(schedule.graph, image)
    planned = plan(schedule)
    emulator = Emulator(schedule.graph, planned)
    for run in (emulator.run(image), emulator.run(image)):  # checked, then unchecked
        np.testing.assert_array_equal(run.output, expected)
        assert run.peak_bytes == planned.peak_bytes
        measured = [step.live_bytes for step in run.trace]
        assert measured == [step.live_bytes for step in planned.timeline]
    assert planned.lower_bound_bytes <= planned.peak_bytes
    small = Board("small", planned.peak_bytes - 1, 1 << 24, "cortex-m4", 100)
    with pytest.raises(EmulatorFault, match="1 B behind"):
        Emulator(schedule.graph, planned, small).run(image)


@settings(max_examples=200)
@given(schedules(), st.data())
def test_a_buffer_elsewhere_is_right_or_a_fault_but_never_silently_wrong(
    case: Case, data: st.DataObject
) -> None:
    schedule, image = case
    planned = plan(schedule)
    buffers = list(planned.buffers)
    index = data.draw(st.integers(0, len(buffers) - 1))
    offset = data.draw(st.integers(0, planned.peak_bytes))
    buffers[index] = dataclasses.replace(buffers[index], offset=offset)
    broken = Plan(planned.graph, "broken", buffers, schedule=planned.schedule)
    try:
        output = Emulator(broken.graph, broken).run(image).output
    except EmulatorFault:
        return
    np.testing.assert_array_equal(output, reference.run(schedule.graph, image))
