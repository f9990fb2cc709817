"""Batch-norm scale: a channel that is scaled to nothing says nothing (Liu et al. 2017)."""

import numpy as np

from tinyml_course.pruning.counts import Floats, check_weight


def bn_scale_importance(gamma: Floats) -> Floats:
    """``|gamma|`` per channel (network slimming, section 3; train with `l1_penalty` on them).

    Args:
        gamma: scales of a batch norm, ``(C,)``.

    Raises:
        WeightError: not one axis, no channels, NaN or infinity.
    """
    check_weight(gamma, axes=1)
    return np.abs(gamma.astype(np.float64))
