"""An average over all rows needs its sums, not the rows."""

import dataclasses

import numpy as np
import pytest
from averaging import Q, averaging_network, streamed_average

from tinyml_course.errors import GraphError
from tinyml_course.graph import GraphBuilder
from tinyml_course.graph.operators import AveragePool2D, Conv2D
from tinyml_course.mcu import Emulator, Plan, reference
from tinyml_course.mcu.faults import ClobberedRead
from tinyml_course.mcu.planning.tight import tight_schedule
from tinyml_course.mcu.scheduling import Schedule


@pytest.mark.parametrize(
    ("padding", "size"), [((0, 0), (9, 7)), ((1, 1), (11, 7)), ((0, 0), (9, 2)), ((2, 0), (11, 4))]
)
def test_the_average_is_the_same_and_its_map_is_a_row(
    padding: tuple[int, int], size: tuple[int, int]
) -> None:
    graph = averaging_network(padding, size)
    schedule = streamed_average(graph)
    planned, flow = tight_schedule(schedule), schedule.units[0].flow
    assert flow.ring_rows("conv") == 1
    assert flow.sum_bytes == [0, 4 * graph.output.elements]
    (sums,) = planned.scratch("pool")
    assert (sums.size_bytes, sums.offset % 4) == (4 * graph.output.elements, 0)
    emulator, rng = Emulator(graph, planned), np.random.default_rng(1)
    for _ in range(3):
        x = rng.integers(-128, 128, graph.input.shape).astype(np.int8)
        run = emulator.run(x)
        np.testing.assert_array_equal(run.output, reference.run(graph, x))
        assert run.peak_bytes == planned.peak_bytes


def test_a_short_window_keeps_its_rows_where_sums_would_be_larger() -> None:
    graph = averaging_network(size=(9, 1))  # seven columns of sums, four bytes each
    flow = streamed_average(graph).units[0].flow
    assert flow.sum_bytes[1] == 4 * 7 * 8
    rng, builder = np.random.default_rng(0), GraphBuilder("short")
    x = builder.input((1, 3, 7, 3), Q)
    weight = rng.integers(-127, 128, (8, 1, 1, 3)).astype(np.int8)
    x = builder.weighted(
        Conv2D, "conv", x, weight, np.full(8, 0.003, np.float32), np.zeros(8, np.int32), Q
    )
    builder.apply(AveragePool2D, "pool", [x], size=(3, 1))
    flow = streamed_average(builder.finish("pool")).units[0].flow
    assert flow.sum_bytes == [0, 0]
    assert flow.ring_rows("conv") == 3


def changed(planned: Plan, schedule: Schedule, **changes: int) -> Plan:
    buffers = [
        dataclasses.replace(b, **changes) if (b.name, b.role) == ("pool", "scratch") else b
        for b in planned.buffers
    ]
    return Plan(planned.graph, "broken", buffers, schedule=schedule)


def test_sums_that_somebody_overwrites_are_caught() -> None:
    graph = averaging_network()
    schedule = streamed_average(graph)
    planned = tight_schedule(schedule)
    broken = changed(planned, schedule, offset=planned.scratch("conv")[0].offset)
    with pytest.raises(ClobberedRead, match=r"its sums in pool, overwritten by the scratch of"):
        Emulator(graph, broken).run(np.zeros(graph.input.shape, np.int8))


def test_too_little_room_for_sums_is_refused() -> None:
    graph = averaging_network()
    schedule = streamed_average(graph)
    broken = changed(tight_schedule(schedule), schedule, size_bytes=28)
    with pytest.raises(GraphError, match="no room for the sums of pool"):
        Emulator(graph, broken)
