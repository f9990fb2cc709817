"""Coupled channels in plain data agree with those that are traced, and with torch."""

import copy

import numpy as np
import pytest
import torch

from tinyml_course.errors import UnknownNameError
from tinyml_course.models.trained import load_trained
from tinyml_course.pruning import (
    channel_groups,
    channel_prune,
    coupled_channels,
    reorder_channels,
    take_channels,
)
from tinyml_course.pruning.digit_candidates import CHANNELS

NETWORK = load_trained("digit_resnet")
GROUPS = channel_groups(NETWORK, torch.zeros(1, 1, 8, 8))
STATE = {name: value.numpy() for name, value in NETWORK.state_dict().items()}
PLACES = {g.name: [(s.parameter, s.axis) for s in g.slices] for g in GROUPS if g.prunable}


def layer(name: str, kind: str, *reads: str) -> dict[str, object]:
    return {"name": name, "kind": kind, "reads": list(reads)}


def test_a_chain_of_additions_is_one_group() -> None:
    layers = [layer("x", "input"), layer("a", "conv", "x")]
    for number in range(4):
        source = layers[-1]["name"]
        layers.append(layer(f"c{number}", "conv", str(source)))
        layers.append(layer(f"s{number}", "add", f"c{number}", str(source)))
    groups = coupled_channels(layers)
    assert groups.pop("x") == "x"
    assert set(groups.values()) == {"a"}


def test_groups_that_join_late_take_all_their_members_along() -> None:
    layers = [
        layer("p", "conv"),
        layer("p1", "relu", "p"),
        layer("q", "conv"),
        layer("q1", "depthwise", "q"),
        layer("sum", "add", "q1", "p1"),
        layer("y", "linear", "sum"),
    ]
    assert coupled_channels(layers) == dict.fromkeys(["p", "p1", "q", "q1", "sum"], "p") | {
        "y": "y"
    }


def test_the_groups_of_the_digit_network() -> None:
    assert {g.name: g.size for g in GROUPS if g.prunable} == CHANNELS


def test_take_channels_is_channel_prune_and_reorder_channels() -> None:
    rng = np.random.default_rng(0)
    kept = {name: np.sort(rng.permutation(size)[: size // 3]) for name, size in CHANNELS.items()}
    order = {name: rng.permutation(size) for name, size in CHANNELS.items()}
    for mine, theirs in (
        (take_channels(STATE, PLACES, kept), channel_prune(STATE, GROUPS, kept)),
        (take_channels(STATE, PLACES, order), reorder_channels(STATE, GROUPS, order)),
    ):
        assert mine.keys() == theirs.keys()
        for name, value in mine.items():
            assert np.array_equal(value, theirs[name])


def test_reordered_channels_leave_the_outputs_as_they_are() -> None:
    order = {name: list(range(size))[::-1] for name, size in CHANNELS.items()}
    other = copy.deepcopy(NETWORK)
    other.load_state_dict(
        {n: torch.from_numpy(v.copy()) for n, v in take_channels(STATE, PLACES, order).items()}
    )
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        # Sums in another order: float32 rounds otherwise.
        assert torch.allclose(NETWORK(x), other(x), atol=1e-4)
        assert not torch.equal(NETWORK.down.weight, other.down.weight)


def test_inputs_are_not_changed_and_unknown_names_raise() -> None:
    before = STATE["down.weight"].copy()
    take_channels(STATE, PLACES, {"down": [0]})
    assert np.array_equal(STATE["down.weight"], before)
    with pytest.raises(UnknownNameError, match="down"):
        take_channels(STATE, PLACES, {"dwon": [0]})
    with pytest.raises(UnknownNameError):
        take_channels({}, PLACES, {"down": [0]})
