"""SRAM by step: each buffer by formula, nobody over anybody else."""

from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import int8_graphs

from tinyml_course.firmware.story.memory import NODE_BYTES, RUNTIME, columns_of, place, story_plan
from tinyml_course.firmware.story.steps import STEPS, checked, up_to
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.planning.layout import Plan
from tinyml_course.mcu.planning.tinyengine import runs_in_place
from tinyml_course.models import compact, definition, random_graph

NETWORK = random_graph(compact(8, 1, 10))
LAYERS = (Conv2D, DepthwiseConv2D, FullyConnected)


@st.composite
def step_sets(draw: st.DrawFn) -> frozenset[str]:
    """Any lawful set."""
    chosen = draw(st.sets(st.sampled_from([*STEPS])))
    while True:
        missing = {need for name in chosen for need in STEPS[name].needs} - chosen
        if not missing:
            return checked(chosen)
        chosen |= missing


def sizes(plan: Plan, *kinds: str) -> dict[str, int]:
    """Of buffers whose names end so."""
    return {b.name: b.size_bytes for b in plan.buffers if b.name.endswith(kinds)}


def test_without_fusion_sums_have_four_bytes_and_edges_a_map() -> None:
    bare, fused = story_plan(NETWORK, up_to("codegen")), story_plan(NETWORK, up_to("fusion"))
    passes = sizes(bare, " sums", " padded")
    for operator in NETWORK.operators:
        if not isinstance(operator, LAYERS):
            continue
        source, output = NETWORK.inputs_of(operator)[0], NETWORK.output_of(operator)
        assert passes.pop(f"{operator.name} sums") == 4 * output.size_bytes
        if isinstance(operator, FullyConnected) or operator.padding == ((0, 0), (0, 0)):
            continue
        _, height, width, channels = source.shape
        (top, bottom), (left, right) = operator.padding
        padded = (height + top + bottom) * (width + left + right) * channels
        assert passes.pop(f"{operator.name} padded") == padded
    assert not passes
    assert not sizes(fused, " sums", " padded")
    assert fused.peak_bytes < 0.5 * bare.peak_bytes


def test_an_interpreter_keeps_a_node_for_each_operator() -> None:
    start, generated = story_plan(NETWORK, up_to("interpreter")), story_plan(NETWORK, ["codegen"])
    channels = [NETWORK.output_of(o).shape[-1] for o in NETWORK.operators if isinstance(o, LAYERS)]
    nodes = [o for o in NETWORK.operators if not isinstance(o, Reshape)]
    assert len(nodes) < len(NETWORK.operators)
    expected = NODE_BYTES * len(nodes) + 8 * sum(channels)
    assert sizes(start, RUNTIME) == {RUNTIME: expected}
    assert not sizes(generated, RUNTIME)
    assert abs(start.peak_bytes - generated.peak_bytes - expected) < 4


def test_columns_and_planes() -> None:
    plain, tiled = story_plan(NETWORK, up_to("im2col")), story_plan(NETWORK, up_to("tiling"))
    most = 0
    for operator in NETWORK.operators:
        if not isinstance(operator, LAYERS):
            continue
        source, weight = NETWORK.inputs_of(operator)[:2]
        one = sizes(plain, " scratch")[f"{operator.name} scratch"]
        several = sizes(tiled, " scratch")[f"{operator.name} scratch"]
        if isinstance(operator, DepthwiseConv2D):
            (top, bottom), (left, right) = operator.padding
            _, height, width, _ = source.shape
            assert one == several == 2 * (height + top + bottom) * (width + left + right)
            continue
        taps = weight.elements // weight.shape[0]
        most = max(most, taps)
        assert one == 2 * taps
        assert several == one * columns_of(NETWORK, operator, up_to("tiling"))
    convolutions = [o for o in NETWORK.operators if isinstance(o, (Conv2D, FullyConnected))]
    for operator in convolutions:  # MCUNet, equation 2, in room for two of the largest columns
        taps = NETWORK.inputs_of(operator)[1].elements // NETWORK.output_of(operator).shape[-1]
        pixels = NETWORK.output_of(operator).elements // NETWORK.output_of(operator).shape[-1]
        expected = min(2 * most // taps, pixels)
        assert columns_of(NETWORK, operator, up_to("tiling")) == expected
        assert columns_of(NETWORK, operator, up_to("im2col")) == 1


def test_in_place_saves_what_only_depthwise_holds_twice() -> None:
    graph = random_graph(definition("vww0@64"))
    apart, in_place = story_plan(graph, up_to("tiling")), story_plan(graph, up_to("in_place"))
    assert in_place.peak_bytes < apart.peak_bytes
    for operator in graph.operators:
        offsets = [
            (p.activation(operator.inputs[0]).offset, p.activation(operator.outputs[0]).offset)
            for p in (apart, in_place)
        ]
        if isinstance(operator, DepthwiseConv2D):
            assert offsets[0][0] != offsets[0][1]
            assert (offsets[1][0] == offsets[1][1]) == runs_in_place(graph, operator)


@settings(max_examples=60)
@given(int8_graphs(8), step_sets())
def test_nobody_lies_over_anybody_else(case: tuple[Graph, object], steps: frozenset[str]) -> None:
    graph, _ = case
    plan = story_plan(graph, steps)
    shared = {
        (o.inputs[0], o.outputs[0])
        for o in graph.operators
        if isinstance(o, Reshape) or ("in_place" in steps and isinstance(o, DepthwiseConv2D))
    }
    for first in plan.buffers:
        for second in plan.buffers:
            together = first.lifetime.overlaps(second.lifetime)
            if first is second or not together or not first.shares_bytes_with(second):
                continue
            pair = {(first.name, second.name), (second.name, first.name)}
            assert pair & shared, (first, second)
            assert first.offset == second.offset
    for operator in graph.operators:
        for what in ("scratch", "padded", "sums"):
            offset = place(plan, operator.name, what)
            assert offset is None or offset % 4 == 0
