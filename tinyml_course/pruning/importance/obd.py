"""Optimal Brain Damage: second derivatives, of each weight by itself (LeCun et al. 1990)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinyml_course.data import Split
from tinyml_course.pruning.counts import Floats, check_weight
from tinyml_course.pruning.errors import WeightError

if TYPE_CHECKING:
    from torch import Tensor, nn


def obd_importance(w: Floats, hessian_diagonal: Floats) -> Floats:
    """The saliency ``h_kk w_k^2 / 2`` (LeCun et al. 1990, equation 3 ff).

    Args:
        w: weights of any shape.
        hessian_diagonal: second derivatives of the loss, same shape, at least 0.

    Raises:
        WeightError: another shape, negative or not finite derivatives, no weights.
    """
    check_weight(w)
    if hessian_diagonal.shape != w.shape:
        raise WeightError(f"second derivatives of shape {hessian_diagonal.shape} for {w.shape}")
    check_weight(hessian_diagonal)
    if (hessian_diagonal < 0).any():
        raise WeightError(
            f"a second derivative is {hessian_diagonal.min():g}; the method assumes a minimum: "
            "train on, or take the Gauss-Newton diagonal, which cannot be negative"
        )
    saliency: Floats = hessian_diagonal.astype(np.float64) * w.astype(np.float64) ** 2 / 2
    return saliency


def gauss_newton_diagonal(
    model: "nn.Module", parameters: Sequence[str], split: Split, batch_size: int = 32
) -> dict[str, Floats]:
    """Diagonal of the Gauss-Newton matrix of the cross entropy, the mean over a split.

    Exact: ``sum over classes of p_c (d log p_c / dw)^2`` for every image. It is the Hessian without
    the second derivatives of the network itself, LeCun's Levenberg-Marquardt approximation (1990,
    section 4.1), and cannot be negative. The labels are not needed.

    Args:
        model: in eval mode; images ``(N, C, H, W)`` to logits.
        parameters: names.
        split: training images; some hundred are enough.
        batch_size: images at a time; memory grows with it times classes times parameters.

    Returns:
        float64 of each parameter's shape.
    """
    import torch
    from torch.func import functional_call, jacrev, vmap

    table = {name: value.detach() for name, value in model.named_parameters()}
    chosen = {name: table[name] for name in parameters}

    def log_probabilities(weights: dict[str, "Tensor"], image: "Tensor") -> "Tensor":
        logits: Tensor = functional_call(model, table | weights, (image[None],))[0]
        return torch.log_softmax(logits, 0)

    def squares(image: "Tensor") -> dict[str, "Tensor"]:
        p = log_probabilities(chosen, image).exp()
        by_class = jacrev(log_probabilities)(chosen, image)
        return {name: torch.tensordot(p, j**2, 1) for name, j in by_class.items()}

    totals = {name: np.zeros(value.shape) for name, value in chosen.items()}
    for images in split.batches(batch_size):
        for name, values in vmap(squares)(torch.from_numpy(images)).items():
            totals[name] += values.double().sum(0).numpy()
    return {name: total / len(split) for name, total in totals.items()}
