"""What every policy's plan must be: complete, without unlawful overlap, and honestly counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import int8_graphs

from tinyml_course.errors import UnknownNameError
from tinyml_course.graph import Graph, GraphBuilder, Lifetime, Quantization, lifetimes
from tinyml_course.graph.operators import Reshape
from tinyml_course.mcu import POLICIES, Buffer, Plan, plan
from tinyml_course.mcu.overlap import lawful_overlap
from tinyml_course.models import definition, random_graph

policies = pytest.mark.parametrize("policy", POLICIES)
NETWORKS = {name: random_graph(definition(name)) for name in ("vww0@64", "proxyless@64")}


def is_lawful_in_place(planned: Plan, first: Buffer, second: Buffer) -> bool:
    """Whether one is the input and the other the output of an operator that may overlap them."""
    graph = planned.graph
    for step, operator in enumerate(graph.operators):
        for source, output in ((first, second), (second, first)):
            if source.name in operator.inputs and output.name == operator.outputs[0]:
                rule = lawful_overlap(graph, operator, source.name)
                distance = output.offset - source.offset
                return (
                    rule is not None
                    and source.lifetime.last == step
                    and distance <= rule.most
                    and distance % rule.multiple == 0
                )
    return False


def check(planned: Plan) -> None:
    graph = planned.graph
    spans = lifetimes(graph)
    activations = [b for b in planned.buffers if b.role == "activation"]
    assert sorted(b.name for b in activations) == sorted(t.name for t in graph.activations())
    for buffer in activations:
        assert buffer.size_bytes == graph.tensors[buffer.name].size_bytes
        assert buffer.lifetime == spans[buffer.name]
        assert planned.activation(buffer.name) is buffer
    for buffer in planned.buffers:
        assert buffer.offset >= 0
        assert buffer.end == buffer.offset + buffer.size_bytes
        if buffer.role in ("scratch", "kernel copy"):
            step = [o.name for o in graph.operators].index(buffer.name)
            assert buffer.lifetime == Lifetime(step, step)
            assert buffer in planned.scratch(buffer.name)
    for index, first in enumerate(planned.buffers):
        for second in planned.buffers[index + 1 :]:
            if first.lifetime.overlaps(second.lifetime) and first.shares_bytes_with(second):
                assert {first.role, second.role} == {"activation"}
                assert is_lawful_in_place(planned, first, second), (first, second)


@policies
@settings(max_examples=60)
@given(int8_graphs())
def test_random_graphs_are_planned_lawfully(policy: str, case: tuple[Graph, np.ndarray]) -> None:
    check(plan(case[0], policy=policy))


@policies
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_planned_lawfully(policy: str, name: str) -> None:
    check(plan(NETWORKS[name], policy=policy))


@policies
@settings(max_examples=30)
@given(int8_graphs())
def test_the_timeline_counts_every_held_byte_once(
    policy: str, case: tuple[Graph, np.ndarray]
) -> None:
    planned = plan(case[0], policy=policy)
    held = []
    for step, record in enumerate(planned.timeline):
        live = [b for b in planned.buffers if b.lifetime.first <= step <= b.lifetime.last]
        assert set(record.buffers) == set(live)
        assert [b.offset for b in record.buffers] == sorted(b.offset for b in live)
        held.append(len({byte for b in live for byte in range(b.offset, b.end)}))
        operator = planned.graph.operators[step]
        assert (record.index, record.operator, record.kind) == (step, operator.name, operator.kind)
    assert [record.live_bytes for record in planned.timeline] == held
    assert planned.peak_bytes == max(b.end for b in planned.buffers)
    assert planned.peak_step.index == held.index(max(held))
    assert planned.lower_bound_bytes <= planned.peak_bytes


@policies
def test_planning_twice_gives_the_same_plan(policy: str) -> None:
    graph = NETWORKS["vww0@64"]
    assert plan(graph, policy=policy).buffers == plan(graph, policy=policy).buffers


def test_no_policy_needs_less_than_tight() -> None:
    for graph in NETWORKS.values():
        peaks = {name: plan(graph, policy=name).peak_bytes for name in POLICIES}
        # per_layer leaves the kernels' scratch out, so it is no plan that a board could run.
        del peaks["per_layer"]
        assert min(peaks.values()) == peaks.get("tight", min(peaks.values()))


def test_unknown_policies_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown policy 'tinyengin'; did you mean 'tinyeng"):
        plan(NETWORKS["vww0@64"], policy="tinyengin")


def test_a_plan_says_what_it_is() -> None:
    planned = plan(NETWORKS["vww0@64"], policy="tinyengine")
    assert repr(planned) == "Plan('vww0@64', tinyengine, peak 60,800 B)"
    with pytest.raises(KeyError):
        planned.activation("nothing")
    assert planned.scratch("nothing") == []
    assert planned.constants_bytes == planned.flash.size_bytes
    assert planned.flash_bytes > planned.constants_bytes


def test_buffers_share_bytes_by_address_and_live_by_step() -> None:
    life = Lifetime(2, 4)
    first = Buffer("a", "activation", 10, 5, life)
    for offset in range(25):
        second = Buffer("b", "activation", offset, 3, life)
        common = set(range(10, 15)) & set(range(offset, offset + 3))
        assert first.shares_bytes_with(second) == second.shares_bytes_with(first) == bool(common)
    assert [first.live_at(step) for step in range(6)] == [False, False, True, True, True, False]


def test_the_peak_step_is_the_first_of_several() -> None:
    b = GraphBuilder("flat")
    x = b.input((1, 4), Quantization.per_tensor(0.1))
    for index in range(3):
        x = b.apply(Reshape, f"r{index}", [x], shape=(1, 4))
    assert plan(b.finish(x), policy="per_layer").peak_step.index == 0
