"""One step of stochastic gradient descent that leaves pruned weights at zero."""

import numpy as np

from tinyml_course.pruning.counts import Floats, Mask, check_weight
from tinyml_course.pruning.errors import PruningError


def fine_tuning_step(
    w: Floats,
    mask: Mask,
    gradient: Floats,
    velocity: Floats,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[Floats, Floats]:
    """SGD with momentum as torch has it, for the kept weights only.

    ``v' = momentum v + g + weight_decay w`` and ``w' = w - learning_rate v'``, both zero where the
    mask is false: velocity from before pruning would otherwise revive what was pruned.

    Args:
        w: weights of any shape.
        mask: bool, same shape, true where a weight is kept.
        gradient: of the loss, same shape.
        velocity: of the step before, same shape; zeros at first.
        learning_rate: length of the step.
        momentum: share of the velocity that stays.
        weight_decay: L2 penalty.

    Returns:
        The weights and the velocity after the step, new arrays.

    Raises:
        PruningError: shapes that differ.
        WeightError: no weights, NaN or infinity.
    """
    for name, array in (("mask", mask), ("gradient", gradient), ("velocity", velocity)):
        if array.shape != w.shape:
            raise PruningError(f"{name} of shape {array.shape} for weights of {w.shape}")
    check_weight(w)
    moved = np.where(mask, momentum * velocity + gradient + weight_decay * w, 0.0)
    return np.where(mask, w - learning_rate * moved, 0.0), moved
