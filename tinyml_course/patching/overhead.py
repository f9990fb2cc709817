"""What patches cost: multiply-accumulates that are computed again where halos overlap."""

from tinyml_course.graph import Graph
from tinyml_course.mcu.scheduling import Patches, Schedule


def patch_overhead(graph: Graph, last: str, rows: int, columns: int) -> float:
    """Extra MACs of the whole network, as a part of its MACs without patches: 0.1 is 10 % more.

    This is the *overall* overhead of MCUNetV2's table 1. A halo is clipped at the image's border,
    where nothing is computed again.

    Args:
        graph: the network.
        last: name of the operator with which the patch stage ends; it begins with the first one.
        rows: patches one above the other.
        columns: patches side by side.

    Raises:
        ScheduleError: there is no such operator, the stage cannot run patch by patch, or its
            output has fewer rows or columns than patches are asked for.
    """
    whole, patched = Schedule(graph), _patched(graph, last, rows, columns)
    return patched.macs / whole.macs - 1


def stage_overhead(graph: Graph, last: str, rows: int, columns: int) -> float:
    """Extra MACs of the patch stage, as a part of the stage's; arguments as `patch_overhead`.

    MCUNetV2's table 1 gives more (42 % for MobileNetV2, where this is 31 %): it counts patches of
    75 x 75 at the borders too, where a part of them is padding.
    """
    schedule = _patched(graph, last, rows, columns)
    stage = schedule.units[0]
    whole = sum(operator.macs(graph.inputs_of(operator)) for operator in stage.operators)
    return sum(schedule.operator_macs[stage.first : stage.last + 1]) / whole - 1


def _patched(graph: Graph, last: str, rows: int, columns: int) -> Schedule:
    return Schedule(graph, [Patches(graph.operators[0].name, last, rows, columns)])
