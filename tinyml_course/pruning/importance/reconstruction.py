"""Output reconstruction: keep the input channels from which the next layer's output follows best.

Greedy choice as in ThiNet (Luo et al. 2017), and the least-squares weights for what was kept, as in
He et al. 2017 (equation 3).
"""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.pruning.counts import Floats, check_weight
from tinyml_course.pruning.errors import WeightError


def thinet_order(contributions: Floats) -> NDArray[np.int64]:
    """Channels in the order in which they go: each time the one whose loss is the least.

    An output is the sum of its channels' contributions, so the error of removing a set T is the
    square of the sum over T (Luo et al. 2017, equation 6, algorithm 1).

    Args:
        contributions: ``(samples, C_in)``: what each channel adds to sampled outputs.

    Returns:
        int64 ``(C_in,)``: the first entries are removed first.

    Raises:
        WeightError: nothing in it, NaN or infinity.
    """
    check_weight(contributions, axes=2)
    gram = contributions.astype(np.float64).T @ contributions.astype(np.float64)
    removed = np.zeros(len(gram))
    alive = np.ones(len(gram), np.bool_)
    order = np.empty(len(gram), np.int64)
    for at in range(len(gram)):
        added = np.diagonal(gram) + 2 * gram @ removed
        channel = int(np.where(alive, added, np.inf).argmin())
        order[at], alive[channel], removed[channel] = channel, False, 1.0
    return order


def reconstructed_weight(x: Floats, y: Floats, ridge: float = 1e-6) -> Floats:
    """Weights that give ``y`` from ``x`` with the least squared error.

    Args:
        x: inputs of the kept channels, ``(N, C_in)``.
        y: outputs before pruning, less the bias, ``(N, C_out)``.
        ridge: added to the diagonal of ``x^T x``, as a share of its mean, so that channels that
            depend on each other have one answer.

    Returns:
        float64 ``(C_out, C_in)``.

    Raises:
        WeightError: counts that do not match, nothing in it, NaN or infinity, a negative ridge.
    """
    check_weight(x, axes=2)
    check_weight(y, axes=2)
    if len(x) != len(y) or ridge < 0:
        raise WeightError(f"{len(x)} inputs, {len(y)} outputs, ridge {ridge}: equal counts, >= 0")
    inputs, outputs = x.astype(np.float64), y.astype(np.float64)
    gram = inputs.T @ inputs
    gram += np.eye(len(gram)) * (ridge * np.diagonal(gram).mean() or ridge)
    try:
        weight: Floats = np.linalg.solve(gram, inputs.T @ outputs).T
    except np.linalg.LinAlgError as error:
        raise WeightError("inputs depend on each other; give a ridge above 0") from error
    return weight
