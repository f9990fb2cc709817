"""Schedules: which parts of a graph run operator by operator, streamed, or patch by patch."""

from tinyml_course.mcu.scheduling.patch_flow import Patch, PatchFlow
from tinyml_course.mcu.scheduling.region import Region
from tinyml_course.mcu.scheduling.rows import ARRIVAL, RowFlow, RowStep
from tinyml_course.mcu.scheduling.schedule import Patches, Schedule, Stage, Stream, Unit
from tinyml_course.mcu.scheduling.stage_graph import StageGraph, cut_points, stage_graph
from tinyml_course.mcu.scheduling.tile import Tile, Tiler

__all__ = [
    "ARRIVAL",
    "Patch",
    "PatchFlow",
    "Patches",
    "Region",
    "RowFlow",
    "RowStep",
    "Schedule",
    "Stage",
    "StageGraph",
    "Stream",
    "Tile",
    "Tiler",
    "Unit",
    "cut_points",
    "stage_graph",
]
