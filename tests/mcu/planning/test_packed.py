"""Packed weights in the plan: less flash, the SRAM that was allowed, the reference's bytes."""

import dataclasses

import numpy as np
import pytest
from few_bits import of_few_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from random_packings import packed_schedules
from schedule_laws import check_in_planned_arena, check_moved_buffer

from tinyml_course.errors import DoesNotFitError, ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu import (
    Board,
    Emulator,
    EmulatorFault,
    Plan,
    board,
    latency_ms,
    plan,
    report,
)
from tinyml_course.mcu.faults import ClobberedRead, FlashOverflow, UnsafeOverlap
from tinyml_course.mcu.packed_weights import packed_weight_bytes, unpacked_bytes, weight_bits
from tinyml_course.mcu.planning.packed import packable, packed_schedule
from tinyml_course.mcu.planning.tight import unit_bytes
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.models import compact, definition, random_graph

Case = tuple[Schedule, np.ndarray]
STAGES = {
    "whole": ((), "memory"),
    "stream": ((Stream("stem", "block1.project"),), "memory"),
    "fed": ((Stream("stem", "block2.add"),), "fed"),
    "patches": ((Patches("stem", "block1.project", 2, 2),), "memory"),
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return of_few_bits(random_graph(definition("vww1@80")), 0)


@settings(max_examples=150)
@given(packed_schedules())
def test_packed_weights_give_the_reference_bytes_in_the_planned_arena(case: Case) -> None:
    check_in_planned_arena(*case)


@settings(max_examples=150)
@given(packed_schedules(), st.data())
def test_a_buffer_elsewhere_is_right_or_a_fault_but_never_silently_wrong(
    case: Case, data: st.DataObject
) -> None:
    schedule, image = case
    planned = plan(schedule)
    unpacked = [i for i, b in enumerate(planned.buffers) if b.role == "unpacked weights"]
    index = data.draw(st.sampled_from(unpacked or range(len(planned.buffers))))
    check_moved_buffer(planned, image, index, data.draw(st.integers(0, planned.peak_bytes)))


@settings(max_examples=100)
@given(packed_schedules())
def test_flash_is_the_bits_that_are_there(case: Case) -> None:
    schedule, _ = case
    flash, graph = plan(schedule).flash, schedule.graph
    image, saved = flash.image(), 0
    for operator in graph.operators:
        if "weight" not in flash.of(operator.name):
            continue
        weight = graph.inputs_of(operator)[1].values()
        segment = flash.of(operator.name)["weight"]
        np.testing.assert_array_equal(segment.read(image), weight)
        size = packed_weight_bytes(weight.size, weight_bits(weight))
        assert segment.size_bytes == (size if operator.name in schedule.packed else weight.size)
        saved += -(-weight.size // 4) * 4 - -(-segment.size_bytes // 4) * 4
    assert plan(schedule.packing(())).constants_bytes - saved == flash.size_bytes == image.size


@pytest.mark.parametrize("kind", STAGES)
def test_as_much_is_packed_as_sram_allows_and_no_more(graph: Graph, kind: str) -> None:
    bare = Schedule(graph, *STAGES[kind])
    peak = plan(bare).peak_bytes
    before = -1
    for limit in (None, peak + 2_000, peak + 100_000):
        chosen = packed_schedule(bare, limit)
        planned = plan(chosen)
        assert planned.peak_bytes <= (limit or peak)
        assert len(chosen.packed) >= before
        before = len(chosen.packed)
    assert set(chosen.packed) == set(packable(graph))  # with so much room, all
    assert planned.peak_bytes > peak
    least = packed_schedule(bare)
    assert 0 < len(least.packed) < len(packable(graph))
    assert plan(least).constants_bytes < plan(bare).constants_bytes
    if kind == "whole":  # where operators run alone, each that stays would have been too much
        for name in packable(graph).keys() - set(least.packed):
            assert plan(bare.packing([name])).peak_bytes > peak


def test_where_offsets_leave_gaps_less_is_packed() -> None:
    graph = random_graph(compact(8, 1, 10), weight_bits=4)
    bare = Schedule(graph, [Stream("stem", "block4.add")])
    peak, gaps = plan(bare).peak_bytes, 0
    for limit in range(peak, peak + 2_000, 200):
        chosen = packed_schedule(bare, limit)
        assert plan(chosen).peak_bytes <= limit
        alone = [n for n in packable(graph) if max(unit_bytes(bare.packing([n]))) <= limit]
        gaps += set(chosen.packed) < set(alone)
    assert gaps > 0


def test_a_limit_below_the_network_is_refused(graph: Graph) -> None:
    peak = plan(graph).peak_bytes
    with pytest.raises(ScheduleError, match=rf"takes {peak:,} B .* 5 more than the {peak - 5:,}"):
        packed_schedule(graph, peak - 5)


def test_weights_are_unpacked_while_their_operator_runs(graph: Graph) -> None:
    name = "block3.expand"
    planned = plan(Schedule(graph, packed=[name]))
    buffer = planned.unpacked(name)
    assert buffer is not None
    index = planned.schedule.unit_of[[o.name for o in graph.operators].index(name)]
    assert (buffer.lifetime.first, buffer.lifetime.last) == (index, index)
    weight = graph.tensors[graph.operators[index].inputs[1]]
    assert buffer.size_bytes == unpacked_bytes(weight.elements)
    assert buffer.offset % 4 == 0
    assert planned.unpacked("block2.expand") is None
    assert plan(graph).unpacked(name) is None


def moved(planned: Plan, name: str, role: str, offset: int) -> Plan:
    buffers = [
        dataclasses.replace(b, offset=offset) if (b.name, b.role) == (name, role) else b
        for b in planned.buffers
    ]
    return Plan(planned.graph, "broken", buffers, schedule=planned.schedule)


@pytest.mark.parametrize("kind", STAGES)
def test_weights_that_somebody_overwrites_are_caught(graph: Graph, kind: str) -> None:
    name, image = "block1.expand", np.zeros(graph.input.shape, np.int8)
    planned = plan(Schedule(graph, *STAGES[kind], packed=[name]))
    buffer = planned.unpacked(name)
    assert buffer is not None
    broken = moved(planned, name, "scratch", buffer.offset)
    with pytest.raises(ClobberedRead, match=r"the weights of block1\.expand, overwritten by"):
        Emulator(graph, broken).run(image)


@pytest.mark.parametrize("kind", STAGES)
def test_weights_over_the_output_are_caught(graph: Graph, kind: str) -> None:
    name, image = "block1.project", np.zeros(graph.input.shape, np.int8)
    planned = plan(Schedule(graph, *STAGES[kind], packed=[name]))
    output = planned.find(name, whole=kind != "fed")
    assert output is not None
    broken = moved(planned, name, "unpacked weights", output.offset)
    with pytest.raises(EmulatorFault, match=f"write {name}.* over its own weights|overwritten by"):
        Emulator(graph, broken).run(image)


def test_the_fault_of_weights_over_the_output(graph: Graph) -> None:
    name, image = "block3.expand", np.zeros(graph.input.shape, np.int8)
    planned = plan(Schedule(graph, packed=[name]))
    broken = moved(planned, name, "unpacked weights", planned.activation(name).offset)
    with pytest.raises(UnsafeOverlap, match=f"would write {name} over its own weights"):
        Emulator(graph, broken).run(image)


def test_what_fits_only_packed(graph: Graph) -> None:
    """A board between the two: the report, the check and the emulator say the same."""
    bare, packed = Schedule(graph), packed_schedule(graph)
    saved = plan(bare).constants_bytes - plan(packed).constants_bytes
    size = plan(packed).flash_bytes
    small = Board("small", 1 << 20, size, "cortex-m4", 100)
    assert report(plan(packed, small), small).flash_free_bytes == 0
    with pytest.raises(DoesNotFitError, match="flash"):
        plan(bare, small)
    tiny = dataclasses.replace(small, flash_bytes=plan(bare).constants_bytes - saved)
    Emulator(graph, plan(packed), tiny)
    with pytest.raises(FlashOverflow, match=f"exceed flash by {saved:,} B"):
        Emulator(graph, plan(bare), tiny)


def test_unpacking_takes_time(graph: Graph) -> None:
    bare, packed = Schedule(graph), packed_schedule(graph, 1 << 20)
    streamed = packed_schedule(Schedule(graph, *STAGES["stream"]), 1 << 20)
    f746 = board("stm32f746")
    assert sum(packed.unpacked_weights) == sum(
        graph.tensors[o.inputs[1]].elements for o in graph.operators if o.name in packed.packed
    )
    inside = {o.name for o in streamed.units[0].operators}
    assert inside < set(packed.packed)
    for operator, unpacked in zip(graph.operators, streamed.unpacked_weights, strict=True):
        if operator.name in packed.packed:
            rows = graph.output_of(operator).shape[1] if operator.name in inside else 1
            assert unpacked == rows * graph.tensors[operator.inputs[1]].elements
    assert latency_ms(bare, f746) < latency_ms(packed, f746) < latency_ms(streamed, f746)
