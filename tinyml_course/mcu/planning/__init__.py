"""Memory planning: policies that turn a graph into a `Plan`."""

from collections.abc import Callable, Iterator

from tinyml_course.errors import ScheduleError, lookup
from tinyml_course.graph import Graph
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.planning.fits import check_fits, is_within, larger_boards
from tinyml_course.mcu.planning.layout import Buffer, Plan, Step
from tinyml_course.mcu.planning.per_layer import per_layer
from tinyml_course.mcu.planning.tflm import cmsis_nn, tflm
from tinyml_course.mcu.planning.tight import tight, tight_schedule
from tinyml_course.mcu.planning.tinyengine import tinyengine
from tinyml_course.mcu.scheduling import Schedule

POLICIES: dict[str, Callable[[Graph], Plan]] = {
    "per_layer": per_layer,
    "tinyengine": tinyengine,
    "tflm": tflm,
    "cmsis_nn": cmsis_nn,
    "tight": tight,
}
"""The planners, by name."""

DEFAULT_POLICY = "tight"


SCHEDULED_POLICIES: dict[str, Callable[[Schedule], Plan]] = {"tight": tight_schedule}
"""Those of them that can lay out stages and unpacked weights."""


def plan(
    network: Graph | Schedule, board: Board | None = None, policy: str = DEFAULT_POLICY
) -> Plan:
    """Lay a graph out in SRAM.

    Args:
        network: the graph, or a schedule for it.
        board: where it shall fit; ``None`` plans without a limit.
        policy: name of a planner in `POLICIES`.

    Raises:
        UnknownNameError: there is no such policy.
        ScheduleError: the policy has no rule for stages, or for packed weights.
        DoesNotFitError: it needs more SRAM or flash than the board has; the message names the
            operator, the bytes missing and what would help.
    """
    planner = lookup("policy", policy, POLICIES)
    if isinstance(network, Graph):
        result = planner(network)
    elif not network.stages and not network.packed:
        result = planner(network.graph)
    elif policy in SCHEDULED_POLICIES:
        result = SCHEDULED_POLICIES[policy](network)
    else:
        able = ", ".join(SCHEDULED_POLICIES)
        what = "stages" if network.stages else "packed weights"
        raise ScheduleError(f"policy {policy} has no rule for {what}; there is one in: {able}")
    if board is not None:
        check_fits(result, board, _remedies(result, board))
    return result


def _remedies(failed: Plan, board: Board) -> Iterator[str]:
    for name, planner in POLICIES.items():
        if name != failed.policy and is_within(planner(failed.graph), board):
            yield f"policy {name}"
    yield from larger_boards(failed)
    if failed.flash_bytes <= board.flash_bytes:
        yield "a smaller input resolution, or fewer channels"
    else:
        yield "fewer channels, or fewer classes"


__all__ = ["POLICIES", "DEFAULT_POLICY", "Buffer", "Plan", "Step", "plan"]
