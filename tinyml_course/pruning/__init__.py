"""Pruning: fewer weights and channels, by which measure, when, and what a board makes of it.

Arrays are NumPy's, a mask is true where a weight is kept. What works on a torch module imports
torch when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from tinyml_course.pruning.budget import Budget, budget_from
from tinyml_course.pruning.channel_costs import ChannelCosts
from tinyml_course.pruning.coupling.groups import (
    ChannelGroup,
    ChannelSlice,
    channel_prune,
    reorder_channels,
)
from tinyml_course.pruning.coupling.plain import coupled_channels, take_channels
from tinyml_course.pruning.errors import (
    EmptyLayerError,
    InfeasibleBudgetError,
    PruningError,
    SparsityError,
    WeightError,
)
from tinyml_course.pruning.granularity import (
    all_patterns,
    channel_mask,
    fine_grained_mask,
    kernel_mask,
    nm_mask,
    pattern_mask,
    select_patterns,
    vector_mask,
)
from tinyml_course.pruning.importance import (
    apoz,
    bn_scale_importance,
    channel_importance,
    channel_taylor,
    gauss_newton_diagonal,
    layer_hessian,
    mean_taylor,
    obd_importance,
    obs_prune,
    reconstructed_weight,
    taylor_importance,
    thinet_order,
)
from tinyml_course.pruning.masked_sgd import fine_tuning_step
from tinyml_course.pruning.ratios import (
    Sensitivity,
    ratios_for,
    sensitivity_ratios,
    uniform_ratios,
)
from tinyml_course.pruning.relative_index import (
    RelativeIndexed,
    encode,
    relative_index_bytes,
    storage_bytes,
)
from tinyml_course.pruning.schedules import cubic_sparsity, round_sparsities
from tinyml_course.pruning.shrunk_graph import shrunk_graph

if TYPE_CHECKING:
    from tinyml_course.pruning.automatic import Found, search_channels
    from tinyml_course.pruning.batch_statistics import settle_statistics
    from tinyml_course.pruning.channel_criteria import group_importance
    from tinyml_course.pruning.coupling.smaller import (
        keep_counts,
        masked_network,
        reordered_network,
        smaller_network,
        strongest,
    )
    from tinyml_course.pruning.coupling.trace import channel_groups
    from tinyml_course.pruning.least_squares import reconstruct
    from tinyml_course.pruning.lottery import Ticket, find_ticket, rewind
    from tinyml_course.pruning.masks import (
        apply_masks,
        global_masks,
        held,
        network_masks,
        prunable_weights,
        reachable_sparsity,
        sparsity_of,
        weight_arrays,
    )
    from tinyml_course.pruning.regularization import (
        group_lasso_penalty,
        l1_penalty,
        with_penalty,
    )
    from tinyml_course.pruning.sensitivity import sensitivity_scan
    from tinyml_course.pruning.training import (
        Pruned,
        fine_tune,
        prune_gradually,
        prune_iteratively,
    )

_WITH_TORCH = {
    "automatic": ("Found", "search_channels"),
    "batch_statistics": ("settle_statistics",),
    "channel_criteria": ("group_importance",),
    "coupling.smaller": (
        "keep_counts",
        "masked_network",
        "reordered_network",
        "smaller_network",
        "strongest",
    ),
    "coupling.trace": ("channel_groups",),
    "lottery": ("Ticket", "find_ticket", "rewind"),
    "masks": (
        "apply_masks",
        "global_masks",
        "held",
        "network_masks",
        "prunable_weights",
        "reachable_sparsity",
        "sparsity_of",
        "weight_arrays",
    ),
    "least_squares": ("reconstruct",),
    "regularization": ("group_lasso_penalty", "l1_penalty", "with_penalty"),
    "sensitivity": ("sensitivity_scan",),
    "training": ("Pruned", "fine_tune", "prune_gradually", "prune_iteratively"),
}
_MODULE_OF = {name: module for module, names in _WITH_TORCH.items() for name in names}

__all__ = [
    "Budget",
    "ChannelCosts",
    "ChannelGroup",
    "ChannelSlice",
    "EmptyLayerError",
    "Found",
    "InfeasibleBudgetError",
    "Pruned",
    "PruningError",
    "RelativeIndexed",
    "Sensitivity",
    "SparsityError",
    "Ticket",
    "WeightError",
    "all_patterns",
    "apoz",
    "apply_masks",
    "bn_scale_importance",
    "budget_from",
    "channel_groups",
    "channel_importance",
    "channel_mask",
    "channel_prune",
    "channel_taylor",
    "coupled_channels",
    "cubic_sparsity",
    "encode",
    "fine_grained_mask",
    "fine_tune",
    "fine_tuning_step",
    "find_ticket",
    "gauss_newton_diagonal",
    "global_masks",
    "group_importance",
    "group_lasso_penalty",
    "held",
    "keep_counts",
    "kernel_mask",
    "l1_penalty",
    "layer_hessian",
    "masked_network",
    "mean_taylor",
    "network_masks",
    "nm_mask",
    "obd_importance",
    "obs_prune",
    "pattern_mask",
    "prunable_weights",
    "prune_gradually",
    "prune_iteratively",
    "ratios_for",
    "reachable_sparsity",
    "reconstruct",
    "reconstructed_weight",
    "relative_index_bytes",
    "reorder_channels",
    "reordered_network",
    "rewind",
    "round_sparsities",
    "search_channels",
    "select_patterns",
    "sensitivity_ratios",
    "sensitivity_scan",
    "settle_statistics",
    "shrunk_graph",
    "smaller_network",
    "sparsity_of",
    "storage_bytes",
    "strongest",
    "take_channels",
    "taylor_importance",
    "thinet_order",
    "uniform_ratios",
    "vector_mask",
    "weight_arrays",
    "with_penalty",
]


def __getattr__(name: str) -> Any:
    # torch takes a second to import: only who asks for these pays for it.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
