"""The way from an interpreter to fast kernels, step by step (MCUNet, section 3.2 and figure 5).

Each step is a switch of the same short C, in this folder: ``story.h`` first, then
``story_conv.h``. `tell` measures all of them one after the other.
"""

from tinyml_course.firmware.story.program import program
from tinyml_course.firmware.story.steps import COURSE, START, STEPS, Step, steps, up_to
from tinyml_course.firmware.story.telling import StepResult, build, measure, tell

__all__ = [
    "COURSE",
    "START",
    "STEPS",
    "Step",
    "StepResult",
    "build",
    "measure",
    "program",
    "steps",
    "tell",
    "up_to",
]
