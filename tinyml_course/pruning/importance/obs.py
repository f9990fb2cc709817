"""Optimal Brain Surgeon: prune a weight and let the others make up for it (Hassibi, Stork 1993).

Here for one layer and the error of its outputs, ``|X w - X w0|^2 / N``, whose Hessian is
``2 X^T X / N`` for every row of the weights, whatever the network (Dong et al. 2017, layer-wise
OBS). That error is a quadratic, so the compensation is exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.pruning.counts import Floats, Mask, check_weight, keep_most, pruned_count
from tinyml_course.pruning.errors import WeightError

MOST_INPUTS = 1024
"""Weights a row. Inverting and updating costs the third power of them for each row."""


@dataclass(frozen=True, eq=False)
class Compensated:
    """A layer with pruned weights and the others moved.

    Attributes:
        weight: float64, zeros where pruned.
        mask: true where a weight is kept.
    """

    weight: Floats
    mask: Mask


def layer_hessian(x: Floats, damping: float = 0.01) -> Floats:
    """The Hessian of a layer's output error, ``2 X^T X / N``, made invertible.

    Args:
        x: inputs of the layer, ``(N, C_in)``; for a convolution its patches, ``(N, C_in K K)``.
        damping: added to the diagonal, as a share of its mean.

    Raises:
        WeightError: no inputs, NaN, more than `MOST_INPUTS` of them, a negative damping.
    """
    check_weight(x, axes=2)
    if damping < 0:
        raise WeightError(f"damping must be at least 0, got {damping}")
    if x.shape[1] > MOST_INPUTS:
        raise WeightError(
            f"{x.shape[1]} weights a row; OBS is for small layers, up to {MOST_INPUTS}: take OBD "
            "or magnitude"
        )
    values = x.astype(np.float64)
    hessian: Floats = 2 * values.T @ values / len(values)
    diagonal = np.diagonal(hessian).mean()
    return hessian + np.eye(len(hessian)) * (damping * diagonal if diagonal else 1.0)


@dataclass(frozen=True, eq=False)
class RowTrace:
    """One row, pruned weight by weight.

    Attributes:
        weights: ``(steps + 1, C_in)``: before, and after each step.
        places: which weight went in each step.
        costs: by how much each step raised the error, to second order exactly.
    """

    weights: Floats
    places: NDArray[np.int64]
    costs: Floats


def obs_row(row: Floats, inverse_hessian: Floats, steps: int) -> RowTrace:
    """Prune so many weights of one row, each time the one that costs least.

    Removing weight q costs ``w_q^2 / (2 [H^-1]_qq)`` and moves the others by
    ``-w_q / [H^-1]_qq H^-1 e_q`` (Hassibi and Stork 1993, equation 5).

    Args:
        row: ``(C_in,)``.
        inverse_hessian: ``(C_in, C_in)``, symmetric.
        steps: how many go.
    """
    w, inverse = row.astype(np.float64).copy(), inverse_hessian.copy()
    alive = np.ones(len(w), np.bool_)
    weights, places, costs = np.empty((steps + 1, len(w))), np.empty(steps, np.int64), []
    weights[0] = w
    for step in range(steps):
        diagonal = np.where(alive, np.diagonal(inverse), 1.0)
        cost = np.where(alive, w**2 / (2 * diagonal), np.inf)
        q = int(cost.argmin())
        w -= w[q] / inverse[q, q] * inverse[:, q]
        # The inverse Hessian of those that are left: one step of Gaussian elimination.
        inverse -= np.outer(inverse[:, q] / inverse[q, q], inverse[q])
        w[q] = inverse[q] = inverse[:, q] = 0.0
        alive[q] = False
        weights[step + 1], places[step] = w, q
        costs.append(float(cost[q]))
    return RowTrace(weights, places, np.array(costs))


def obs_prune(w: Floats, hessian: Floats, sparsity: float) -> Compensated:
    """Prune a layer by OBS: where the output changes least, over all rows.

    Rows do not touch each other, so each is pruned to the end to learn the costs, and the cheapest
    steps of all rows are taken (Frantar and Alistarh 2022, section 4).

    Args:
        w: ``(C_out, C_in)``; of a convolution ``(C_out, C_in K K)``.
        hessian: ``(C_in, C_in)``, from `layer_hessian`.
        sparsity: in 0..1; exactly ``round(sparsity * w.size)`` weights go.

    Raises:
        SparsityError: a sparsity outside of 0..1.
        WeightError: shapes that do not match, a singular Hessian, NaN or infinity.
    """
    check_weight(w, axes=2)
    check_weight(hessian)
    if hessian.shape != (w.shape[1], w.shape[1]):
        raise WeightError(f"Hessian of shape {hessian.shape} for weights of {w.shape}")
    count = pruned_count(w.size, sparsity)
    inverse = _inverse(hessian)
    traces = [obs_row(row, inverse, w.shape[1]) for row in w]
    # A later step must not be taken before an earlier one, even where it would cost less.
    costs = np.array([np.maximum.accumulate(trace.costs) for trace in traces])
    steps = (~keep_most(costs, count)).sum(1)
    mask = np.ones(w.shape, np.bool_)
    for row, trace, taken in zip(mask, traces, steps, strict=True):
        row[trace.places[:taken]] = False
    weight = np.array([trace.weights[taken] for trace, taken in zip(traces, steps, strict=True)])
    return Compensated(weight, mask)


def _inverse(hessian: Floats) -> Floats:
    try:
        np.linalg.cholesky(hessian)
        inverse: Floats = np.linalg.inv(hessian)
        return (inverse + inverse.T) / 2
    except np.linalg.LinAlgError as error:
        raise WeightError(
            "the Hessian is not positive definite: more inputs than samples, or inputs that depend "
            "on each other; give a damping above 0"
        ) from error
