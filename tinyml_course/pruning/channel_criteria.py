"""Importance of the channels of a group, by each criterion, summed over what holds them.

Later layers are trained against each other, so importances are comparable within a group only.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from tinyml_course.data import Split
from tinyml_course.errors import lookup
from tinyml_course.pruning.activations import patches, watched
from tinyml_course.pruning.counts import Floats
from tinyml_course.pruning.coupling.groups import ChannelGroup, ChannelSlice
from tinyml_course.pruning.errors import PruningError
from tinyml_course.pruning.importance.apoz import apoz
from tinyml_course.pruning.importance.batch_norm import bn_scale_importance
from tinyml_course.pruning.importance.magnitude import channel_importance
from tinyml_course.pruning.importance.reconstruction import thinet_order
from tinyml_course.pruning.importance.taylor import mean_taylor

POSITIONS = 10
"""Places of a map that are sampled for reconstruction, an image (Luo et al. 2017, section 3.3)."""


def group_importance(
    model: nn.Module,
    groups: Sequence[ChannelGroup],
    criterion: str = "l2",
    images: Split | None = None,
    seed: int = 0,
) -> dict[str, Floats]:
    """The importance of every channel of every prunable group.

    Args:
        model: in eval mode.
        groups: as `channel_groups` finds them.
        criterion: a name in `CRITERIA`.
        images: training images, for those that look at data: ``taylor``, ``apoz``,
            ``reconstruction``; some hundred are enough.
        seed: of the places that ``reconstruction`` samples.

    Returns:
        float64 ``(C,)`` by the group's name.

    Raises:
        UnknownNameError: no such criterion.
        PruningError: no images for a criterion that needs them; nothing in a group to go by.
    """
    score = lookup("criterion", criterion, CRITERIA)
    free = [group for group in groups if group.prunable]
    return score(model, free, images, seed)


def _norms(
    model: nn.Module, groups: Sequence[ChannelGroup], _: Split | None, __: int, order: int
) -> dict[str, Floats]:
    """Norms of the weights that make the channels; of squares the sum over all layers."""
    state = dict(model.named_parameters())

    def score(place: ChannelSlice) -> Floats:
        norms = channel_importance(state[place.parameter].detach().numpy(), order)
        squares: Floats = norms**2
        return norms if order == 1 else squares

    return {group.name: _sum(group, group.of("makes"), score) for group in groups}


def _bn_scale(
    model: nn.Module, groups: Sequence[ChannelGroup], _: Split | None, __: int
) -> dict[str, Floats]:
    norms = {
        name: layer.weight.detach().numpy()
        for name, layer in model.named_modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine
    }
    result = {}
    for group in groups:
        own = [p for p in group.of("follows") if p.layer in norms and _is_weight(p)]
        whole = [p for p in own if len(norms[p.layer]) == group.size]
        if not whole:
            raise PruningError(f"{group.name} has no batch norm of its own; take another criterion")
        result[group.name] = _sum(group, whole, lambda p: bn_scale_importance(norms[p.layer]))
    return result


def _taylor(
    model: nn.Module, groups: Sequence[ChannelGroup], images: Split | None, _: int
) -> dict[str, Floats]:
    """First-order Taylor of the weights that make the channels, summed over each channel."""
    split = _needed(images, "taylor")
    names = sorted({place.parameter for group in groups for place in group.of("makes")})
    scores = mean_taylor(model, names, split) if names else {}

    def score(place: ChannelSlice) -> Floats:
        values = scores[place.parameter]
        total: Floats = values.reshape(len(values), -1).sum(1)
        return total

    return {group.name: _sum(group, group.of("makes"), score) for group in groups}


def _apoz(
    model: nn.Module, groups: Sequence[ChannelGroup], images: Split | None, _: int
) -> dict[str, Floats]:
    """How often a channel is not zero where a later layer reads it, or a depthwise follows it."""
    split = _needed(images, "apoz")
    readers = {g.name: _reading_layers(model, g, ("reads", "follows")) for g in groups}
    names = sorted({place.layer for places in readers.values() for place in places})
    state = dict(model.named_parameters())
    with watched(model, names) as seen, torch.no_grad():
        model(torch.from_numpy(split.images))

    def score(place: ChannelSlice, size: int) -> Floats:
        busy = 1 - apoz(seen.inputs[place.layer].numpy())
        # A depthwise convolution's weight has several kernels for an input where it makes several.
        length = state[place.parameter].shape[place.axis]
        per_place = np.repeat(busy, length // len(busy))
        own = per_place[place.positions(range(size))]
        mean: Floats = own.reshape(size, place.repeat).mean(1)
        return mean

    return {
        g.name: _sum(g, readers[g.name], partial(score, size=g.size)) / max(len(readers[g.name]), 1)
        for g in groups
    }


def _reconstruction(
    model: nn.Module, groups: Sequence[ChannelGroup], images: Split | None, seed: int
) -> dict[str, Floats]:
    """Rank in ThiNet's greedy order, from what the channels add to the outputs that read them."""
    split = _needed(images, "reconstruction")
    table = dict(model.named_modules())
    readers = {g.name: _reading_layers(model, g, ("reads",)) for g in groups}
    names = sorted({place.layer for places in readers.values() for place in places})
    with watched(model, names) as seen, torch.no_grad():
        model(torch.from_numpy(split.images))
    rng = np.random.default_rng(seed)
    result: dict[str, Floats] = {}
    for group in groups:
        parts = [
            _contributions(table[p.layer], seen.inputs[p.layer], p, group.size, rng)
            for p in readers[group.name]
        ]
        if not parts:
            raise PruningError(f"no dense layer reads {group.name}; take another criterion")
        ranks = np.empty(group.size)
        ranks[thinet_order(np.concatenate(parts))] = np.arange(group.size)
        result[group.name] = ranks
    return result


