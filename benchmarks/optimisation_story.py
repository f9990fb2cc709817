"""What each of TinyEngine's optimisation steps is worth here, in instructions and in SRAM.

MCUNet, section 3.2 and figure 5, rebuilt on the emulated core: real C for each step, outputs
compared byte by byte, SRAM seen by painting. Three questions: what each step adds in the order of
the story; what it does alone (with the steps that it needs, against those without it); and what
the finished story loses without it (and without the steps that need it). A step may help in one
place and hurt in another; the table shows where.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from harness import main, show
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tinyml_course.firmware import estimate_cycles, story
from tinyml_course.graph import Graph
from tinyml_course.models import compact, definition, random_graph

NETWORKS = ("digits", "vww0@64", "vww1@80")
APART = "vww0@64"
"""The network on which steps are tried alone."""

# Million MACs a second on one STM32, the authors', from their slides; the paper's section 3.2 says
# 22 % for code generation, 13 % for im2col and 22 % for the rest.
TINYENGINE_MMACS = {
    "CMSIS-NN": 52, "code generation": 64, "specialised im2col": 70, "operator fusion": 75,
    "loop unrolling": 79, "loop tiling": 82,
}  # fmt: skip


def network(name: str) -> tuple[Graph, NDArray[np.int8]]:
    """A network with random weights, and a random image for it."""
    graph = random_graph(definition(name) if "@" in name else compact(8, 1, 10))
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape)
    return graph, image.astype(np.int8)


def figures_of(result: story.StepResult) -> dict[str, Any]:
    cycles = {core: estimate_cycles(result.execution, core) for core in ("cortex-m4", "cortex-m7")}
    return {
        "steps": result.steps,
        "instructions": result.instructions,
        "instructions_per_mac": round(result.instructions_per_mac, 3),
        "estimated_cycles": {core: estimate.cycles for core, estimate in cycles.items()},
        "sram_bytes": result.sram_bytes,
        "sram_touched_bytes": result.execution.arena_bytes,
        "stack_bytes": result.stack_bytes,
        "flash_bytes": result.flash_bytes,
        "code_bytes": result.code_bytes,
    }


def tell(name: str) -> dict[str, Any]:
    """The story of one network."""
    found = {result.name: result for result in story.tell(*network(name))}
    rows, before = [], None
    for result in found.values():
        f = figures_of(result)
        gain = "" if before is None else f"{before.instructions / result.instructions:.2f}"
        m4, m7 = (f["estimated_cycles"][core] / 1e6 for core in ("cortex-m4", "cortex-m7"))
        rows.append(
            [result.title, f"{result.instructions / 1e6:.2f}", f"{result.instructions_per_mac:.2f}",
             gain, f"{m4:.1f}", f"{m7:.1f}", f"{result.sram_bytes:,}", f"{result.flash_bytes:,}"]
        )  # fmt: skip
        before = result
    columns = ["step", "Minstr.", "/MAC", "fewer", "M4", "M7", "SRAM", "flash"]
    show(f"{name}: each step on top of those before; estimated Mcycles, bytes", columns, rows)
    return {step: figures_of(result) for step, result in found.items()}


def needed_by(name: str) -> frozenset[str]:
    """A step and what it needs, and what that needs."""
    found = {name}
    for other in reversed(story.STEPS):
        if other in found:
            found.update(story.STEPS[other].needs)
    return frozenset(found)


def without(name: str) -> frozenset[str]:
    """All steps but one and those that need it."""
    gone = {name}
    for step in story.steps():
        if gone.intersection(step.needs):
            gone.add(step.name)
    return frozenset(story.STEPS) - gone


def apart(name: str) -> dict[str, Any]:
    """Each step alone, and everything without it."""
    graph, image = network(name)
    known: dict[frozenset[str], story.StepResult] = {}

    def measured(steps: Iterable[str]) -> story.StepResult:
        chosen = frozenset(steps)
        if chosen not in known:
            known[chosen] = story.measure(graph, image, chosen)
        return known[chosen]

    everything, found, rows = measured(story.STEPS), {}, []
    for step in tqdm(story.steps(), unit="step"):
        alone = needed_by(step.name)
        least, most = measured(alone - {step.name}), measured(alone)
        rest = measured(without(step.name))
        found[step.name] = {
            "needs": sorted(alone - {step.name}),
            "alone_instructions": least.instructions / most.instructions,
            "alone_sram": least.sram_bytes / most.sram_bytes,
            "left_out": sorted(set(story.STEPS) - without(step.name)),
            "left_out_instructions": rest.instructions / everything.instructions,
            "left_out_sram": rest.sram_bytes / everything.sram_bytes,
        }
        ratios = (value for value in found[step.name].values() if isinstance(value, float))
        rows.append([step.title, *(f"{ratio:.2f}" for ratio in ratios)])
    show(
        f"{name}: times fewer instructions, times less SRAM",
        ["step", "alone: instr.", "SRAM", "left out: instr.", "SRAM"],
        rows,
    )
    return found


def measure() -> dict[str, Any]:
    told = {name: tell(name) for name in NETWORKS}
    rates = [*TINYENGINE_MMACS.values()]
    rows = [
        [step, rate, "" if i == 0 else f"{rate / rates[i - 1]:.2f}"]
        for i, (step, rate) in enumerate(TINYENGINE_MMACS.items())
    ]
    show("TinyEngine's own chart (the paper's), MMAC/s", ["step", "MMAC/s", "times"], rows)
    return {"story": told, "apart": {APART: apart(APART)}, "tinyengine_mmacs": TINYENGINE_MMACS}


if __name__ == "__main__":
    main(__doc__, measure)
