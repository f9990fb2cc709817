"""An estimate of cycles for what the emulated core executed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyml_course.errors import FirmwareError, lookup
from tinyml_course.firmware.cycles.costs import Bounded, by_class, m4, m7
from tinyml_course.firmware.cycles.mix import NO_INSTRUCTIONS, InstructionMix
from tinyml_course.mcu.boards import Board, Core

if TYPE_CHECKING:
    from tinyml_course.firmware.machine import Execution

MODELS: dict[str, Callable[[InstructionMix], Bounded]] = {"cortex-m4": m4, "cortex-m7": m7}
"""How cycles follow from instructions, by core; `costs` says where that is from."""


@dataclass(frozen=True)
class CycleEstimate:
    """Cycles that a core would take, without waiting for memory.

    Attributes:
        core: the core.
        cycles: the estimate.
        by_class: of them by class of instruction; jumps stand with the branches. On the Cortex-M7
            in the proportions of the M4.
        by_operator: of them by operator, and those outside of operators.
        low: what the core cannot undercut.
        high: the most that the same instructions can take where no memory makes them wait.
    """

    core: Core
    cycles: int
    by_class: dict[str, int]
    by_operator: dict[str, int]
    low: int
    high: int

    def milliseconds(self, board: Board) -> float:
        """The estimate at a board's clock.

        Raises:
            FirmwareError: the board has another core.
        """
        if board.core != self.core:
            raise FirmwareError(
                f"the estimate is for a {self.core}, and {board.name} has a {board.core}; estimate "
                f"again with estimate_cycles(execution, {board.core!r})"
            )
        return 1e3 * self.cycles / board.clock_hz


def estimate_cycles(execution: "Execution", core: Core) -> CycleEstimate:
    """Estimate the cycles of an execution on the emulated core.

    Instructions of each class, times cycles per instruction of that class; `costs` has the figures
    and their sources. What they cannot tell: waits for flash and caches, DMA and interrupts that
    take the bus, and stalls where an instruction needs the result of the one before. On the
    Cortex-M7 it is one ratio for everything, so that there it ranks code no better than the
    Cortex-M4's table does. ``benchmarks/cycles.py`` holds it against published latencies.

    Args:
        execution: what `Machine` or `NetworkMachine` counted.
        core: ``"cortex-m4"`` or ``"cortex-m7"``. The instructions are those that were executed,
            whatever core their image was built for.

    Raises:
        UnknownNameError: there is no model of that core.
    """
    model = lookup("core", core, MODELS)
    by_operator = {name: model(mix).cycles for name, mix in execution.mixes.items()}
    whole = sum(execution.mixes.values(), NO_INSTRUCTIONS)
    bounds, cycles = model(whole), sum(by_operator.values())
    return CycleEstimate(
        core,
        round(cycles),
        _rounded(_scaled(by_class(whole), cycles)),
        _rounded(by_operator),
        round(bounds.low),
        round(bounds.high),
    )


def _scaled(shares: Mapping[str, float], total: float) -> dict[str, float]:
    scale = total / max(sum(shares.values()), 1)
    return {name: share * scale for name, share in shares.items()}


def _rounded(cycles: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that add up to the whole number of all."""
    found, before, reached = {}, 0, 0.0
    for name, share in cycles.items():
        reached += share
        found[name] = round(reached) - before
        before = round(reached)
    return found
