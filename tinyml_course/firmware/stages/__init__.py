"""Stages as C: row by row or patch by patch, in the order and at the addresses of the plan."""

from collections.abc import Mapping

from tinyml_course.firmware.stages.code import StageCode
from tinyml_course.firmware.stages.patch import PatchStage
from tinyml_course.firmware.stages.stream import Stream
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import PatchFlow, RowFlow, Unit

__all__ = ["StageCode", "stage_code"]


def stage_code(plan: Plan, unit: Unit, names: Mapping[str, str]) -> StageCode:
    """The C of a stage.

    Args:
        plan: where everything lies.
        unit: the stage.
        names: for each operator the C function's name.

    Raises:
        FirmwareError: an operator for which there is no kernel.
    """
    if isinstance(unit.flow, RowFlow):
        return Stream(plan, unit, unit.flow, names).code()
    assert isinstance(unit.flow, PatchFlow)
    return PatchStage(plan, unit, unit.flow, names).code()
