"""From groups and kept channels to a network: the smaller one, and the masked one it equals."""

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tinyml_course.errors import lookup
from tinyml_course.pruning.counts import Floats
from tinyml_course.pruning.coupling.groups import (
    Array,
    ChannelGroup,
    Channels,
    channel_prune,
    check_kept,
    reorder_channels,
)
from tinyml_course.pruning.errors import PruningError


def smaller_network(module: nn.Module, groups: Iterable[ChannelGroup], kept: Channels) -> nn.Module:
    """A copy without the other channels: fewer weights, smaller maps, same mathematics.

    Its outputs equal those of `masked_network` to rounding.

    Args:
        module: the network; it is not changed.
        groups: as `channel_groups` finds them.
        kept: indices of the channels that stay, by name of the group, in rising order.

    Raises:
        UnknownNameError, PruningError: as `channel_prune`; or a layer of a kind that holds its
            channel counts in a way that is not known here.
    """
    state = _state(module)
    return _with_state(module, state, channel_prune(state, groups, kept))


def reordered_network(
    module: nn.Module, groups: Iterable[ChannelGroup], order: Channels
) -> nn.Module:
    """A copy with channels in another order and the same outputs; see `reorder_channels`."""
    state = _state(module)
    return _with_state(module, state, reorder_channels(state, groups, order))


def masked_network(module: nn.Module, groups: Iterable[ChannelGroup], kept: Channels) -> nn.Module:
    """A copy with zeros wherever a parameter holds a removed channel; shapes stay.

    Raises:
        UnknownNameError, PruningError: as `channel_prune`.
    """
    table = {group.name: group for group in groups}
    masked = copy.deepcopy(module)
    state = dict(masked.named_parameters()) | dict(masked.named_buffers())
    for name, channels in kept.items():
        group = lookup("channel group", name, table)
        check_kept(group, channels)
        removed = sorted(set(range(group.size)) - {int(c) for c in channels})
        for place in group.slices:
            at = torch.from_numpy(place.positions(removed))
            with torch.no_grad():
                state[place.parameter].index_fill_(place.axis, at, 0.0)
    return masked


def keep_counts(groups: Sequence[ChannelGroup], ratio: float, divisor: int = 1) -> dict[str, int]:
    """How many channels stay where every prunable group keeps the same share.

    Args:
        groups: as `channel_groups` finds them.
        ratio: share that stays, above 0, at most 1.
        divisor: counts are rounded to its multiples, where a group has as many.

    Raises:
        PruningError: a ratio outside of that, or a divisor below 1.
    """
    if not 0 < ratio <= 1 or divisor < 1:
        raise PruningError(
            f"a share of channels in (0, 1] and a divisor of at least 1, got {ratio} and {divisor}"
        )
    counts = {}
    for group in groups:
        if group.prunable:
            count = max(divisor, round(ratio * group.size / divisor) * divisor)
            counts[group.name] = min(count, group.size)
    return counts


def strongest(importance: Floats, count: int) -> NDArray[np.int64]:
    """Indices of the ``count`` most important channels, rising; of equal ones the later stay."""
    order = np.argsort(importance, kind="stable")
    return np.sort(order[len(order) - count :])


def _state(module: nn.Module) -> dict[str, Array]:
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}


def _with_state(module: nn.Module, before: dict[str, Array], after: dict[str, Array]) -> nn.Module:
    """A copy that holds other parameters, of other shapes."""
    changed = {name for name in after if after[name] is not before[name]}
    result = copy.deepcopy(module)
    for prefix, layer in result.named_modules():
        own = [*layer._parameters, *layer._buffers]
        names = {f"{prefix}.{name}" if prefix else name: name for name in own}
        touched = changed & set(names)
        for full in touched:
            _assign(layer, names[full], torch.from_numpy(after[full].copy()))
        if touched:
            _count_channels(layer, prefix)
    return result


def _assign(layer: nn.Module, name: str, value: torch.Tensor) -> None:
    if name in layer._buffers:
        layer._buffers[name] = value
        return
    old = layer._parameters[name]
    assert old is not None
    layer._parameters[name] = nn.Parameter(value.to(old.device), requires_grad=old.requires_grad)


def _count_channels(layer: nn.Module, name: str) -> None:
    """Let a layer's own figures follow its weights."""
    if isinstance(layer, nn.Conv2d):
        # Of convolutions in groups only depthwise ones change; a channel may give several.
        multiplier = layer.out_channels // layer.groups
        layer.out_channels = layer.weight.shape[0]
        layer.groups = 1 if layer.groups == 1 else layer.out_channels // multiplier
        layer.in_channels = layer.weight.shape[1] * layer.groups
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
        held = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        layer.num_features = max(value.numel() for value in held)
    elif type(layer).__module__.startswith("torch.nn"):
        raise PruningError(f"{name} ({type(layer).__name__}): its channel counts are not known")
