"""Channels that come and go together, and every place where parameters hold them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import lookup
from tinyml_course.pruning.errors import PruningError

Role = Literal["makes", "follows", "reads"]
"""``makes``: a layer's output channels; ``follows``: one number or kernel for each channel (bias,
batch norm, depthwise); ``reads``: the input channels of a later layer."""


@dataclass(frozen=True)
class ChannelSlice:
    """Where a parameter holds a group's channels.

    Attributes:
        parameter: its name in the module's state, such as ``"block0.project.weight"``.
        axis: along which the channels lie.
        offset: where the group's begin; other groups may lie before them, behind a concatenation.
        repeat: neighbours that belong to one channel: the pixels of a flattened map.
        role: what the parameter does with them.
    """

    parameter: str
    axis: int
    offset: int
    repeat: int
    role: Role

    @property
    def layer(self) -> str:
        """The module that holds the parameter."""
        return self.parameter.rpartition(".")[0]

    def positions(self, channels: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of channels along the axis, in the order in which the channels are given."""
        first = self.offset + np.asarray(channels, np.int64) * self.repeat
        return (first[:, None] + np.arange(self.repeat)).reshape(-1)


@dataclass(frozen=True)
class ChannelGroup:
    """Channels of which one can be removed only everywhere at once.

    Attributes:
        name: the first layer that makes them.
        size: how many.
        slices: every place that holds them.
        fixed: why none may be removed; empty where they may.
    """

    name: str
    size: int
    slices: tuple[ChannelSlice, ...]
    fixed: str = ""

    @property
    def prunable(self) -> bool:
        """Whether channels may be removed."""
        return not self.fixed

    def of(self, *roles: Role) -> tuple[ChannelSlice, ...]:
        """The places of these roles."""
        return tuple(place for place in self.slices if place.role in roles)


Array = NDArray[Any]
Channels = Mapping[str, Sequence[int] | NDArray[np.int64]]
"""Channels by name of the group; groups that are not in it stay as they are."""


def channel_prune(
    parameters: Mapping[str, Array], groups: Iterable[ChannelGroup], kept: Channels
) -> dict[str, Array]:
    """Remove channels from every parameter that holds them: producer, consumer and followers.

    Args:
        parameters: by name; every slice of the groups must be there.
        groups: as `channel_groups` finds them.
        kept: indices of the channels that stay, by name of the group, in rising order.

    Returns:
        New arrays where channels went, the same ones elsewhere.

    Raises:
        UnknownNameError: no such group or parameter.
        PruningError: a group that is fixed; indices that are not rising, or none at all.
    """
    table = {group.name: group for group in groups}
    for name, channels in kept.items():
        check_kept(lookup("channel group", name, table), channels)
    return _take(parameters, table, kept)


def reorder_channels(
    parameters: Mapping[str, Array], groups: Iterable[ChannelGroup], order: Channels
) -> dict[str, Array]:
    """Put channels into another order everywhere; the network's outputs stay the same.

    Args:
        parameters: by name.
        groups: as `channel_groups` finds them.
        order: every index of the group once, by name of the group: the channel that comes first...

    Returns:
        New arrays where channels moved, the same ones elsewhere.

    Raises:
        UnknownNameError: no such group or parameter.
        PruningError: a group that is fixed, or indices that are no permutation.
    """
    table = {group.name: group for group in groups}
    for name, channels in order.items():
        group = lookup("channel group", name, table)
        _check_free(group)
        if sorted(int(c) for c in channels) != list(range(group.size)):
            raise PruningError(f"{name}: an order names each of {group.size} channels once")
    return _take(parameters, table, order)


def check_kept(group: ChannelGroup, channels: Sequence[int] | NDArray[np.int64]) -> None:
    """Raise unless these channels can be what stays of a group.

    Raises:
        PruningError: the group is fixed; indices that are not rising, or none at all.
    """
    _check_free(group)
    indices = np.asarray(channels)
    if not indices.size:
        raise PruningError(
            f"{group.name}: no channel would be left and nothing would pass; the fewest is 1"
        )
    if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
        raise PruningError(f"{group.name}: kept channels are a list of indices, got {channels!r}")
    rising = bool((np.diff(indices) > 0).all())
    if not rising or indices[0] < 0 or indices[-1] >= group.size:
        raise PruningError(
            f"{group.name}: kept channels must rise within 0..{group.size - 1}, got "
            f"{indices.tolist()}"
        )


def _check_free(group: ChannelGroup) -> None:
    if not group.prunable:
        raise PruningError(f"the channels of {group.name} are fixed: {group.fixed}")


def _take(
    parameters: Mapping[str, Array], table: Mapping[str, ChannelGroup], chosen: Channels
) -> dict[str, Array]:
    """The channels that are named, in that order, of every parameter that holds them."""
    moves: dict[tuple[str, int], list[tuple[ChannelSlice, int, NDArray[np.int64]]]] = {}
    for name, channels in chosen.items():
        group = table[name]
        for place in group.slices:
            length = group.size * place.repeat
            entry = (place, length, place.positions(channels))
            moves.setdefault((place.parameter, place.axis), []).append(entry)
    result = dict(parameters)
    for (parameter, axis), entries in moves.items():
        array = lookup("parameter", parameter, result)
        result[parameter] = np.take(array, _indices(array.shape[axis], entries), axis)
    return result


def _indices(
    length: int, entries: list[tuple[ChannelSlice, int, NDArray[np.int64]]]
) -> NDArray[np.int64]:
    """Places along an axis: those chosen where a group lies, all between."""
    parts, at = [], 0
    for place, extent, positions in sorted(entries, key=lambda entry: entry[0].offset):
        parts += [np.arange(at, place.offset), positions]
        at = place.offset + extent
    return np.concatenate([*parts, np.arange(at, length)])
