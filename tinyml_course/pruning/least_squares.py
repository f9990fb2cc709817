"""Least squares after channel pruning: each layer gives again what it gave (He et al. 2017)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tinyml_course.data import Split
from tinyml_course.pruning.activations import flat_outputs, input_of, patches, watched
from tinyml_course.pruning.coupling.groups import ChannelGroup, Channels
from tinyml_course.pruning.importance.reconstruction import reconstructed_weight


def reconstruct(
    dense: nn.Module,
    smaller: nn.Module,
    groups: Sequence[ChannelGroup],
    kept: Channels,
    images: Split,
    *,
    positions: int = 10,
    ridge: float = 1e-3,
    seed: int = 0,
) -> list[str]:
    """Choose the weights of dense layers that lost inputs anew, in place, front to back.

    A layer's new weights give the outputs that the dense network's layer gave, as nearly as its
    remaining inputs allow, where these are already those of the smaller network.

    Args:
        dense: before pruning, in eval mode.
        smaller: from `smaller_network`, in eval mode; its convolutions and linear layers change.
        groups: of the dense network.
        kept: what `smaller_network` was given.
        images: training images; some hundred are enough.
        positions: places of a map that are sampled, an image.
        ridge: see `reconstructed_weight`.
        seed: of those places.

    Returns:
        The layers that were chosen anew.
    """
    x, rng = torch.from_numpy(images.images), np.random.default_rng(seed)
    table, left = dict(smaller.named_modules()), _outputs_left(groups, kept)
    names = _losing_inputs(smaller, groups, kept)
    with watched(dense, names) as before, torch.no_grad():
        dense(x)
    for name in before.inputs:  # in execution order
        layer = table[name]
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        with torch.no_grad():
            seen = input_of(smaller, name, x, before.uses[name])
        rows, targets = patches(layer, seen), flat_outputs(before.outputs[name])
        count = min(positions, rows.shape[1])
        at = torch.from_numpy(rng.integers(rows.shape[1], size=(len(rows), count)))
        first = torch.arange(len(rows))[:, None]
        wanted = targets[first, at][..., torch.from_numpy(left[name])]
        if layer.bias is not None:
            wanted = wanted - layer.bias.detach()
        weight = reconstructed_weight(
            rows[first, at].flatten(0, 1).numpy(), wanted.flatten(0, 1).numpy(), ridge
        )
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight).reshape(layer.weight.shape))
    return names


def _losing_inputs(smaller: nn.Module, groups: Sequence[ChannelGroup], kept: Channels) -> list[str]:
    """Dense layers of which a removed channel was an input."""
    shrunk = [g for g in groups if g.name in kept and len(kept[g.name]) < g.size]
    readers = {place.layer for group in shrunk for place in group.of("reads")}
    return [
        name
        for name, layer in smaller.named_modules()
        if name in readers and isinstance(layer, (nn.Conv2d, nn.Linear))
    ]


def _outputs_left(groups: Sequence[ChannelGroup], kept: Channels) -> dict[str, NDArray[np.int64]]:
    """Output channels by the layer that makes them."""
    left = {}
    for group in groups:
        channels = np.asarray(kept.get(group.name, range(group.size)), np.int64)
        left.update({place.layer: channels for place in group.of("makes")})
    return left
