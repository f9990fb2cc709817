"""The textbook figure: input plus output of the largest layer."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_graphs import int8_graphs

from tinyml_course.graph import Graph, GraphBuilder, Quantization, live_bytes
from tinyml_course.graph.operators import Add, Conv2D
from tinyml_course.mcu import plan

Q = Quantization.per_tensor(0.1)


def chain(channels: list[int], size: int = 2) -> Graph:
    """1x1 convolutions one after the other; ``channels`` of the input and of every output."""
    b = GraphBuilder("chain")
    x = b.input((1, size, size, channels[0]), Q)
    for index, (c_in, c_out) in enumerate(pairwise(channels)):
        weight = np.ones((c_out, 1, 1, c_in), np.int8)
        scale, bias = np.ones(c_out, np.float32), np.zeros(c_out, np.int32)
        x = b.weighted(Conv2D, f"conv{index}", x, weight, scale, bias, Q)
    return b.finish(x)


@settings(max_examples=150)
@given(st.lists(st.integers(1, 20), min_size=2, max_size=12))
@example([6, 5, 5, 6])  # the largest first would leave the middle pair on top of each other
@example([2, 5, 6])
def test_the_peak_of_a_chain_is_its_largest_input_plus_output(channels: list[int]) -> None:
    largest = max(a + b for a, b in pairwise(channels))
    planned = plan(chain(channels), policy="per_layer")
    assert planned.peak_bytes == 2 * 2 * largest
    assert planned.lower_bound_bytes == planned.peak_bytes


@given(int8_graphs())
def test_what_is_held_is_what_lives(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    planned = plan(graph, policy="per_layer")
    assert [step.live_bytes for step in planned.timeline] == live_bytes(graph)
    assert {b.role for b in planned.buffers} == {"activation"}


@pytest.mark.parametrize("size", [1, 3])
def test_a_residual_is_waited_for(size: int) -> None:
    b = GraphBuilder("residual")
    x = b.input((1, size, size, 4), Q)
    scale, bias = np.ones(8, np.float32), np.zeros(8, np.int32)
    y = b.weighted(Conv2D, "wide", x, np.ones((8, 1, 1, 4), np.int8), scale, bias, Q)
    z = b.weighted(Conv2D, "narrow", y, np.ones((4, 1, 1, 8), np.int8), scale[:4], bias[:4], Q)
    planned = plan(b.finish(b.apply(Add, "sum", [x, z], Q)), policy="per_layer")
    assert planned.peak_bytes == size * size * (4 + 8 + 4)
    assert planned.peak_step.operator == "narrow"
