"""`tight`: below the other planners, close to its bound, and still right to the bit."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import MORE_KINDS, int8_graphs

from tinyml_course.graph import Graph
from tinyml_course.mcu import POLICIES, Board, Emulator, EmulatorFault, Plan, plan, reference
from tinyml_course.models import compact, definition, definitions, random_graph

PUBLISHED = [name for name in definitions() if name != "mbv2@64"]  # the eleven rows of the table


@settings(max_examples=60)
@given(int8_graphs(most_operators=9, kinds=MORE_KINDS))
def test_every_policy_gives_the_reference_bytes(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    expected = reference.run(graph, image)
    for policy in POLICIES:
        planned = plan(graph, policy=policy)
        run = Emulator(graph, planned).run(image)
        np.testing.assert_array_equal(run.output, expected, err_msg=policy)
        assert run.peak_bytes == planned.peak_bytes
        assert planned.lower_bound_bytes <= planned.peak_bytes
        # Counted in the arena's bytes on the one side, from the plan's addresses on the other.
        measured = [step.live_bytes for step in run.trace]
        assert measured == [step.live_bytes for step in planned.timeline], policy


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_needs_less_than_tinyengine_and_meets_its_bound(name: str) -> None:
    graph = random_graph(definition(name))
    planned = plan(graph, policy="tight")
    assert planned.peak_bytes == planned.lower_bound_bytes
    assert planned.peak_bytes < 0.85 * plan(graph, policy="tinyengine").peak_bytes


def test_on_the_mean_of_the_eleven_it_is_below_eight_tenths() -> None:
    ratios = []
    for name in PUBLISHED:
        graph = random_graph(definition(name))
        best, engine = (plan(graph, policy=p).peak_bytes for p in ("tight", "tinyengine"))
        ratios.append(best / engine)
    assert np.mean(ratios) <= 0.80


def test_one_byte_tighter_is_caught() -> None:
    # The arena of the compact network is as small as its bound: whichever buffer is moved down by
    # one byte now reads or writes something that is not its own.
    graph = random_graph(compact(8, 1, 10))
    planned = plan(graph, policy="tight")
    image = np.random.default_rng(0).normal(size=graph.input.shape)
    Emulator(graph, planned).run(image)
    step = planned.peak_step
    caught = 0
    movable = [b for b in step.buffers if b.offset > 0]
    for buffer in movable:
        moved = dataclasses.replace(buffer, offset=buffer.offset - 1)
        buffers = [moved if b is buffer else b for b in planned.buffers]
        try:
            Emulator(graph, Plan(graph, "broken", buffers)).run(image)
        except EmulatorFault:
            caught += 1
    assert caught == len(movable) > 0


def test_an_arena_one_byte_smaller_is_caught() -> None:
    graph = random_graph(compact(8, 1, 10))
    planned = plan(graph, policy="tight")
    small = Board("small", planned.peak_bytes - 1, 1 << 20, "cortex-m4", 100)
    with pytest.raises(EmulatorFault, match="behind the"):
        Emulator(graph, planned, small).run(np.zeros(graph.input.shape, np.int8))
