"""Operator order against every order there is."""

import itertools

import numpy as np
from hypothesis import assume, given, settings
from random_graphs import int8_graphs

from tinyml_course.graph import Graph, GraphBuilder, Quantization, live_bytes
from tinyml_course.graph.operators import Add, AveragePool2D
from tinyml_course.mcu import Emulator, plan, reference
from tinyml_course.mcu.planning.order import memory_order
from tinyml_course.models import compact, definition, random_graph

Q = Quantization.per_tensor(0.1)


def every_order(graph: Graph) -> list[Graph]:
    found = []
    for operators in itertools.permutations(graph.operators):
        written = set(graph.inputs)
        for operator in operators:
            if any(t.name not in written for t in graph.activations_of(operator)):
                break
            written.add(operator.outputs[0])
        else:
            tensors = graph.tensors.values()
            found.append(Graph(graph.name, tensors, operators, graph.inputs, graph.outputs))
    return found


@settings(max_examples=40)
@given(int8_graphs(most_operators=5))
def test_no_order_has_a_lower_peak(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    assume(len(graph.operators) <= 6)
    ordered = memory_order(graph)
    assert max(live_bytes(ordered)) == min(max(live_bytes(g)) for g in every_order(graph))
    np.testing.assert_array_equal(reference.run(ordered, image), reference.run(graph, image))


def two_branches() -> Graph:
    """Two branches that shrink a large map; the given order works on both at once."""
    builder = GraphBuilder("branches")
    x = builder.input((1, 16, 16, 4), Q)
    half = {"size": (2, 2), "stride": (2, 2)}
    left = builder.apply(AveragePool2D, "left1", [x], **half)
    right = builder.apply(AveragePool2D, "right1", [x], size=(1, 1), stride=(1, 1))
    left = builder.apply(AveragePool2D, "left2", [left], **half)
    right = builder.apply(AveragePool2D, "right2", [right], size=(4, 4), stride=(4, 4))
    return builder.finish(builder.apply(Add, "sum", [left, right], Q))


def test_one_branch_is_finished_before_the_other_begins() -> None:
    graph = two_branches()
    ordered = memory_order(graph)
    assert max(live_bytes(ordered)) < max(live_bytes(graph))
    names = [operator.name for operator in ordered.operators]
    assert abs(names.index("left1") - names.index("left2")) == 1


def test_tight_uses_the_better_order_and_runs_it() -> None:
    graph = two_branches()
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    planned = plan(graph, policy="tight")
    run = Emulator(graph, planned).run(image)
    np.testing.assert_array_equal(run.output, reference.run(graph, image))
    assert run.peak_bytes == planned.peak_bytes
    assert planned.peak_bytes <= max(live_bytes(memory_order(graph)))


def test_a_network_without_choice_is_left_as_it_is() -> None:
    for network in (compact(8, 1, 10), definition("in4@160")):
        graph = random_graph(network)
        assert memory_order(graph) is graph
