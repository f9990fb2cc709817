"""Every way a graph can be executed, for tests that ask all of them for the same bytes."""

from collections.abc import Callable

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.mcu import Emulator, FlashLayout, plan, reference
from tinyml_course.mcu.kernels import Kernel, make_kernel

Execute = Callable[[Graph, np.ndarray], np.ndarray]


def _emulate(policy: str) -> Execute:
    def run(graph: Graph, image: np.ndarray) -> np.ndarray:
        return Emulator(graph, plan(graph, policy=policy)).run(image).output

    return run


EXECUTORS: dict[str, Execute] = {
    "reference": reference.run,
    "emulator, per_layer": _emulate("per_layer"),
    "emulator, tinyengine": _emulate("tinyengine"),
    "emulator, tight": _emulate("tight"),
}


def kernels(graph: Graph) -> list[Kernel]:
    """The kernel of each operator, outside of any arena."""
    flash = FlashLayout(graph)
    return [
        make_kernel(graph, o, {role: part.data for role, part in flash.of(o.name).items()})
        for o in graph.operators
    ]
