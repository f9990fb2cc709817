"""Networks as C beside the reference operators."""

import numpy as np
from random_graphs import random_image

from tinyml_course.firmware import HostNetwork, NetworkMachine, NetworkRun, generate
from tinyml_course.graph import Graph
from tinyml_course.mcu import Board, board, plan, reference
from tinyml_course.mcu.scheduling import Schedule

H743 = board("stm32h743")
UNSEEN_BYTES = 2
"""At the end of the arena: bytes that happen to be written with the paint's value are not seen."""


def check(
    network: Graph | Schedule, count: int, core: Board = H743, exact: bool = True
) -> NetworkRun:
    """Byte for byte here and on the core, in the arena of the plan; the last run on the core.

    Args:
        network: what runs.
        count: of random images.
        core: the emulated board.
        exact: whether all of the arena must be used.
    """
    planned = plan(network)
    graph, program = planned.source, generate(planned)
    machine, host = NetworkMachine(core, program, strict=True), HostNetwork(program)
    rng = np.random.default_rng(0)
    for _ in range(count):
        image = random_image(graph, rng)
        expected = reference.run(graph, image)
        run = machine.run(image)
        np.testing.assert_array_equal(run.output, expected)
        np.testing.assert_array_equal(host.run(image), expected)
        assert run.execution.arena_bytes <= planned.peak_bytes
    if exact:
        assert run.execution.arena_bytes >= planned.peak_bytes - UNSEEN_BYTES
    assert machine.image.flash_bytes > planned.constants_bytes
    assert set(run.execution.operators) <= set(program.operators)
    return run


def check_here(schedule: Schedule, image: np.ndarray) -> str:
    """Byte for byte on this machine alone, which is quick; the C."""
    planned = plan(schedule)
    program = generate(planned)
    found = HostNetwork(program).run(image)
    np.testing.assert_array_equal(found, reference.run(planned.source, image))
    return program.sources["network.c"]
