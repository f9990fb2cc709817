"""The smaller network equals the masked one; channels in another order change nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pruned_networks import NETWORKS, images, lively, network, seeded
from torch import nn

from tinyml_course.errors import UnknownNameError
from tinyml_course.pruning import (
    ChannelGroup,
    PruningError,
    channel_groups,
    keep_counts,
    masked_network,
    reordered_network,
    smaller_network,
    strongest,
)
from tinyml_course.torchvision_repair import import_torchvision

TRACED = {name: channel_groups(network(name), images()) for name in NETWORKS}
CLOSE = {"rtol": 1e-4, "atol": 1e-6}
"""Single precision; sums in another order."""


def some(groups: list[ChannelGroup], seed: int) -> dict[str, np.ndarray]:
    """Any channels of every prunable group, at least one of each."""
    rng = np.random.default_rng(seed)
    return {
        g.name: np.sort(rng.choice(g.size, int(rng.integers(1, g.size + 1)), replace=False))
        for g in groups
        if g.prunable
    }


@settings(max_examples=10)
@given(st.sampled_from(sorted(NETWORKS)), st.integers(0, 999))
def test_smaller_equals_masked(name: str, seed: int) -> None:
    module, groups = network(name), TRACED[name]
    kept = some(groups, seed)
    x = images(seed=seed)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with torch.no_grad():
        small = smaller_network(module, groups, kept)(x)
        masked = masked_network(module, groups, kept)(x)
    assert torch.allclose(small, masked, **CLOSE)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])


@settings(max_examples=10)
@given(st.sampled_from(sorted(NETWORKS)), st.integers(0, 999))
def test_another_order_leaves_the_outputs(name: str, seed: int) -> None:
    module, groups = network(name), TRACED[name]
    rng = np.random.default_rng(seed)
    order = {g.name: rng.permutation(g.size) for g in groups if g.prunable}
    x = images(seed=seed)
    reordered = reordered_network(module, groups, order)
    with torch.no_grad():
        assert torch.allclose(reordered(x), module(x), **CLOSE)
    moved = [k for k, v in reordered.state_dict().items() if not torch.equal(v, _get(module, k))]
    assert moved


def _get(module: nn.Module, key: str) -> torch.Tensor:
    value: torch.Tensor = module.state_dict()[key]
    return value


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_masking_does_something(name: str) -> None:
    module, groups = network(name), TRACED[name]
    kept = {g.name: [g.size - 1] for g in groups if g.prunable}
    x = images()
    with torch.no_grad():
        assert not torch.allclose(masked_network(module, groups, kept)(x), module(x), **CLOSE)
        whole = {g.name: np.arange(g.size) for g in groups if g.prunable}
        assert torch.equal(smaller_network(module, groups, whole)(x), module(x))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_smaller_one_can_be_pruned_again(name: str) -> None:
    """Its own trace finds the same groups, with the new sizes."""
    module, groups = network(name), TRACED[name]
    kept = some(groups, 1)
    small = smaller_network(module, groups, kept)
    again = channel_groups(small, images())
    sizes = {g.name: len(kept.get(g.name, range(g.size))) for g in groups}
    assert {g.name: g.size for g in again} == sizes
    assert {g.name: g.slices for g in again}.keys() == {g.name for g in groups}
    kept_again = some(again, 2)
    together = {name: kept[name][channels] for name, channels in kept_again.items()}
    x = images(seed=5)
    with torch.no_grad():
        twice = smaller_network(small, again, kept_again)(x)
        assert torch.allclose(twice, smaller_network(module, groups, together)(x), **CLOSE)


def test_layers_say_their_new_channel_counts() -> None:
    module, groups = network("gate"), TRACED["gate"]
    small = smaller_network(module, groups, {"stem.0": [1, 3], "last.0": [0]})
    assert small.depthwise[0].groups == small.depthwise[0].in_channels == 2
    assert small.pair[0].groups == small.pair[0].in_channels == 2
    assert small.pair[0].out_channels == 4  # each channel made two
    assert small.pair[1].num_features == 4
    assert (small.last[0].in_channels, small.last[0].out_channels) == (4, 1)
    assert (small.head.in_features, small.head.out_features) == (1, 3)
    assert small.scale.shape == (1, 2, 1, 1)
    assert "groups=2" in repr(small.pair[0])


def test_a_smaller_network_can_be_trained() -> None:
    module, groups = network("mobile"), TRACED["mobile"]
    small = smaller_network(module, groups, some(groups, 3)).train()
    small(images()).sum().backward()
    assert all(parameter.grad is not None for parameter in small.parameters())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_networks_of_the_zoo(name: str) -> None:
    import_torchvision()
    zoo = pytest.importorskip("torchvision.models")
    with seeded(0):
        module = lively(getattr(zoo, name)(weights=None, num_classes=10))
    x = images(2, size=32)
    groups = channel_groups(module, x)
    kept = {n: np.arange(c) for n, c in keep_counts(groups, 0.5).items()}
    small = smaller_network(module, groups, kept)
    with torch.no_grad():
        assert torch.allclose(small(x), masked_network(module, groups, kept)(x), **CLOSE)
    free = [g for g in groups if g.prunable]
    # resnet18: the stem with stage 1, three stages, and a first convolution in each of 8 blocks;
    # mobilenet_v2: 17 expansions and depthwise stem, 7 widths, the head
    assert len(free) == {"resnet18": 12, "mobilenet_v2": 25}[name]
    weights = sum(p.numel() for p in small.parameters()) / sum(
        p.numel() for p in module.parameters()
    )
    assert weights == pytest.approx(0.25, abs=0.02)  # half of both axes of nearly every weight


def test_counts_and_choices() -> None:
    groups = TRACED["residual"]
    assert keep_counts(groups, 0.5) == {"stem.0": 3, "fc1": 5}
    assert keep_counts(groups, 0.01) == {"stem.0": 1, "fc1": 1}
    assert keep_counts(groups, 0.9, divisor=4) == {"stem.0": 4, "fc1": 8}
    assert keep_counts(groups, 1.0, divisor=8) == {"stem.0": 6, "fc1": 8}
    assert strongest(np.array([3.0, 1.0, 2.0, 3.0]), 2).tolist() == [0, 3]
    assert strongest(np.ones(4), 2).tolist() == [2, 3]
    for ratio, divisor in ((0.0, 1), (1.1, 1), (0.5, 0)):
        with pytest.raises(PruningError, match="share of channels"):
            keep_counts(groups, ratio, divisor)


def test_a_layer_whose_counts_are_not_known_is_refused() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = nn.Conv2d(3, 4, 1), nn.PReLU(4)
            self.odd = nn.Conv1d(4, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.linear(self.first(x).mean((2, 3)), self.odd.weight[:, :, 0])

    group = ChannelGroup("first", 4, (*_slices("first.weight", 0), *_slices("odd.weight", 1)))
    with pytest.raises(PruningError, match=r"odd \(Conv1d\): its channel counts are not known"):
        smaller_network(Odd(), [group], {"first": [0, 1]})


def _slices(parameter: str, axis: int) -> tuple[object, ...]:
    from tinyml_course.pruning import ChannelSlice

    return (ChannelSlice(parameter, axis, 0, 1, "follows"),)


@pytest.mark.parametrize("make", [smaller_network, masked_network])
def test_wishes_that_cannot_be_met_are_refused(make: object) -> None:
    module, groups = network("residual"), TRACED["residual"]

    def call(kept: dict[str, object]) -> None:
        make(module, groups, kept)  # type: ignore[operator]

    with pytest.raises(UnknownNameError, match="unknown channel group 'stemm'"):
        call({"stemm": [0]})
    with pytest.raises(PruningError, match="fc2 are fixed: they leave the network"):
        call({"fc2": [0]})
    with pytest.raises(PruningError, match=r"no channel would be left.*the fewest is 1"):
        call({"fc1": []})
    for wrong in ([1, 0], [0, 0], [0, 10], [-1, 2]):
        with pytest.raises(PruningError, match=r"must rise within 0\.\.9"):
            call({"fc1": wrong})
    with pytest.raises(PruningError, match="list of indices"):
        call({"fc1": [0.5]})
    with pytest.raises(PruningError, match="names each of 10 channels once"):
        reordered_network(module, groups, {"fc1": list(range(9))})
