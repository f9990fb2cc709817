"""Any schedule of any graph gives the reference's bytes, in exactly the planned arena."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_schedules import schedules
from schedule_laws import check_in_planned_arena, check_moved_buffer

from tinyml_course.mcu import Board, Emulator, EmulatorFault, plan
from tinyml_course.mcu.scheduling import Schedule

Case = tuple[Schedule, np.ndarray]


@settings(max_examples=500)
@given(schedules())
def test_a_schedule_gives_the_reference_bytes_in_the_planned_arena(case: Case) -> None:
    schedule, image = case
    planned = check_in_planned_arena(schedule, image)
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
    index = data.draw(st.integers(0, len(planned.buffers) - 1))
    check_moved_buffer(planned, image, index, data.draw(st.integers(0, planned.peak_bytes)))
