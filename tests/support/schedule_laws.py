"""What holds for any schedule that is planned and run."""

import dataclasses

import numpy as np

from tinyml_course.mcu import Emulator, EmulatorFault, Plan, plan, reference
from tinyml_course.mcu.scheduling import Schedule


def check_in_planned_arena(schedule: Schedule, image: np.ndarray) -> Plan:
    """The reference's bytes, with the peak and the timeline of the plan, twice; the plan."""
    expected = reference.run(schedule.graph, image)
    planned = plan(schedule)
    emulator = Emulator(schedule.graph, planned)
    for run in (emulator.run(image), emulator.run(image)):  # checked, then unchecked
        np.testing.assert_array_equal(run.output, expected)
        assert run.peak_bytes == planned.peak_bytes
        measured = [step.live_bytes for step in run.trace]
        assert measured == [step.live_bytes for step in planned.timeline]
    assert planned.lower_bound_bytes <= planned.peak_bytes
    return planned


def check_moved_buffer(planned: Plan, image: np.ndarray, index: int, offset: int) -> None:
    """With a buffer elsewhere the output is right, or there is a fault: never a wrong byte."""
    buffers = list(planned.buffers)
    buffers[index] = dataclasses.replace(buffers[index], offset=offset)
    broken = Plan(planned.graph, "broken", buffers, schedule=planned.schedule)
    try:
        output = Emulator(broken.graph, broken).run(image).output
    except EmulatorFault:
        return
    np.testing.assert_array_equal(output, reference.run(planned.graph, image))
