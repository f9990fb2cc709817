"""Masks of a whole network, and weights that stay zero while it is trained on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tinyml_course.errors import lookup
from tinyml_course.pruning.counts import Floats, Mask, check_weight, keep_most, pruned_count
from tinyml_course.pruning.errors import PruningError, WeightError

Masks = Mapping[str, torch.Tensor]
"""Bool tensors by the parameter's name, true where a weight is kept."""
MakeMask = Callable[[Floats, float, Floats | None], Mask]
"""A weight, a sparsity and maybe an importance, to a mask."""


def prunable_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of convolutions and linear layers by name, without biases."""
    table: dict[str, nn.Parameter] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            assert isinstance(layer.weight, nn.Parameter)
            table[f"{name}.weight" if name else "weight"] = layer.weight
    return table


def weight_arrays(model: nn.Module, names: Sequence[str] | None = None) -> dict[str, Floats]:
    """Copies of weights as arrays, by default of all of `prunable_weights`.

    Raises:
        UnknownNameError: no such weight.
    """
    table = prunable_weights(model)
    chosen = table if names is None else {name: lookup("weight", name, table) for name in names}
    return {name: weight.detach().cpu().numpy().copy() for name, weight in chosen.items()}


def network_masks(
    model: nn.Module,
    sparsities: Mapping[str, float],
    make_mask: MakeMask,
    importances: Mapping[str, Floats] | None = None,
) -> dict[str, torch.Tensor]:
    """A mask for each layer that is named.

    Args:
        model: the network; it is not changed.
        sparsities: by weight's name.
        make_mask: one of a granularity's functions, as ``fine_grained_mask``.
        importances: by weight's name; by default what ``make_mask`` takes.

    Raises:
        UnknownNameError: no such weight.
        SparsityError, WeightError: from ``make_mask``, naming the layer.
    """
    masks = {}
    for name, w in weight_arrays(model, list(sparsities)).items():
        importance = None if importances is None else importances[name]
        try:
            masks[name] = torch.from_numpy(make_mask(w, sparsities[name], importance))
        except PruningError as error:
            raise type(error)(f"{name}: {error}") from error
    return masks


def global_masks(
    weights: Mapping[str, Floats],
    sparsity: float,
    importances: Mapping[str, Floats] | None = None,
) -> dict[str, Mask]:
    """The least important weights of all layers together go; each layer gets what that leaves.

    Args:
        weights: by name.
        sparsity: share of all their weights, in 0..1; the count is exact.
        importances: by name; by default magnitudes.

    Raises:
        SparsityError: a sparsity outside of 0..1.
        WeightError: no weights, or NaN or infinity among them.
    """
    together = _all_scores(weights, importances)
    kept = keep_most(together, pruned_count(together.size, sparsity))
    return {
        name: part.reshape(w.shape)
        for (name, w), part in zip(weights.items(), _by_layer(kept, weights), strict=True)
    }


def reachable_sparsity(
    weights: Mapping[str, Floats], importances: Mapping[str, Floats] | None = None
) -> float:
    """The highest sparsity at which `global_masks` leaves every layer at least one weight.

    Raises:
        WeightError: no weights, or NaN or infinity among them.
    """
    together = _all_scores(weights, importances)
    places = np.empty(together.size, np.int64)
    places[np.argsort(together, kind="stable")] = np.arange(together.size)
    last_to_go = [int(part.max()) for part in _by_layer(places, weights)]
    return min(last_to_go) / together.size


def _all_scores(
    weights: Mapping[str, Floats], importances: Mapping[str, Floats] | None
) -> NDArray[np.float64]:
    """The importance of all layers' weights, one behind the other."""
    if not weights:
        raise WeightError("no layers to prune")
    scores = []
    for name, w in weights.items():
        check_weight(w)
        given = np.abs(w) if importances is None else importances[name]
        check_weight(given)
        if given.shape != w.shape:
            raise WeightError(f"{name}: importance of shape {given.shape} for weights of {w.shape}")
        scores.append(given.astype(np.float64).reshape(-1))
    return np.concatenate(scores)


def _by_layer(values: NDArray[Any], weights: Mapping[str, Floats]) -> list[NDArray[Any]]:
    """What lies one behind the other, cut where each layer begins."""
    return np.split(values, np.cumsum([w.size for w in weights.values()])[:-1])


def to_tensors(masks: Mapping[str, Mask]) -> dict[str, torch.Tensor]:
    """Masks as torch has them."""
    return {name: torch.from_numpy(np.ascontiguousarray(mask)) for name, mask in masks.items()}


def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Set what the masks do not keep to zero, in place.

    Raises:
        UnknownNameError: no such parameter.
        PruningError: a mask of another shape.
    """
    with torch.no_grad():
        for parameter, mask in _pairs(model, masks):
            parameter.masked_fill_(~mask, 0.0)


@contextmanager
def held(model: nn.Module, masks: Masks) -> Iterator[None]:
    """Within, the gradient of what is pruned is zero, and so are the weights at the start.

    A fresh optimizer then has nothing that could move them: no gradient, no momentum, no decay of a
    zero. One with momentum from before needs `apply_masks` after every step as well.

    Raises:
        UnknownNameError, PruningError: as `apply_masks`.
    """
    apply_masks(model, masks)

    def hook(mask: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda gradient: torch.where(mask, gradient, 0.0)

    handles = [
        parameter.register_hook(hook(mask))  # type: ignore[no-untyped-call]
        for parameter, mask in _pairs(model, masks)
        if parameter.requires_grad
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def sparsity_of(masks: Masks) -> float:
    """Share of pruned weights in all masks together."""
    total = sum(mask.numel() for mask in masks.values())
    return 1 - sum(int(mask.sum()) for mask in masks.values()) / total


def _pairs(model: nn.Module, masks: Masks) -> Iterator[tuple[nn.Parameter, torch.Tensor]]:
    table = dict(model.named_parameters())
    for name, mask in masks.items():
        parameter = lookup("parameter", name, table)
        if mask.shape != parameter.shape or mask.dtype != torch.bool:
            raise PruningError(
                f"{name}: a {mask.dtype} mask of shape {tuple(mask.shape)} for weights of "
                f"{tuple(parameter.shape)}; bool and the same shape are needed"
            )
        yield parameter, mask
