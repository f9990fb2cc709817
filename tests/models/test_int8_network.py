"""Random int8 networks: their counts are the published ones, and their activations are alive."""

import numpy as np
import pytest

from tinyml_course.errors import GraphError
from tinyml_course.graph import costs, count_macs, count_params
from tinyml_course.mcu import packed_schedule, plan, reference
from tinyml_course.mcu.planning.packed import packable
from tinyml_course.models import (
    definition,
    definitions,
    mobilenet_v2,
    random_graph,
    random_resnet50,
)
from tinyml_course.torchvision_repair import import_torchvision


def test_macs_of_mobilenet_v2_are_the_published_ones() -> None:
    assert count_macs(random_graph(mobilenet_v2(1.0, 224))) == 300_774_272


def torchvision_params(name: str) -> int:
    """Parameters with every batch norm (two a channel) folded into a bias (one a channel)."""
    import torch

    import_torchvision()
    module = getattr(pytest.importorskip("torchvision.models"), name)(weights=None)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    return sum(p.numel() for p in module.parameters()) - sum(m.num_features for m in norms)


def test_params_of_mobilenet_v2_are_those_of_torchvision() -> None:
    assert count_params(random_graph(mobilenet_v2(1.0, 224))) == torchvision_params("mobilenet_v2")


def test_macs_and_params_of_resnet50_are_the_published_ones() -> None:
    graph = random_resnet50()
    assert count_macs(graph) == 4_089_184_256
    assert count_params(graph) == torchvision_params("resnet50")


@pytest.mark.parametrize("name", definitions())
def test_macs_by_formula(name: str) -> None:
    network = definition(name)
    size = -(-network.resolution // network.stem.stride)
    macs = size**2 * network.stem.kernel**2 * network.stem.c_in * network.stem.c_out
    for block in network.blocks:
        if block.has_expansion:
            macs += size**2 * block.c_in * block.c_mid
        size = -(-size // block.stride)
        macs += size**2 * block.c_mid * (block.kernel**2 + block.c_out)
    if network.head_mix:
        macs += size**2 * network.blocks[-1].c_out * network.head_mix
    macs += network.features * network.classes
    assert count_macs(random_graph(network)) == macs


@pytest.mark.parametrize("name", ["vww0@64", "proxyless@64"])
def test_activations_neither_vanish_nor_saturate(name: str) -> None:
    graph = random_graph(definition(name))
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    for tensor, values in reference.run_all(graph, image).items():
        if values.size > 1000:
            assert np.unique(values).size > 32, tensor
            assert values.std() > 8, tensor


def test_weights_come_from_the_seed() -> None:
    first, again, other = (random_graph(definition("vww0@64"), seed) for seed in (1, 1, 2))

    def weights(graph: object) -> list[np.ndarray]:
        return [t.values() for t in graph.constants()]

    assert all(np.array_equal(a, b) for a, b in zip(weights(first), weights(again), strict=True))
    assert not all(
        np.array_equal(a, b) for a, b in zip(weights(first), weights(other), strict=True)
    )


@pytest.mark.parametrize("bits", [2, 5, 7])
def test_weights_of_few_bits_lie_in_the_top_ones(bits: int) -> None:
    few, same = (random_graph(definition("vww0@64"), seed, bits) for seed in (0, None))
    for graph in (few, same):
        found = packable(graph)
        assert set(found.values()) == {bits}
        assert len(found) == sum(len(o.inputs) == 3 for o in graph.operators)
    assert plan(few).peak_bytes == plan(same).peak_bytes
    packed = [plan(packed_schedule(graph)) for graph in (few, same)]
    assert packed[0].constants_bytes == packed[1].constants_bytes
    values = few.tensors["stem/weight"].values().astype(int)
    assert np.abs(values).max() == (2 ** (bits - 1) - 1) * 2 ** (8 - bits)
    with pytest.raises(GraphError, match="2 to 8 bits, got 1"):
        random_graph(definition("vww0@64"), weight_bits=1)


def test_a_resnet_block_adds_before_it_clamps() -> None:
    graph = random_resnet50(64, 10)
    adds = [o for o in graph.operators if o.kind == "ADD"]
    assert len(adds) == 3 + 4 + 6 + 3
    assert {o.activation for o in adds} == {"RELU"}
    assert sum(row.kind == "CONV_2D" for row in costs(graph)) == 1 + 3 * 16 + 4


def test_without_weights_it_costs_the_same_bytes_and_macs() -> None:
    definition = mobilenet_v2(0.35, 64)
    drawn, empty = random_graph(definition), random_graph(definition, seed=None)
    assert not any(
        tensor.values().any()
        for tensor in empty.tensors.values()
        if tensor.is_constant and tensor.dtype != "float32"
    )
    for policy in ("per_layer", "tinyengine", "tight"):
        plans = [plan(graph, policy=policy) for graph in (drawn, empty)]
        assert plans[0].peak_bytes == plans[1].peak_bytes
        assert plans[0].constants_bytes == plans[1].constants_bytes
    assert count_macs(drawn) == count_macs(empty)
