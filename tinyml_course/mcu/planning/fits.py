"""Does a plan fit a board, and if not, what would help: each remedy is found by trying it."""

from collections.abc import Iterator

from tinyml_course.errors import DoesNotFitError
from tinyml_course.mcu.boards import BOARDS, Board
from tinyml_course.mcu.planning.layout import Plan


def check_fits(plan: Plan, board: Board, remedies: Iterator[str]) -> None:
    """Raise if ``plan`` needs more SRAM or flash than ``board`` has.

    Args:
        plan: the plan.
        board: the board.
        remedies: what would help; read only when the plan does not fit.

    Raises:
        DoesNotFitError: naming the operator, the bytes missing, and the remedies.
    """
    if plan.peak_bytes > board.sram_bytes:
        step = plan.peak_step
        raise DoesNotFitError(
            "SRAM",
            step.operator,
            step.index,
            plan.peak_bytes,
            board.sram_bytes,
            board.name,
            list(remedies),
        )
    if plan.flash_bytes > board.flash_bytes:
        sizes = [plan.flash.bytes_of(operator.name) for operator in plan.graph.operators]
        index = sizes.index(max(sizes))
        raise DoesNotFitError(
            "flash",
            plan.graph.operators[index].name,
            index,
            plan.flash_bytes,
            board.flash_bytes,
            board.name,
            list(remedies),
        )


def larger_boards(plan: Plan) -> Iterator[str]:
    """The known boards on which this plan fits."""
    for other in BOARDS.values():
        if is_within(plan, other):
            yield f"board {other.name}"


def is_within(plan: Plan, board: Board) -> bool:
    """Whether a board has the SRAM and the flash."""
    return plan.peak_bytes <= board.sram_bytes and plan.flash_bytes <= board.flash_bytes
