"""The torch networks are the int8 networks: same layers, same counts, same names."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyml_course.graph import costs, count_macs, count_params, from_torch
from tinyml_course.models import (
    Block,
    NetworkDefinition,
    Stem,
    compact,
    definition,
    definitions,
    random_graph,
)
from tinyml_course.models.torch_network import build


@st.composite
def small_definitions(draw: st.DrawFn) -> NetworkDefinition:
    channels = draw(st.integers(1, 4))
    stem = Stem(
        draw(st.integers(1, 3)), channels, draw(st.sampled_from([1, 3])), draw(st.integers(1, 2))
    )
    blocks = []
    for _ in range(draw(st.integers(0, 3))):
        c_out = draw(st.one_of(st.just(channels), st.integers(1, 5)))
        stride = draw(st.integers(1, 2))
        residual = stride == 1 and c_out == channels and draw(st.booleans())
        mid = channels * draw(st.sampled_from([1, 2, 3]))
        kernel = draw(st.sampled_from([3, 5, 7]))
        blocks.append(Block(channels, mid, c_out, kernel, stride, residual))
        channels = c_out
    head_mix = draw(st.sampled_from([None, 6]))
    return NetworkDefinition("small@8", 8, stem, tuple(blocks), head_mix, 3)


def assert_same_network(network: NetworkDefinition) -> None:
    shape = (2, network.stem.c_in, network.resolution, network.resolution)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    converted = from_torch(build(network, 0).eval(), images)
    ours = random_graph(network)
    assert count_macs(converted) == count_macs(ours)
    assert count_params(converted) == count_params(ours)
    for a, b in zip(costs(converted), costs(ours), strict=True):
        # Cost for cost: kind, MACs, parameters and sizes; only the flattening has another name.
        assert a.kind == b.kind
        assert (a.macs, a.params, a.param_bytes) == (b.macs, b.params, b.param_bytes)
        assert (a.input_bytes, a.output_bytes) == (b.input_bytes, b.output_bytes)
        if a.kind != "RESHAPE":
            assert a.name == b.name
    for first, second in zip(converted.operators, ours.operators, strict=True):
        keys = {"stride", "padding", "activation", "size"} & first.attributes().keys()
        assert all(first.attributes()[k] == second.attributes()[k] for k in keys)


@settings(max_examples=8)
@given(small_definitions())
def test_random_definitions_become_the_same_network_twice(network: NetworkDefinition) -> None:
    assert_same_network(network)


@pytest.mark.parametrize(
    "network", [compact(8, 1, 10), definition("vww0@64").at(32)], ids=lambda n: n.name
)
def test_definitions_become_the_same_network_twice(network: NetworkDefinition) -> None:
    assert_same_network(network)


@pytest.mark.parametrize("name", definitions())
def test_every_published_network_can_be_built(name: str) -> None:
    """By parameters: a batch norm holds two a channel, the int8 graph one bias."""
    network = definition(name)
    with torch.device("meta"):  # shapes only
        module = build(network, 0)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    params = sum(p.numel() for p in module.parameters()) - sum(m.num_features for m in norms)
    assert params == count_params(random_graph(network))


def test_weights_come_from_the_seed_and_the_global_state_is_untouched() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (build(compact(8, 1, 10), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)

    def flat(module: torch.nn.Module) -> np.ndarray:
        return torch.cat([p.detach().ravel() for p in module.parameters()]).numpy()

    assert np.array_equal(flat(first), flat(again))
    assert not np.array_equal(flat(first), flat(other))


@pytest.mark.parametrize("batch", [1, 5])
def test_images_become_logits(batch: int) -> None:
    module = build(compact(8, 1, 10), 0).eval()
    assert module(torch.zeros(batch, 1, 8, 8)).shape == (batch, 10)
