"""Channels taken out of plain arrays, as a learner writes it."""

import numpy as np
import pytest

from tinyml_course.errors import UnknownNameError
from tinyml_course.pruning import (
    ChannelGroup,
    ChannelSlice,
    PruningError,
    channel_prune,
    reorder_channels,
)


def place(parameter: str, axis: int = 0, offset: int = 0, repeat: int = 1) -> ChannelSlice:
    role = "makes" if axis == 0 else "reads"
    return ChannelSlice(parameter, axis, offset, repeat, role)  # type: ignore[arg-type]


# Two linear layers side by side, and one that reads both; the second's channels have two pixels.
GROUPS = [
    ChannelGroup("a", 3, (place("a.weight"), place("a.bias"), place("c.weight", 1))),
    ChannelGroup("b", 2, (place("b.weight"), place("c.weight", 1, offset=3, repeat=2))),
    ChannelGroup("c", 2, (place("c.weight"),), "they leave the network"),
]
PARAMETERS = {
    "a.weight": np.arange(6).reshape(3, 2),
    "a.bias": np.arange(3),
    "b.weight": np.arange(4).reshape(2, 2),
    "c.weight": np.arange(14).reshape(2, 7),
    "other": np.arange(5),
}


def test_producer_follower_and_consumer_lose_the_same_channels() -> None:
    pruned = channel_prune(PARAMETERS, GROUPS, {"a": [0, 2], "b": [1]})
    assert pruned["a.weight"].tolist() == [[0, 1], [4, 5]]
    assert pruned["a.bias"].tolist() == [0, 2]
    assert pruned["b.weight"].tolist() == [[2, 3]]
    assert pruned["c.weight"].tolist() == [[0, 2, 5, 6], [7, 9, 12, 13]]
    assert pruned["other"] is PARAMETERS["other"]
    assert PARAMETERS["a.bias"].tolist() == [0, 1, 2]


def test_one_group_alone_leaves_its_neighbours_in_place() -> None:
    only_b = channel_prune(PARAMETERS, GROUPS, {"b": np.array([0])})
    assert only_b["c.weight"][0].tolist() == [0, 1, 2, 3, 4]
    assert only_b["a.weight"] is PARAMETERS["a.weight"]


def test_an_order_moves_and_its_inverse_moves_back() -> None:
    order = {"a": [2, 0, 1], "b": [1, 0]}
    moved = reorder_channels(PARAMETERS, GROUPS, order)
    assert moved["a.bias"].tolist() == [2, 0, 1]
    assert moved["c.weight"][0].tolist() == [2, 0, 1, 5, 6, 3, 4]
    back = reorder_channels(moved, GROUPS, {k: np.argsort(v) for k, v in order.items()})
    for name, value in PARAMETERS.items():
        assert np.array_equal(back[name], value)


def test_pruning_is_moving_the_others_to_the_end_and_cutting() -> None:
    pruned = channel_prune(PARAMETERS, GROUPS, {"a": [1, 2]})
    moved = reorder_channels(PARAMETERS, GROUPS, {"a": [1, 2, 0]})
    assert np.array_equal(pruned["a.weight"], moved["a.weight"][:2])


def test_bad_input_is_refused() -> None:
    with pytest.raises(PruningError, match="no channel would be left"):
        channel_prune(PARAMETERS, GROUPS, {"a": []})
    with pytest.raises(PruningError, match="fixed: they leave the network"):
        channel_prune(PARAMETERS, GROUPS, {"c": [0]})
    with pytest.raises(PruningError, match="fixed"):
        reorder_channels(PARAMETERS, GROUPS, {"c": [1, 0]})
    with pytest.raises(UnknownNameError, match="unknown channel group 'd'"):
        reorder_channels(PARAMETERS, GROUPS, {"d": [0]})
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'a\.weight'"):
        channel_prune({}, GROUPS, {"a": [0]})