def _contributions(
    layer: nn.Module, x: torch.Tensor, place: ChannelSlice, size: int, rng: np.random.Generator
) -> Floats:
    """What each channel adds to outputs at sampled places, one random filter each."""
    columns = patches(layer, x).numpy()
    n, positions, _ = columns.shape
    count = min(POSITIONS, positions)
    at = rng.integers(positions, size=(n, count))
    rows = columns[np.arange(n)[:, None], at].reshape(n * count, -1)
    weight = layer.weight.detach().numpy()  # type: ignore[operator]
    filters = weight.reshape(len(weight), -1)[rng.integers(len(weight), size=n * count)]
    taps = rows.shape[1] // weight.shape[1]
    by_place = (rows * filters).reshape(len(rows), -1, taps).sum(2)
    own = by_place[:, place.positions(range(size))]
    products: Floats = own.reshape(len(rows), size, place.repeat).sum(2).astype(np.float64)
    return products


def _reading_layers(
    model: nn.Module, group: ChannelGroup, roles: Sequence[str]
) -> list[ChannelSlice]:
    """Weights through which convolutions and linear layers take the channels in."""
    table = dict(model.named_modules())
    return [
        place
        for place in group.slices
        if place.role in roles
        and isinstance(table[place.layer], (nn.Conv2d, nn.Linear))
        and _is_weight(place)
    ]


def _is_weight(place: ChannelSlice) -> bool:
    return place.parameter.rpartition(".")[2] == "weight"


def _sum(
    group: ChannelGroup, places: Sequence[ChannelSlice], score: Callable[[ChannelSlice], Floats]
) -> Floats:
    total = np.zeros(group.size)
    for place in places:
        total += score(place)
    return total


def _needed(images: Split | None, criterion: str) -> Split:
    if images is None:
        raise PruningError(f"criterion {criterion} needs images; give some of the training split")
    return images


CRITERIA: dict[
    str, Callable[[nn.Module, Sequence[ChannelGroup], Split | None, int], dict[str, Floats]]
] = {
    "l1": partial(_norms, order=1),
    "l2": partial(_norms, order=2),
    "bn_scale": _bn_scale,
    "taylor": _taylor,
    "apoz": _apoz,
    "reconstruction": _reconstruction,
}
"""Ways to rank channels, by name."""
