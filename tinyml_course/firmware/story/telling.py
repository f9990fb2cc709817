"""What the steps of the story are worth on the emulated core."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.cycles import CycleEstimate, estimate_cycles
from tinyml_course.firmware.generate import Program, generate
from tinyml_course.firmware.machine import Execution
from tinyml_course.firmware.network import NetworkMachine
from tinyml_course.firmware.story.program import program
from tinyml_course.firmware.story.steps import COURSE, START, STEPS, checked, in_order
from tinyml_course.graph import Graph, count_macs
from tinyml_course.mcu import plan, reference
from tinyml_course.mcu.boards import Board, board

DEFAULT_BOARD = "stm32h743"
"""Enough SRAM for the beginning of the story, whose sums are maps of 32 bits."""

_TITLES = {START: "interpreter", COURSE: "the course's kernels"}


@dataclass(frozen=True, eq=False)
class StepResult:
    """A network at one point of the story, run once.

    Attributes:
        name: of the last step taken, or ``"interpreter"``, or ``"course"``.
        title: the same for people.
        steps: all that were taken, in the story's order.
        execution: instructions in all, by operator and by class.
        macs: multiply-accumulates of the network.
        cycles: estimated, for the board's core.
        sram_bytes: of the arena: maps and scratch, and what the interpreter keeps.
        stack_bytes: that were used.
        flash_bytes: constants and code.
        code_bytes: of them code.
    """

    name: str
    title: str
    steps: tuple[str, ...]
    execution: Execution
    macs: int
    cycles: CycleEstimate
    sram_bytes: int
    stack_bytes: int
    flash_bytes: int
    code_bytes: int

    @property
    def instructions(self) -> int:
        """Instructions of one inference."""
        return self.execution.instructions

    @property
    def instructions_per_mac(self) -> float:
        """The same for each multiply-accumulate of the network."""
        return self.instructions / self.macs


def build(graph: Graph, steps: Iterable[str] = (), on: Board | None = None) -> NetworkMachine:
    """A board with the network's firmware at some point of the story.

    Args:
        graph: int8; see `program`.
        steps: names out of `STEPS`, in any order.
        on: the board; by default an STM32H743.

    Raises:
        UnknownNameError: there is no such step.
        FirmwareError: as for `program`.
        ImageTooLargeError: the board has too little memory for it.
    """
    return NetworkMachine(on or board(DEFAULT_BOARD), program(graph, steps))


def measure(
    graph: Graph, image: NDArray[Any], steps: Iterable[str] = (), on: Board | None = None
) -> StepResult:
    """Run the network once with some steps taken.

    Args:
        graph: int8; see `program`.
        image: int8 or float, as `NetworkMachine.run` takes it.
        steps: names out of `STEPS`.
        on: the board; by default an STM32H743.

    Raises:
        FirmwareError: as for `build`, or the output is not the reference's.
    """
    chosen = in_order(checked(steps))
    name, code = chosen[-1] if chosen else START, program(graph, chosen)
    expected = reference.run(graph, image)
    return _measured(name, code, chosen, image, expected, on or board(DEFAULT_BOARD))


def tell(
    graph: Graph,
    image: NDArray[Any],
    on: Board | None = None,
    order: Sequence[str] = tuple(STEPS),
) -> list[StepResult]:
    """The story: from the interpreter to the course's kernels, a step at a time.

    The first time it takes a minute, nearly all of it the compiler's; afterwards seconds.

    Args:
        graph: int8; see `program`.
        image: int8 or float, as `NetworkMachine.run` takes it.
        on: the board; by default an STM32H743.
        order: the steps, each taken on top of those before it.

    Returns:
        One result without any step, one for each step, one for the course's own kernels with
        their own plan.

    Raises:
        FirmwareError: a step comes before one that it needs; otherwise as for `measure`.
    """
    target = on or board(DEFAULT_BOARD)
    taken = [tuple(order[:count]) for count in range(len(order) + 1)]
    for steps in taken:
        checked(steps)
    points = [(steps[-1] if steps else START, in_order(steps)) for steps in taken]
    points.append((COURSE, tuple(STEPS)))
    expected = reference.run(graph, image)

    def result(point: tuple[str, tuple[str, ...]]) -> StepResult:
        name, steps = point
        code = generate(plan(graph)) if name == COURSE else program(graph, steps)
        return _measured(name, code, steps, image, expected, target)

    with ThreadPoolExecutor(2) as pool:  # the compiler is another process
        results = pool.map(result, points)
        return [*tqdm(results, "optimisation steps", len(points), unit="step", leave=False)]


def _measured(
    name: str,
    code: Program,
    steps: tuple[str, ...],
    image: NDArray[Any],
    expected: NDArray[Any],
    target: Board,
) -> StepResult:
    graph = code.plan.graph
    machine = NetworkMachine(target, code)
    run = machine.run(image)
    if not np.array_equal(run.output, expected):
        raise FirmwareError(
            f"{graph.name}: {_title(name)} gives other bytes than the reference; what wrong code "
            "costs is not worth knowing, so nothing is reported"
        )
    return StepResult(
        name,
        _title(name),
        steps,
        run.execution,
        count_macs(graph),
        estimate_cycles(run.execution, target.core),
        code.plan.peak_bytes,
        run.execution.stack_depth_bytes,
        machine.image.flash_bytes,
        machine.image.sections[".text"],
    )


def _title(name: str) -> str:
    return _TITLES.get(name) or STEPS[name].title
