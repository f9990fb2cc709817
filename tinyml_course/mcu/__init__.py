"""The emulated microcontroller: boards, memory plans, int8 operators, latency, report."""

from tinyml_course.mcu.boards import BOARDS, Board, board
from tinyml_course.mcu.costs import Report, report
from tinyml_course.mcu.emulator import Emulator, Run, StepTrace
from tinyml_course.mcu.faults import EmulatorFault
from tinyml_course.mcu.flash import FlashLayout
from tinyml_course.mcu.latency import energy_mj, latency_ms
from tinyml_course.mcu.planning import POLICIES, Buffer, Plan, Step, plan
from tinyml_course.mcu.planning.packed import packed_schedule

__all__ = [
    "BOARDS",
    "Board",
    "board",
    "POLICIES",
    "plan",
    "packed_schedule",
    "Plan",
    "Buffer",
    "Step",
    "FlashLayout",
    "Emulator",
    "EmulatorFault",
    "Run",
    "StepTrace",
    "Report",
    "report",
    "latency_ms",
    "energy_mj",
]
