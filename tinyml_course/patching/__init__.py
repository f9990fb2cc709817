"""Patch-based inference: what patches cost, and networks that suit them."""

from tinyml_course.patching.mobilenet_v2_rd import MOBILENET_V2_PATCH_BLOCKS, mobilenet_v2_rd
from tinyml_course.patching.overhead import patch_overhead, stage_overhead
from tinyml_course.patching.redistribution import Redistributed, redistribute
from tinyml_course.patching.stage import stage_end, stage_span

__all__ = [
    "MOBILENET_V2_PATCH_BLOCKS",
    "Redistributed",
    "mobilenet_v2_rd",
    "patch_overhead",
    "redistribute",
    "stage_end",
    "stage_overhead",
    "stage_span",
]
