"""Running a network part by part: patches, streams, and the search for what fits a board."""

from tinyml_course.patching.mobilenet_v2_rd import MOBILENET_V2_PATCH_BLOCKS, mobilenet_v2_rd
from tinyml_course.patching.overhead import patch_overhead, stage_overhead
from tinyml_course.patching.redistribution import Redistributed, redistribute
from tinyml_course.patching.search import Rung, Scheduled, ScheduleSearch, schedule
from tinyml_course.patching.stage import stage_end, stage_span

__all__ = [
    "MOBILENET_V2_PATCH_BLOCKS",
    "Redistributed",
    "Rung",
    "ScheduleSearch",
    "Scheduled",
    "mobilenet_v2_rd",
    "patch_overhead",
    "redistribute",
    "schedule",
    "stage_end",
    "stage_overhead",
    "stage_span",
]
