"""Importance: by which measure a weight or a channel goes first (survey, section 2.1)."""

from tinyml_course.pruning.importance.apoz import apoz
from tinyml_course.pruning.importance.batch_norm import bn_scale_importance
from tinyml_course.pruning.importance.magnitude import (
    channel_importance,
    l1_importance,
    l2_importance,
)
from tinyml_course.pruning.importance.obd import gauss_newton_diagonal, obd_importance
from tinyml_course.pruning.importance.obs import (
    Compensated,
    layer_hessian,
    obs_prune,
    obs_row,
)
from tinyml_course.pruning.importance.reconstruction import reconstructed_weight, thinet_order
from tinyml_course.pruning.importance.taylor import (
    channel_taylor,
    mean_taylor,
    taylor_importance,
)

__all__ = [
    "Compensated",
    "apoz",
    "bn_scale_importance",
    "channel_importance",
    "channel_taylor",
    "gauss_newton_diagonal",
    "l1_importance",
    "l2_importance",
    "layer_hessian",
    "mean_taylor",
    "obd_importance",
    "obs_prune",
    "obs_row",
    "reconstructed_weight",
    "taylor_importance",
    "thinet_order",
]
