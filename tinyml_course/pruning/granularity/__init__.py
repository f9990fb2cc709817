"""Granularity: which sets of weights go together (survey, section 2.1)."""

from tinyml_course.pruning.granularity.coarse_grained import (
    channel_mask,
    kernel_mask,
    vector_mask,
)
from tinyml_course.pruning.granularity.fine_grained import fine_grained_mask
from tinyml_course.pruning.granularity.n_m import nm_mask
from tinyml_course.pruning.granularity.pattern import (
    all_patterns,
    pattern_mask,
    select_patterns,
)

__all__ = [
    "all_patterns",
    "channel_mask",
    "fine_grained_mask",
    "kernel_mask",
    "nm_mask",
    "pattern_mask",
    "select_patterns",
    "vector_mask",
]
