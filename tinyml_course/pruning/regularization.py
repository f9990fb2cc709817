"""Penalties that drive weights, or whole channels, to zero while a network is trained."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn

from tinyml_course.models.fit import Loss, cross_entropy
from tinyml_course.pruning.errors import WeightError


def l1_penalty(parameters: Iterable[torch.Tensor]) -> torch.Tensor:
    """``sum |w|`` (Han et al. 2015, section 3.1; on batch-norm scales: Liu et al. 2017).

    Raises:
        WeightError: no parameters.
    """
    terms = [parameter.abs().sum() for parameter in parameters]
    if not terms:
        raise WeightError("no parameters to penalize")
    return torch.stack(terms).sum()


def group_lasso_penalty(w: torch.Tensor, axis: int = 0) -> torch.Tensor:
    """``sum over channels g of sqrt(|g|) ||w_g||_2`` (Yuan and Lin 2006; Wen et al. 2016).

    ``|g|`` is the number of weights in a channel, so that channels of large kernels are not
    favoured. A channel that is all zero has a gradient of zero and stays.

    Args:
        w: ``(C_out, C_in, ...)``.
        axis: 0 for output channels, 1 for input channels.

    Raises:
        WeightError: no weights, or no such axis.
    """
    if not w.numel() or not 0 <= axis < w.ndim:
        raise WeightError(f"weights of shape {tuple(w.shape)} have no channels on axis {axis}")
    channels = w.transpose(0, axis).reshape(w.shape[axis], -1)
    # vector_norm's subgradient at zero is zero
    norms: torch.Tensor = torch.linalg.vector_norm(channels, dim=1)
    return math.sqrt(channels.shape[1]) * norms.sum()


def with_penalty(
    penalty: Callable[[], torch.Tensor], strength: float, loss: Loss = cross_entropy
) -> Loss:
    """A loss for `fit`: another one and ``strength`` times a penalty on parameters.

    Args:
        penalty: of the parameters as they are when it is called.
        strength: at least 0.
        loss: to add it to.

    Raises:
        WeightError: a negative strength, which would reward large weights.
    """
    if not strength >= 0:
        raise WeightError(f"strength must be at least 0, got {strength}")

    def total(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return loss(model, x, y) + strength * penalty()

    return total
