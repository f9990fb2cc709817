"""The rows of a stage: every row that is read exists, and rings are as small as can be."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from random_schedules import schedules

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Lifetime
from tinyml_course.mcu import Buffer, Emulator, EmulatorFault, Plan, reference
from tinyml_course.mcu.faults import ClobberedRead, UnsafeOverlap
from tinyml_course.mcu.planning.tight import tight_schedule
from tinyml_course.mcu.scheduling import ARRIVAL, RowFlow, Schedule, Stream, Unit
from tinyml_course.models import compact, definition, random_graph


def streams(schedule: Schedule) -> list[tuple[Unit, RowFlow]]:
    return [(u, u.flow) for u in schedule.units if isinstance(u.flow, RowFlow)]


def works_with(flow: RowFlow, name: str, slots: int) -> bool:
    """Play the rows through a ring of so many slots: is each row there when it is read?"""
    stage, ring = flow.stage, dict[int, int]()
    for step in flow.steps:
        if step.operator != ARRIVAL:
            operator = stage.operators[step.operator]
            if name in operator.inputs:
                for row in flow.reads(step):
                    if ring.get(row % slots) != row:
                        return False
        written = stage.source if step.operator == ARRIVAL else operator.outputs[0]
        if written == name:
            ring[step.row % slots] = step.row
    return True


@settings(max_examples=200)
@given(schedules())
def test_rings_hold_every_row_that_is_read_and_no_smaller_ring_does(
    case: tuple[Schedule, np.ndarray],
) -> None:
    found = streams(case[0])
    assume(found)
    for _, flow in found:
        stage = flow.stage
        for name in (stage.source, *stage.inner) if flow.fed else stage.inner:
            slots = flow.ring_rows(name)
            if slots == 0:
                operators = (ARRIVAL, *range(len(stage.operators)))
                writers = dict(zip((stage.source, *stage.inner), operators, strict=False))
                assert writers[name] not in {step.operator for step in flow.steps}
                continue
            assert works_with(flow, name, slots)
            assert slots == 1 or not all(works_with(flow, name, n) for n in range(1, slots))


@settings(max_examples=100)
@given(schedules())
def test_every_row_is_made_once(case: tuple[Schedule, np.ndarray]) -> None:
    for _, flow in streams(case[0]):
        assert len(set(flow.steps)) == len(flow.steps)
        rows = [s.row for s in flow.steps if s.operator == len(flow.stage.operators) - 1]
        assert rows == list(range(flow.stage.size(flow.stage.output)[0]))


def test_an_inverted_bottleneck_keeps_a_kernel_of_rows_and_a_delayed_residual() -> None:
    graph = random_graph(definition("vww1@80"))
    block = definition("vww1@80").blocks[2]
    assert block.residual
    unit = Schedule(graph, [Stream("stem", "block2.add")]).units[0]
    flow = unit.flow
    assert isinstance(flow, RowFlow)
    rings = {name: flow.ring_rows(name) for name in flow.stage.inner}
    assert rings["block2.expand"] == block.kernel
    assert rings["block2.depthwise"] == rings["block2.project"] == 1
    # The add waits until the depthwise has seen the rows below: p rows, and its own.
    assert rings["block1.project"] == block.kernel // 2 + 1


@pytest.mark.parametrize("name", ["vww1@80", "in0@48"])
def test_a_stream_of_everything_repeats_nothing(name: str) -> None:
    graph = random_graph(definition(name))
    last = graph.operators[-4].name  # before the pool
    schedule = Schedule(graph, [Stream("stem", last)], "fed")
    assert schedule.macs == Schedule(graph).macs


def spread(schedule: Schedule, output_offset: int) -> Plan:
    """One stage over a whole graph: the output this far from the source, the rest far away."""
    planned, stage = tight_schedule(schedule), schedule.units[0].flow.stage
    base = 4 * sum(b.size_bytes for b in planned.buffers)
    buffers: list[Buffer] = []
    far = 2 * base
    for buffer in planned.buffers:
        if buffer.name in (stage.source, stage.output) and buffer.role == "activation":
            offset = base + (output_offset if buffer.name == stage.output else 0)
        else:
            offset, far = far, far + buffer.size_bytes
        buffers.append(dataclasses.replace(buffer, offset=offset))
    return Plan(planned.graph, "spread", buffers, schedule=schedule)


@settings(max_examples=300, deadline=None)
@given(schedules(most_operators=5))
def test_the_output_may_lie_as_far_over_the_source_as_said_and_not_a_byte_further(
    case: tuple[Schedule, np.ndarray],
) -> None:
    graph, image = case[0].graph, case[1]
    first, last = graph.operators[0].name, graph.operators[-1].name
    try:
        schedule = Schedule(graph, [Stream(first, last)])
    except ValueError:
        assume(False)
    flow = schedule.units[0].flow
    assert isinstance(flow, RowFlow)
    # Within one row a convolution may reach further than from row to row.
    assume(flow.stage.source not in graph.operators[-1].inputs)
    most = flow.distance_bytes
    assume(most < graph.input.size_bytes)
    output = Emulator(graph, spread(schedule, most)).run(image).output
    np.testing.assert_array_equal(output, reference.run(graph, image))
    with pytest.raises((ClobberedRead, UnsafeOverlap)):
        Emulator(graph, spread(schedule, most + 1)).run(image)


def test_a_ring_one_row_short_is_caught_by_name() -> None:
    graph = random_graph(compact(8, 1, 10))
    schedule = Schedule(graph, [Stream("stem", "block1.project")])
    planned = tight_schedule(schedule)
    stage = schedule.units[0].flow.stage
    caught = 0
    for name in stage.inner:
        ring = next(b for b in planned.buffers if (b.name, b.role) == (name, "rows"))
        row_bytes = stage.row_bytes(name)
        if ring.size_bytes == row_bytes:
            continue
        short = dataclasses.replace(ring, size_bytes=ring.size_bytes - row_bytes)
        buffers = [short if b is ring else b for b in planned.buffers]
        broken = Plan(graph, "broken", buffers, schedule=schedule)
        with pytest.raises(EmulatorFault, match=rf"reads {name}, overwritten by row \d+ of {name}"):
            Emulator(graph, broken).run(np.zeros(graph.input.shape, np.int8))
        caught += 1
    assert caught >= 2


@pytest.mark.parametrize(
    ("moved", "role", "onto", "fault"),
    [
        ("block1.project", "rows", "block1.depthwise", "would overwrite block1.depthwise"),
        ("block1.project", "scratch", "block1.project", "over its own scratch"),
    ],
)
def test_within_a_row_only_lawful_overlaps_are_let_through(
    moved: str, role: str, onto: str, fault: str
) -> None:
    graph = random_graph(compact(8, 1, 10))
    schedule = Schedule(graph, [Stream("stem", "block2.add")])
    planned = tight_schedule(schedule)
    target = planned.find(onto, whole=False)
    assert target is not None
    buffers = [
        # One byte behind the row's start, a pixel's output reaches into the next pixel's input.
        dataclasses.replace(b, offset=target.offset + 40)
        if (b.name, b.role) == (moved, role)
        else b
        for b in planned.buffers
    ]
    far = max(b.end for b in planned.buffers) + 10_000
    buffers = [
        b
        if b.name in (moved, onto) and b.role in (role, "rows")
        else dataclasses.replace(b, offset=b.offset + far)
        for b in buffers
    ]
    with pytest.raises(UnsafeOverlap, match=fault):
        Emulator(graph, Plan(graph, "broken", buffers, schedule=schedule)).run(
            np.zeros(graph.input.shape, np.int8)
        )


def test_a_plan_for_another_schedule_is_refused() -> None:
    graph = random_graph(compact(8, 1, 10))
    schedule = Schedule(graph, [Stream("stem", "block0.project")])
    fed = Schedule(graph, [Stream("stem", "block0.project")], "fed")
    planned = tight_schedule(schedule)
    broken = Plan(graph, "broken", planned.buffers, schedule=fed)
    with pytest.raises(GraphError, match="no place for input; it was made for another schedule"):
        Emulator(graph, broken)


def test_lifetimes_are_in_units() -> None:
    graph: Graph = random_graph(compact(8, 1, 10))
    planned = tight_schedule(Schedule(graph, [Stream("stem", "block0.project")]))
    assert planned.timeline[0].operator == "stem .. block0.project"
    assert planned.timeline[0].kind == "STREAM"
    assert planned.activation("block0.project").lifetime == Lifetime(0, 1)
