"""Redistribution by what it promises: a narrow stage, the same interface, a field as large."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from executors import EXECUTORS, Execute

from tinyml_course.errors import GraphError
from tinyml_course.models import (
    Block,
    NetworkDefinition,
    compact,
    definition,
    definitions,
    mnasnet,
    mobilenet_v2,
    proxyless_mobile,
    random_graph,
)
from tinyml_course.patching import (
    Redistributed,
    patch_overhead,
    redistribute,
    stage_end,
    stage_span,
)

NETWORKS = [
    *definitions().values(),
    mobilenet_v2(),
    mobilenet_v2(0.1),
    proxyless_mobile(0.5, 160),
    mnasnet(),
    compact(32, 3, 2),
    compact(8, 1, 10),
]
NAMES = [network.name for network in NETWORKS]


def cases(network: NetworkDefinition) -> Iterator[tuple[int, Redistributed]]:
    """Every patch stage behind which a block can be repeated."""
    last = max(i for i, block in enumerate(network.blocks) if block.residual)
    for blocks in range(last + 1):
        yield blocks, redistribute(network, blocks)


def field(network: NetworkDefinition) -> int:
    return stage_span(network, len(network.blocks)).size


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_the_stage_sees_less_and_hands_over_the_same_map(network: NetworkDefinition) -> None:
    for blocks, after in cases(network):
        old, new = stage_span(network, blocks), stage_span(after.network, after.blocks)
        assert new.step == old.step
        assert new.size <= old.size
        windows = [b for b in network.blocks[:blocks] if b.kernel > b.stride | 1 or b.residual]
        assert (new.size < old.size) == bool(windows)
        if after.blocks:
            assert after.network.blocks[after.blocks - 1].c_out == network.blocks[blocks - 1].c_out
        assert after.network.stem == network.stem
        assert after.network.resolution == network.resolution
        assert after.network.features == network.features


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_the_network_sees_as_much_as_before(network: NetworkDefinition) -> None:
    # Windows are odd: the field grows by two steps of the map at a time. The deepest map of these
    # networks has a step of 32, so no field exceeds the old one by 64 pixels.
    for _, after in cases(network):
        assert 0 <= field(after.network) - field(network) < 64


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_a_strided_window_skips_no_pixel(network: NetworkDefinition) -> None:
    for _, after in cases(network):
        assert all(block.kernel >= block.stride for block in after.network.blocks)


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_what_lies_behind_the_stage_is_kept_and_one_block_of_it_repeated(
    network: NetworkDefinition,
) -> None:
    for blocks, after in cases(network):
        later, rest = list(after.network.blocks[after.blocks :]), network.blocks[blocks:]
        for block in rest:
            later.remove(block)
        assert len(set(later)) <= 1
        assert all(b.kernel == 3 and any(replace(c, kernel=3) == b for c in rest) for b in later)


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_nothing_is_left_to_redistribute(network: NetworkDefinition) -> None:
    assert redistribute(network, 0) == Redistributed(network, 0)
    for _, after in cases(network):
        assert redistribute(after.network, after.blocks) == after


@pytest.mark.parametrize("name", definitions())
def test_the_overhead_falls_for_every_network_of_the_family(name: str) -> None:
    before = definition(name)
    strided = [index for index, block in enumerate(before.blocks) if block.stride == 2]
    blocks = strided[1] + 1  # down to an eighth, as the paper's stage of MobileNetV2
    after = redistribute(before, blocks)
    graphs = random_graph(before), random_graph(after.network)
    ends = stage_end(before, blocks), stage_end(after.network, after.blocks)
    shapes = [
        next(
            graph.output_of(operator).shape for operator in graph.operators if operator.name == end
        )
        for graph, end in zip(graphs, ends, strict=True)
    ]
    assert shapes[0] == shapes[1]
    for rows, columns in ((1, 2), (2, 2), (4, 4)):
        old, new = (
            patch_overhead(graph, end, rows, columns)
            for graph, end in zip(graphs, ends, strict=True)
        )
        assert 0 < new < old


@pytest.mark.parametrize("execute", EXECUTORS.values(), ids=list(EXECUTORS))
def test_a_1x1_depthwise_convolution_runs(execute: Execute) -> None:
    graph = random_graph(redistribute(compact(16, 3, 4), 2).network)
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    assert graph.operators[1].name == "block0.depthwise"
    assert graph.inputs_of(graph.operators[1])[1].shape == (1, 1, 1, 16)
    assert np.array_equal(execute(graph, image), EXECUTORS["reference"](graph, image))


def test_it_trains_as_a_torch_module() -> None:
    torch = pytest.importorskip("torch")
    from tinyml_course.models.torch_network import build

    after = redistribute(compact(16, 3, 4), 2)
    logits = build(after.network, 0)(torch.zeros(2, 3, 16, 16))
    assert logits.shape == (2, 4)


def test_the_block_that_costs_least_is_repeated() -> None:
    network = mobilenet_v2()
    after = redistribute(network, 4)
    added = 14 * 14 * 384 * (64 + 9 + 64)  # 10.3 M; 11.0, 22.7 and 15.5 M for 32, 96 and 160
    chosen = Block(64, 384, 64, 3, 1, True)
    assert after.network.blocks.count(chosen) == network.blocks.count(chosen) + 1
    for at in (4, 11, 14):
        block = network.blocks[at]
        side = {32: 28, 96: 14, 160: 7}[block.c_in]
        assert side**2 * block.c_mid * (block.c_in + 9 + block.c_out) > added


def test_how_often_and_what_is_repeated_can_be_asked_for() -> None:
    network = mobilenet_v2()
    after = redistribute(network, 4, extra_blocks=3, repeat=14)
    assert after.network.blocks[13:18] == (network.blocks[14],) * 5
    assert after.network.name == "mbv2-w1-rd@224"
    again = redistribute(after.network, after.blocks, extra_blocks=1)
    assert again.network.name == after.network.name
    narrow = redistribute(network, 4, extra_blocks=0)
    assert len(narrow.network.blocks) == len(network.blocks) - 1
    assert field(narrow.network) == field(network) - 12
    deeper = redistribute(network, 0, extra_blocks=1)
    assert (len(deeper.network.blocks), deeper.blocks) == (18, 0)
    unnamed = redistribute(replace(network, name="mine"), 4).network
    assert unnamed.name == "mine-rd"


def test_bad_arguments_name_the_bound() -> None:
    network = mobilenet_v2()
    for blocks in (-1, 17):
        with pytest.raises(GraphError, match=rf"17 blocks and can give 0\.\.16 .* not {blocks}"):
            redistribute(network, blocks)
    with pytest.raises(GraphError, match=r"behind the first 16 that adds its input.*earlier"):
        redistribute(network, 16)
    with pytest.raises(GraphError, match="extra_blocks must be 0 or more, got -2"):
        redistribute(network, 4, extra_blocks=-2)
    for repeat in (2, 6, 40):  # in the stage, with a stride, not there
        with pytest.raises(GraphError, match=f"block {repeat} .* can: 4, 5, 7, 8"):
            redistribute(network, 4, repeat=repeat)
