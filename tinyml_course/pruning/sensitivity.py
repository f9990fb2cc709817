"""Sensitivity scan: one layer pruned at a time, accuracy on the validation split."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from tqdm.auto import tqdm

from tinyml_course.data import Split
from tinyml_course.models.fit import accuracy, predict
from tinyml_course.pruning.batch_statistics import settle_statistics
from tinyml_course.pruning.counts import Floats, check_sparsity
from tinyml_course.pruning.granularity import fine_grained_mask
from tinyml_course.pruning.masks import MakeMask, apply_masks, network_masks, prunable_weights
from tinyml_course.pruning.ratios import Sensitivity


def sensitivity_scan(
    model: nn.Module,
    validation: Split,
    sparsities: Sequence[float],
    names: Sequence[str] | None = None,
    make_mask: MakeMask = fine_grained_mask,
    importances: Mapping[str, Floats] | None = None,
    progress: bool = True,
    settle_by: torch.Tensor | None = None,
) -> Sensitivity:
    """Accuracy with one layer pruned and the others dense, without fine-tuning (Han et al. 2015).

    Unless ``settle_by`` is given, batch norms keep the statistics of the dense network, and much of
    a curve's fall is theirs: they no longer match what they see. `settle_statistics` gives most of
    that back. What is left with it is the loss of the weights alone, from which many layers hardly
    differ.

    Args:
        model: in eval mode; it is not changed.
        validation: the validation split: ratios are chosen by it.
        sparsities: to try, rising, in 0..1.
        names: weights to scan; by default those of all convolutions and linear layers.
        make_mask: the granularity.
        importances: by weight's name; by default what ``make_mask`` takes.
        progress: show a progress bar.
        settle_by: training images ``(N, C, H, W)`` by which the batch-norm statistics of each
            pruned network are taken anew; the baseline is always the dense network as it is.

    Raises:
        SparsityError: a sparsity outside of 0..1.
        UnknownNameError: no such weight.
    """
    for sparsity in sparsities:
        check_sparsity(sparsity)

    def measured(network: nn.Module) -> float:
        return accuracy(predict(network, validation), validation.labels)

    chosen = list(prunable_weights(model)) if names is None else list(names)
    curves: dict[str, tuple[float, ...]] = {}
    for name in tqdm(chosen, desc="sensitivity", unit="layer", disable=not progress):
        curve = []
        for sparsity in sparsities:
            pruned = copy.deepcopy(model)
            apply_masks(pruned, network_masks(model, {name: sparsity}, make_mask, importances))
            if settle_by is not None:
                settle_statistics(pruned, settle_by)
            curve.append(measured(pruned))
        curves[name] = tuple(curve)
    return Sensitivity(measured(model), tuple(float(s) for s in sparsities), curves)
