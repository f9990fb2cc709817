"""First-order Taylor expansion: how much the loss changes, to first order, without a weight."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinyml_course.data import Split
from tinyml_course.pruning.counts import Floats, check_weight
from tinyml_course.pruning.errors import WeightError

if TYPE_CHECKING:
    from torch import nn


def taylor_importance(w: Floats, gradient: Floats) -> Floats:
    """``(g w)^2`` of each weight (Molchanov et al. 2019, equation 8).

    Args:
        w: weights of any shape.
        gradient: of the loss, same shape.

    Raises:
        WeightError: another shape, no weights, NaN or infinity.
    """
    check_weight(w)
    if gradient.shape != w.shape:
        raise WeightError(f"gradient of shape {gradient.shape} for weights of {w.shape}")
    check_weight(gradient)
    product: Floats = gradient.astype(np.float64) * w.astype(np.float64)
    return product**2


def channel_taylor(activation: Floats, gradient: Floats) -> Floats:
    """``|mean over positions of a g|`` of each channel, the mean over images.

    Molchanov et al. 2017, equation 8.

    Args:
        activation: ``(N, C, H, W)``.
        gradient: of the loss with respect to it, same shape.

    Returns:
        float64 ``(C,)``.

    Raises:
        WeightError: another shape, nothing in it, NaN or infinity.
    """
    check_weight(activation, axes=4)
    if gradient.shape != activation.shape:
        raise WeightError(f"gradient of shape {gradient.shape} for {activation.shape}")
    check_weight(gradient)
    product = activation.astype(np.float64) * gradient.astype(np.float64)
    scores: Floats = np.abs(product.mean((2, 3))).mean(0)
    return scores


def mean_taylor(
    model: "nn.Module", parameters: Sequence[str], split: Split, batch_size: int = 64
) -> dict[str, Floats]:
    """`taylor_importance` of parameters, the mean over batches of a split.

    The mean of squares, not the square of the mean: at the end of training the mean gradient is
    about 0 for every weight.

    Args:
        model: in eval mode; images ``(N, C, H, W)`` to logits. Gradients it held are dropped.
        parameters: names.
        split: training images; never the test split.
        batch_size: images that a gradient is the mean of.

    Returns:
        float64 of each parameter's shape.
    """
    import torch
    from torch import nn

    table = dict(model.named_parameters())
    totals = {name: np.zeros(table[name].shape) for name in parameters}
    batches = 0
    for start in range(0, len(split), batch_size):
        images = torch.from_numpy(split.images[start : start + batch_size])
        labels = torch.from_numpy(split.labels[start : start + batch_size])
        loss = nn.functional.cross_entropy(model(images), labels)
        gradients = torch.autograd.grad(loss, [table[name] for name in parameters])
        for name, gradient in zip(parameters, gradients, strict=True):
            totals[name] += taylor_importance(table[name].detach().numpy(), gradient.numpy())
        batches += 1
    return {name: total / batches for name, total in totals.items()}
