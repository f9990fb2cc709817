"""Lottery tickets: a sparse network and the weights with which it began (Frankle, Carbin 2019)."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from tinyml_course.data import DataSet
from tinyml_course.models.fit import Fit, fit
from tinyml_course.pruning.masks import Masks, apply_masks, held
from tinyml_course.pruning.schedules import round_sparsities
from tinyml_course.pruning.training import MakeMasks, magnitude_masks


@dataclass(frozen=True, eq=False)
class Ticket:
    """A sparse network to train.

    Attributes:
        masks: what is left, by the parameter's name.
        start: the parameters and buffers from which it is trained, pruned.
        fits: of the training of each round, the dense one first.
    """

    masks: dict[str, torch.Tensor]
    start: dict[str, torch.Tensor]
    fits: tuple[Fit, ...]


def rewind(model: nn.Module, start: dict[str, torch.Tensor], masks: Masks) -> None:
    """Give a network the weights with which it began, and prune them, in place."""
    model.load_state_dict(start)
    apply_masks(model, masks)


def find_ticket(
    model: nn.Module,
    data: DataSet,
    final: float,
    *,
    rounds: int,
    epochs: int,
    seed: int,
    rewind_epochs: int = 0,
    learning_rate: float = 0.1,
    make_masks: MakeMasks | None = None,
    progress: bool = True,
) -> Ticket:
    """Train, prune, rewind, again and again.

    Args:
        model: not trained; in the end it holds the ticket, ready to be trained.
        data: its training split is learned from.
        final: sparsity of the ticket, below 1.
        rounds: of training and pruning.
        epochs: of each training.
        seed: of the shuffling; each training takes the same, as in the paper.
        rewind_epochs: train this long before the weights to return to are noted (Frankle et al.
            2020: larger networks need it); 0 returns to the very beginning.
        learning_rate: at the start of each training.
        make_masks: by default global magnitude of all layers.
        progress: show progress bars.

    Raises:
        SparsityError: a final sparsity outside of 0..1 or 1 itself, or no rounds.
        EmptyLayerError: from `magnitude_masks`, before the round that would empty a layer.
    """
    make = make_masks or magnitude_masks()
    sparsities = round_sparsities(final, rounds)

    def train(passes: int) -> Fit:
        return fit(
            model, data, epochs=passes, seed=seed, learning_rate=learning_rate, progress=progress
        )

    fits = [train(rewind_epochs)] if rewind_epochs else []
    start = copy.deepcopy(model.state_dict())
    masks: dict[str, torch.Tensor] = {}
    for sparsity in sparsities:
        with held(model, masks):
            fits.append(train(epochs))
        masks = make(model, sparsity)
        rewind(model, start, masks)
    return Ticket(masks, copy.deepcopy(model.state_dict()), tuple(fits))
