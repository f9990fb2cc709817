"""Costs and lifetimes, by formula and by playing a graph through."""

import numpy as np
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.graph import (
    Graph,
    GraphBuilder,
    Lifetime,
    Quantization,
    costs,
    count_macs,
    count_params,
    lifetimes,
    live_bytes,
)
from tinyml_course.graph.operators import Add, Conv2D, Reshape

Q = Quantization.per_tensor(0.1)


def residual() -> Graph:
    """Input -> conv a -> conv b -> b + input."""
    b = GraphBuilder("residual")
    x = b.input((1, 4, 4, 3), Q)
    pad = ((1, 1), (1, 1))
    scale = np.full(3, 0.01, np.float32)
    weight, bias = np.ones((3, 3, 3, 3), np.int8), np.zeros(3, np.int32)
    first = b.weighted(Conv2D, "a", x, weight, scale, bias, Q, padding=pad)
    second = b.weighted(Conv2D, "b", first, weight, scale, bias, Q, padding=pad)
    return b.finish(b.apply(Add, "sum", [second, x], Q))


def test_costs_by_formula() -> None:
    first, second, add = costs(residual())
    assert (first.name, first.kind) == ("a", "CONV_2D")
    assert first.macs == second.macs == 4 * 4 * 3 * 3 * 3 * 3
    assert first.params == 3 * 3 * 3 * 3 + 3
    assert first.param_bytes == 3 * 3 * 3 * 3 + 4 * 3  # int8 weights, int32 biases
    assert first.input_bytes == first.output_bytes == 48
    assert (add.macs, add.params, add.param_bytes) == (0, 0, 0)
    assert (add.input_bytes, add.output_bytes) == (96, 48)


def test_lifetimes_by_hand() -> None:
    assert lifetimes(residual()) == {
        "input": Lifetime(0, 2),
        "a": Lifetime(0, 1),
        "b": Lifetime(1, 2),
        "sum": Lifetime(2, 2),
    }
    assert live_bytes(residual()) == [96, 144, 144]


def test_an_output_lives_to_the_end_and_an_unread_tensor_one_step() -> None:
    b = GraphBuilder("branches")
    x = b.input((1, 4), Q)
    early = b.apply(Reshape, "early", [x], shape=(1, 2, 2))
    b.apply(Reshape, "unread", [x], shape=(1, 4))
    last = b.apply(Reshape, "last", [x], shape=(1, 4))
    graph = b.finish(early, last)
    spans = lifetimes(graph)
    assert spans["early"] == Lifetime(0, 2)
    assert spans["unread"] == Lifetime(1, 1)
    assert spans["input"] == Lifetime(0, 2)


@given(int8_graphs())
def test_totals_are_the_sums_of_the_operators(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    table = costs(graph)
    assert count_macs(graph) == sum(row.macs for row in table)
    assert count_params(graph) == sum(row.params for row in table)
    assert [row.name for row in table] == [o.name for o in graph.operators]
    for row, operator in zip(table, graph.operators, strict=True):
        assert row.output_bytes == int(np.prod(graph.output_of(operator).shape))


@given(int8_graphs())
def test_a_tensor_lives_while_somebody_has_yet_to_read_it(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    spans = lifetimes(graph)
    held = live_bytes(graph)
    for step, operator in enumerate(graph.operators):
        later = graph.operators[step:]
        written = {name for o in graph.operators[:step] for name in o.outputs} | set(graph.inputs)
        needed = {n for n in written if n in graph.outputs or any(n in o.inputs for o in later)}
        if step == 0:
            needed |= set(graph.inputs)
        needed |= set(operator.outputs)
        assert {n for n, s in spans.items() if s.first <= step <= s.last} == needed
        assert held[step] == sum(graph.tensors[n].size_bytes for n in needed)


def test_lifetimes_overlap_when_they_share_a_step() -> None:
    for a in range(4):
        for b in range(a, 4):
            for c in range(4):
                for d in range(c, 4):
                    share = bool(set(range(a, b + 1)) & set(range(c, d + 1)))
                    assert Lifetime(a, b).overlaps(Lifetime(c, d)) == share
