"""Pruning and training: one-shot, iterative, gradual, and fine-tuning with masks held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from tinyml_course.data import DataSet
from tinyml_course.models.fit import Fit, Loss, cross_entropy, fit
from tinyml_course.pruning.errors import EmptyLayerError
from tinyml_course.pruning.masks import (
    Masks,
    apply_masks,
    global_masks,
    held,
    reachable_sparsity,
    to_tensors,
    weight_arrays,
)
from tinyml_course.pruning.schedules import cubic_sparsity, round_sparsities

MakeMasks = Callable[[nn.Module, float], dict[str, torch.Tensor]]
"""From a network and a sparsity to masks."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """What pruning and training gave.

    Attributes:
        masks: those that the weights obey now.
        fits: of each training.
    """

    masks: dict[str, torch.Tensor]
    fits: tuple[Fit, ...]


def magnitude_masks(names: Sequence[str] | None = None) -> MakeMasks:
    """Global magnitude pruning of these weights, by default of all layers'.

    What it gives raises `EmptyLayerError` where a layer would be left without weights.
    """

    def make(model: nn.Module, sparsity: float) -> dict[str, torch.Tensor]:
        weights = weight_arrays(model, names)
        masks = global_masks(weights, sparsity)
        empty = [name for name, mask in masks.items() if not mask.any()]
        if empty:
            raise EmptyLayerError(empty[0], sparsity, reachable_sparsity(weights))
        return to_tensors(masks)

    return make


def fine_tune(
    model: nn.Module,
    masks: Masks,
    data: DataSet,
    *,
    epochs: int,
    seed: int,
    learning_rate: float = 0.02,
    batch_size: int = 64,
    progress: bool = True,
    loss: Loss = cross_entropy,
) -> Fit:
    """Prune, then train on with pruned weights held at zero, in place.

    Args:
        model: the network.
        masks: by the parameter's name.
        data: its training split is learned from.
        epochs: passes.
        seed: of the shuffling.
        learning_rate: at the start; lower than that of the first training.
        batch_size: images a step.
        progress: show a progress bar.
        loss: what is made small, such as `with_penalty` gives.
    """
    with held(model, masks):
        return fit(
            model,
            data,
            epochs=epochs,
            seed=seed,
            learning_rate=learning_rate,
            batch_size=batch_size,
            progress=progress,
            loss=loss,
        )


def prune_iteratively(
    model: nn.Module,
    data: DataSet,
    final: float,
    *,
    rounds: int,
    epochs: int,
    seed: int,
    make_masks: MakeMasks | None = None,
    learning_rate: float = 0.02,
    progress: bool = True,
) -> Pruned:
    """Prune a little and fine-tune, round after round; one round is one-shot pruning.

    Args:
        model: trained; changed in place.
        data: its training split is learned from.
        final: sparsity after the last round, below 1.
        rounds: see `round_sparsities`.
        epochs: of each round.
        seed: of the first round's shuffling; each later one takes the next.
        make_masks: by default `magnitude_masks` of all layers.
        learning_rate: at the start of each round.
        progress: show progress bars.

    Raises:
        SparsityError: a final sparsity outside of 0..1 or 1 itself, or no rounds.
        EmptyLayerError: from `magnitude_masks`, before the round that would empty a layer.
    """
    make = make_masks or magnitude_masks()
    masks: dict[str, torch.Tensor] = {}
    fits = []
    for number, sparsity in enumerate(round_sparsities(final, rounds)):
        masks = make(model, sparsity)
        fits.append(
            fine_tune(
                model,
                masks,
                data,
                epochs=epochs,
                seed=seed + number,
                learning_rate=learning_rate,
                progress=progress,
            )
        )
    return Pruned(masks, tuple(fits))


def prune_gradually(
    model: nn.Module,
    data: DataSet,
    final: float,
    *,
    epochs: int,
    seed: int,
    every: int = 10,
    ramp: float = 0.7,
    make_masks: MakeMasks | None = None,
    learning_rate: float = 0.05,
    batch_size: int = 64,
    progress: bool = True,
) -> Pruned:
    """Prune more and more while training, by the cubic schedule (Zhu and Gupta 2017).

    A layer that is small in magnitude loses more to a mask over all layers, and while training goes
    on the others grow: at high sparsity that can empty it, long before as many weights pruned at
    once would. Masks by layer (`network_masks` with `uniform_ratios`) empty none, but do not save
    the accuracy by that alone: of the digit ResNet at 97 %, pruning at once (`prune_iteratively`
    with one round) and training equally long keeps far more.

    Args:
        model: trained or not; changed in place.
        data: its training split is learned from.
        final: sparsity at the end, in 0..1.
        epochs: passes.
        seed: of the shuffling.
        every: steps between two choices of masks.
        ramp: share of all steps after which the sparsity is final; the rest recovers.
        make_masks: by default `magnitude_masks` of all layers.
        learning_rate: at the start.
        batch_size: images a step.
        progress: show a progress bar.

    Raises:
        SparsityError: a sparsity outside of 0..1, or a ramp without steps.
        EmptyLayerError: from `magnitude_masks`, at the step that would empty a layer; the network
            is left as that step found it, and still in training mode.
    """
    make = make_masks or magnitude_masks()
    steps = epochs * -(-len(data.train.labels) // batch_size)
    end = int(ramp * steps)
    cubic_sparsity(0, begin=0, end=end, final=final)  # refuses a bad wish before training
    masks: dict[str, torch.Tensor] = {}

    def prune(step: int) -> None:
        nonlocal masks
        if step <= end and (step % every == 0 or step == end):
            masks = make(model, cubic_sparsity(step, begin=0, end=end, final=final))
        apply_masks(model, masks)  # momentum from before would revive them

    result = fit(
        model,
        data,
        epochs=epochs,
        seed=seed,
        learning_rate=learning_rate,
        batch_size=batch_size,
        progress=progress,
        after_step=prune,
    )
    return Pruned(masks, (result,))
