"""Cycles: what was executed by class of instruction, and what that costs on a core."""

from tinyml_course.firmware.cycles.estimate import CycleEstimate, estimate_cycles
from tinyml_course.firmware.cycles.instructions import CLASSES
from tinyml_course.firmware.cycles.mix import ELSEWHERE, InstructionMix

__all__ = ["CLASSES", "ELSEWHERE", "CycleEstimate", "InstructionMix", "estimate_cycles"]
