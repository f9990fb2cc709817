"""Lab 0's library: by law, by a second implementation, and against the graph that is deployed."""

import math

import numpy as np
import pytest

from tinyml_course import mcu, memory_gap, models
from tinyml_course.errors import UnknownNameError
from tinyml_course.graph import Graph, count_macs, count_params, live_bytes

GRAPHS = {
    "resnet50": models.random_resnet50(64),
    "mbv2": models.random_graph(models.mobilenet_v2(0.5, 96)),
    "in3": models.random_graph(models.definition("in3@176")),
    "vww1": models.random_graph(models.definition("vww1@80")),
}


@pytest.fixture(params=GRAPHS.values(), ids=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    found = request.param
    assert isinstance(found, Graph)
    return found


def sizes_of(layers: list[memory_gap.Layer]) -> dict[str, int]:
    shapes = memory_gap.activation_shapes(layers)
    return {name: memory_gap.activation_bytes(shape) for name, shape in shapes.items()}


def test_layers_count_what_the_graph_counts(graph: Graph) -> None:
    layers = memory_gap.layers(graph)
    assert memory_gap.network_macs(layers) == count_macs(graph)
    assert sum(layer["params"] for layer in layers) == count_params(graph)
    assert sizes_of(layers) == {t.name: t.size_bytes for t in graph.activations()}


def test_bytes_held_are_those_of_the_graph_and_of_the_plan(graph: Graph) -> None:
    layers = memory_gap.layers(graph)
    held = memory_gap.live_per_step(sizes_of(layers), memory_gap.steps(layers))
    assert held == live_bytes(graph)
    peak = memory_gap.peak_live(sizes_of(layers), memory_gap.steps(layers))
    assert peak == mcu.plan(graph, policy="per_layer").lower_bound_bytes
    assert max(memory_gap.block_peaks(layers, sizes_of(layers)).values()) == peak


def test_conv_params_are_those_of_the_graph(graph: Graph) -> None:
    for layer in memory_gap.layers(graph):
        if layer["kind"] in ("conv", "depthwise"):
            c_in, c_out = layer["input_shape"][2], layer["output_shape"][2]
            counted = memory_gap.conv_params(c_in, c_out, layer["kernel"], layer["groups"])
            assert counted == layer["params"]


def test_a_chain_is_a_special_case() -> None:
    rng = np.random.default_rng(0)
    for length in (2, 3, 17):
        sizes = [int(n) for n in rng.integers(1, 1000, length)]
        named = {f"t{i}": size for i, size in enumerate(sizes)}
        steps = [([f"t{i}"], f"t{i + 1}") for i in range(length - 1)]
        assert memory_gap.peak_live(named, steps) == memory_gap.peak_chain(sizes)
        assert memory_gap.peak_chain(sizes[::-1]) == memory_gap.peak_chain(sizes)


def test_a_waiting_shortcut_never_lowers_the_peak() -> None:
    sizes = {"x": 5, "a": 9, "b": 3, "y": 5}
    chain = [(["x"], "a"), (["a"], "b"), (["b"], "y")]
    residual = [*chain[:2], (["b", "x"], "y")]
    assert memory_gap.peak_live(sizes, residual) == 5 + 9 + 3
    assert memory_gap.peak_live(sizes, residual) > memory_gap.peak_live(sizes, chain)


def test_training_memory_grows_with_the_batch_by_the_activations_only() -> None:
    one, two, nine = (memory_gap.training_bytes(100, 7, batch) for batch in (1, 2, 9))
    assert two - one == 4 * 7
    assert nine - one == 8 * (two - one)
    assert memory_gap.training_bytes(100, 7, 1, "adam") - one == 2 * 4 * 100
    with pytest.raises(UnknownNameError, match="adam"):
        memory_gap.training_bytes(100, 7, 1, "adamm")


def test_fits_agrees_with_the_planner_on_every_board() -> None:
    for graph in GRAPHS.values():
        needs = memory_gap.needs(graph, "tinyengine")
        plan = mcu.plan(graph, policy="tinyengine")
        for board in mcu.BOARDS.values():
            verdict = memory_gap.fits(needs, memory_gap.board_kib(board))
            assert verdict["sram_missing_bytes"] == max(0, plan.peak_bytes - board.sram_bytes)
            assert verdict["flash_missing_bytes"] == max(0, plan.flash_bytes - board.flash_bytes)
            missing = verdict["sram_missing_bytes"] + verdict["flash_missing_bytes"]
            assert verdict["fits"] is (missing == 0)


def test_the_laws_of_scaling_hold_nearly() -> None:
    def counted(width: float, resolution: int) -> dict[str, float]:
        definition = models.mobilenet_v2(width, resolution, classes=10)
        layers = memory_gap.layers(models.random_graph(definition))
        return {
            "params": sum(layer["params"] for layer in layers),
            "macs": memory_gap.network_macs(layers),
            "peak_bytes": memory_gap.peak_live(sizes_of(layers), memory_gap.steps(layers)),
        }

    start = counted(1.0, 192)
    by_law = memory_gap.scaled(start, 1.0, 0.5)
    assert counted(1.0, 96) == pytest.approx(by_law, rel=0.01)
    # The stem reads 3 channels and depthwise layers have one axis of channels, whatever the width:
    # together a tenth of the MACs.
    wide = memory_gap.scaled(start, 2.0, 1.0)
    assert counted(2.0, 192) == pytest.approx(wide, rel=0.1)


def test_candidate_counts_what_it_plans() -> None:
    candidate = memory_gap.candidate(0.35, 96)
    graph = models.random_graph(models.mobilenet_v2(0.35, 96))
    plan = mcu.plan(graph, policy="tinyengine")
    assert candidate["macs"] == count_macs(graph)
    assert candidate["weight_bytes"] + candidate["code_bytes"] == plan.flash_bytes
    assert candidate["peak_bytes"] == plan.peak_bytes


def test_docstring_examples() -> None:
    assert memory_gap.peak_chain([3, 8, 4]) == 12
    assert memory_gap.activation_bytes((7, 7, 5), 4) == math.ceil(245 / 2)
    assert memory_gap.training_bytes(100, 1000, 8, "adam") == 33_600
