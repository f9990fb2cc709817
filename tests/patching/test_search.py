"""The search: what it finds runs to the bit in the size it says, and nothing simpler is smaller."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import int8_graphs, random_image
from random_schedules import KINDS

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import Mean
from tinyml_course.mcu import Board, Emulator, EmulatorFault, board, plan, reference
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.models import compact, definition, definitions, random_graph
from tinyml_course.patching import Scheduled, ScheduleSearch, schedule


def check(found: Scheduled, image: np.ndarray, expected: np.ndarray) -> None:
    """Right to the bit in exactly the planned arena, and a fault in one a byte smaller."""
    graph = found.schedule.graph
    run = Emulator(graph, found.plan).run(image)
    np.testing.assert_array_equal(run.output, expected)
    assert run.peak_bytes == found.peak_bytes
    small = Board("small", found.peak_bytes - 1, 1 << 24, "cortex-m4", 100)
    with pytest.raises(EmulatorFault, match="1 B behind"):
        Emulator(graph, found.plan, small).run(image)


@pytest.mark.parametrize("name", definitions())
def test_every_published_network_streamed_fused_and_patched(name: str) -> None:
    graph = random_graph(definition(name))
    image = random_image(graph, np.random.default_rng(0))
    expected = reference.run(graph, image)
    macs = Schedule(graph).macs
    peaks = []
    for rung, kind in (("streamed", "memory"), ("fused", "memory"), ("streamed", "fed")):
        found = ScheduleSearch(graph, kind, rung).least_sram()
        assert found.macs == macs
        assert found.peak_bytes == found.plan.lower_bound_bytes  # nothing could do with less
        assert found.binds in [step.operator for step in found.plan.timeline]
        check(found, image, expected)
        peaks.append(found.peak_bytes)
    streamed, fused, fed = peaks
    assert fed < streamed <= fused < plan(graph).peak_bytes
    for kind in ("memory", "fed"):
        patched = Schedule(graph, [Patches("stem", "block1.project", 2, 3)], kind)
        check(Scheduled(patched, plan(patched)), image, expected)


@settings(max_examples=100, deadline=None)
@given(int8_graphs(8, KINDS))
def test_never_worse_than_unfused_and_always_right(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    expected = reference.run(graph, image)
    search = ScheduleSearch(graph)
    found = search.front()
    assert found[0].peak_bytes <= search.unfused().peak_bytes == plan(graph).peak_bytes
    for one in found:
        check(one, image, expected)
    for better, worse in zip(found[1:], found, strict=False):
        assert better.peak_bytes < worse.peak_bytes
        assert better.macs >= worse.macs


@pytest.mark.parametrize("kind", ["memory", "fed"])
def test_a_budget_is_kept_with_as_little_in_stages_as_will_do(kind: str) -> None:
    graph = random_graph(definition("in0@48"))
    search = ScheduleSearch(graph, kind)
    least, unfused = search.least_sram(), search.unfused()
    steps = np.linspace(least.peak_bytes, unfused.peak_bytes, 5).astype(int)
    inside = []
    for budget in steps:
        found = search.fastest(int(budget))
        assert found.peak_bytes <= budget
        assert found.macs == unfused.macs
        inside.append(sum(u.last - u.first + 1 for u in found.schedule.units if u.flow is not None))
    assert inside == sorted(inside, reverse=True)
    if kind == "memory":
        assert not found.schedule.stages  # the last budget needs no stage
    assert schedule(graph, budget_bytes=int(steps[0]), image=kind).stages


def test_below_what_streams_reach_patches_buy_sram_with_macs() -> None:
    graph = random_graph(definition("in0@48"))
    search = ScheduleSearch(graph, "fed")
    streamed, patched = search.least_sram(), search.patched()
    assert patched
    found = search.fastest(streamed.peak_bytes - 1)
    assert found.peak_bytes < streamed.peak_bytes
    assert found.macs == min(p.macs for p in patched)
    assert any(isinstance(stage, Patches) for stage in found.schedule.stages)


def test_a_budget_below_the_least_names_the_least_and_how_to_reach_it() -> None:
    graph = random_graph(definition("in0@48"))
    least = ScheduleSearch(graph).front()[-1]
    message = rf"does not fit into 5,000 B.*reached is {least.peak_bytes:,} B.*binds it"
    with pytest.raises(ScheduleError, match=message):
        schedule(graph, budget_bytes=5000)


def test_a_board_with_room_runs_operator_by_operator() -> None:
    graph = random_graph(compact(8, 1, 10))
    assert not schedule(graph, board("stm32f746")).stages
    assert all(isinstance(stage, Stream) for stage in schedule(graph).stages)
    assert schedule(graph).stages


def test_an_image_that_no_operator_takes_in_parts_cannot_be_fed() -> None:
    builder, q = GraphBuilder("mean"), Quantization.per_tensor(0.1)
    x = builder.input((1, 4, 4, 2), q)
    builder.apply(Mean, "mean", [x], q, axes=(1, 2), keep_dims=True)
    graph = builder.finish("mean")
    assert not schedule(graph).stages
    with pytest.raises(ScheduleError, match="MEAN mean cannot work on a part of its input"):
        schedule(graph, image="fed")
    with pytest.raises(ScheduleError, match="a fed image needs a stage"):
        ScheduleSearch(graph, "fed", "unfused").least_sram()
