"""Which channels belong together, network by network, and what cannot be followed."""

import pytest
import torch
from pruned_networks import images, network
from torch import nn

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.pruning import ChannelGroup, PruningError, channel_groups


def groups_of(name: str) -> dict[str, ChannelGroup]:
    return {group.name: group for group in channel_groups(network(name), images())}


def layers(group: ChannelGroup, role: str) -> list[str]:
    return [place.layer for place in group.slices if place.role == role]


def test_an_addition_makes_channels_one() -> None:
    groups = groups_of("residual")
    stem = groups["stem.0"]
    assert layers(stem, "makes") == ["stem.0", "body.0", "side.0"]
    assert layers(stem, "reads") == ["body.0", "side.0", "fc1"]
    (flat,) = [place for place in stem.slices if place.layer == "fc1"]
    assert (flat.axis, flat.offset, flat.repeat) == (1, 0, 16)
    assert flat.positions([0, 2]).tolist() == [*range(16), *range(32, 48)]
    assert set(groups) == {"input", "stem.0", "fc1", "fc2"}


def test_the_image_and_the_logits_are_fixed() -> None:
    groups = groups_of("residual")
    assert groups["input"].fixed == "they come from outside"
    assert groups["fc2"].fixed == "they leave the network"
    assert groups["stem.0"].prunable


def test_joined_maps_lie_side_by_side() -> None:
    groups = groups_of("dense")
    places = [p for p in groups["a.0"].slices if p.layer == "c.0"]
    assert [(p.axis, p.offset, p.repeat) for p in places] == [(1, 0, 1), (1, 9, 1)]
    (between,) = [p for p in groups["b.0"].slices if p.layer == "c.0"]
    assert between.offset == 5


def test_a_depthwise_follows_and_a_gate_belongs_to_what_it_scales() -> None:
    groups = groups_of("gate")
    stem = groups["stem.0"]
    assert layers(stem, "makes") == ["stem.0", "excite"]
    assert [p.axis for p in stem.slices if p.parameter == "scale"] == [1]
    (pair,) = [p for p in stem.slices if p.parameter == "pair.0.weight"]
    assert (pair.axis, pair.repeat, pair.role) == (0, 2, "follows")
    assert groups["squeeze"].prunable


def test_a_layer_that_is_used_twice_reads_what_it_gives() -> None:
    groups = groups_of("shared")
    assert layers(groups["stem.0"], "makes") == ["stem.0", "twice"]
    assert len([p for p in groups["stem.0"].slices if p.parameter == "twice.weight"]) == 2


def test_other_groups_than_one_a_channel_fix_what_they_touch() -> None:
    groups = groups_of("grouped")
    assert groups["stem.0"].fixed == "read in 2 groups"
    assert groups["grouped.0"].fixed == "made in 2 groups"
    assert groups["last.0"].prunable


def test_what_is_added_to_fixed_channels_is_fixed() -> None:
    class Added(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
            self.grouped, self.last = nn.Conv2d(4, 4, 1, groups=2), nn.Conv2d(4, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.a(x) + self.grouped(self.b(x)))

    groups = {g.name: g for g in channel_groups(Added().eval(), images())}
    assert groups["a"].fixed == "made in 2 groups"
    assert layers(groups["a"], "makes") == ["a", "grouped"]


@pytest.mark.parametrize("name", ["residual", "dense", "gate", "shared", "grouped", "mobile"])
def test_every_channel_of_every_weight_belongs_to_one_group(name: str) -> None:
    module = network(name)
    state = module.state_dict()
    covered: dict[tuple[str, int], list[int]] = {}
    for group in channel_groups(module, images()):
        for place in group.slices:
            places = covered.setdefault((place.parameter, place.axis), [])
            places += place.positions(range(group.size)).tolist()
    for (parameter, axis), places in covered.items():
        assert sorted(places) == list(range(state[parameter].shape[axis]))
    for parameter, value in state.items():
        if value.ndim:
            assert (parameter, 0) in covered or (parameter, 1) in covered
        part = module.get_submodule(parameter.rpartition(".")[0])
        dense = isinstance(part, nn.Linear) or getattr(part, "groups", None) == 1
        if parameter.endswith("weight") and dense:
            assert {(parameter, 0), (parameter, 1)} <= set(covered)


class Mixed(nn.Module):
    """Channels that change places in a way that nobody could follow."""

    def __init__(self, mix: str) -> None:
        super().__init__()
        self.first, self.last, self.mix = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1), mix

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if self.mix == "view":
            x = x.view(-1, 2, 2, 8, 8).transpose(1, 2).flatten(1, 2)
        elif self.mix == "mean":
            x = x - x.mean(1, keepdim=True)
        elif self.mix == "softmax":
            x = torch.softmax(x, 1)
        return self.last(x)


def test_what_cannot_be_followed_is_refused_by_name() -> None:
    for mix, operator in (("view", "aten.view"), ("mean", "aten.mean")):
        with pytest.raises(UnsupportedOperatorError, match=operator):
            channel_groups(Mixed(mix).eval(), images())


def test_channels_that_are_normalized_together_are_fixed() -> None:
    groups = {g.name: g for g in channel_groups(Mixed("softmax").eval(), images())}
    assert groups["first"].fixed == "softmax looks at all of them together"


def test_differently_divided_joins_are_fixed() -> None:
    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 4, 1), nn.Conv2d(3, 6, 1)
            self.last = nn.Conv2d(6, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(torch.cat([self.a(x), self.b(x)], 1) + self.c(x))

    groups = {g.name: g for g in channel_groups(Crossed().eval(), images())}
    reason = "joined with channels that are divided differently"
    assert [groups[name].fixed for name in "abc"] == [reason] * 3


def test_modules_that_cannot_be_traced_are_refused() -> None:
    with pytest.raises(PruningError, match=r"training mode; call module.eval\(\)"):
        channel_groups(nn.Conv2d(3, 2, 1), images())
    tied = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)).eval()
    tied[1].weight = tied[0].weight
    with pytest.raises(PruningError, match=r"0.weight and 1.weight are one parameter"):
        channel_groups(tied, images())

    class Asks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(PruningError, match=r"torch.export cannot trace"):
        channel_groups(Asks().eval(), images())
