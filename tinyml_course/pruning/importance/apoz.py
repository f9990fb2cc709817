"""Activation: how often a channel is zero behind its ReLU (Hu et al. 2016, network trimming)."""

import numpy as np

from tinyml_course.pruning.counts import Floats, check_weight


def apoz(activation: Floats) -> Floats:
    """The average percentage of zeros of each channel, as a share (Hu et al. 2016, equation 1).

    A channel that is zero more often matters less: its importance is ``1 - apoz``.

    Args:
        activation: behind the ReLU, ``(N, C, H, W)`` or ``(N, C)``.

    Returns:
        float64 ``(C,)`` in 0..1.

    Raises:
        WeightError: nothing in it, NaN or infinity.
    """
    check_weight(activation)
    others = tuple(set(range(activation.ndim)) - {1})
    share: Floats = (activation == 0).mean(others).astype(np.float64)
    return share
