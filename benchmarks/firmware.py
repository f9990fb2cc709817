"""Generated C on the emulated Cortex-M and on this machine: bytes, SRAM, instructions, time.

Networks with random weights and, where they are, the public TF-Lite files, each operator by
operator, streamed with the image in SRAM, row-fed, and with a first stage that runs patch by patch.
Outputs are compared with the reference
operators on every input, the arena's high-water mark is found by painting it with two opposite
patterns. The library for this machine is timed beside TF-Lite Micro's interpreter in one run.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from harness import main, show
from numpy.typing import NDArray
from tqdm.auto import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from public_files import MODELS, models_folder

from tinyml_course.errors import FirmwareError, ScheduleError
from tinyml_course.firmware import HostNetwork, NetworkMachine, generate
from tinyml_course.graph import Graph, count_macs, from_tflite
from tinyml_course.mcu import Plan, board, plan, reference
from tinyml_course.mcu.scheduling import Patches, Schedule, cut_points
from tinyml_course.models import compact, definition, random_graph
from tinyml_course.patching import schedule

INPUTS = 20
ROUNDS = 5
BOARD = "stm32h743"
SIDE = 2  # patches
NETWORKS = ("vww0@64", "vww1@80", "in0@48", "proxyless@64")


def networks() -> Iterator[tuple[str, Graph]]:
    """The networks to measure, by name."""
    yield "digits", random_graph(compact(8, 1, 10))
    for name in NETWORKS:
        yield name, random_graph(definition(name))
    for name in MODELS:
        path = models_folder() / f"{name}.tflite"
        if path.is_file():
            yield name, from_tflite(path)


def plans(graph: Graph) -> Iterator[tuple[str, Callable[[], Plan]]]:
    """Ways to run a network."""
    yield "unfused", lambda: plan(graph)
    yield "streamed", lambda: plan(schedule(graph))
    yield "row_fed", lambda: plan(schedule(graph, image="fed"))
    yield "patched", lambda: patched(graph)


def patched(graph: Graph) -> Plan:
    """The first stage that can be, in 2x2 patches, up to where that takes the least SRAM.

    Raises:
        ScheduleError: the first two operators can begin none.
    """
    for first in graph.operators[:2]:  # a network may begin with a RESHAPE
        found = []
        for last in cut_points(graph):
            names = first.name, graph.operators[last].name
            try:
                found.append(plan(Schedule(graph, [Patches(*names, SIDE, SIDE)])))
            except ScheduleError as error:
                refusal = error
        if found:
            return min(found, key=lambda planned: planned.peak_bytes)
    raise refusal


def measure_plan(planned: Plan, images: list[NDArray[Any]]) -> dict[str, Any]:
    """One network, one way to run it."""
    graph, program = planned.source, generate(planned)
    machine, host = NetworkMachine(board(BOARD), program), HostNetwork(program)
    expected = [reference.run(graph, image) for image in images]
    start = time.perf_counter()
    runs = [machine.run(image) for image in images]
    seconds = (time.perf_counter() - start) / len(images)
    timings = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        host.run(images[0])
        timings.append(time.perf_counter() - start)
    return {
        "plan_bytes": planned.peak_bytes,
        # Each byte is seen in all runs but those in which it has the paint's value.
        "arena_bytes": max(run.execution.arena_bytes for run in runs),
        "stack_bytes": max(run.execution.stack_depth_bytes for run in runs),
        "flash_bytes": machine.image.flash_bytes,
        "constants_bytes": planned.constants_bytes,
        "instructions": runs[0].execution.instructions,
        "macs": count_macs(graph),
        "executed_macs": planned.schedule.macs,
        "equal_on_core": sum(
            np.array_equal(run.output, e) for run, e in zip(runs, expected, strict=True)
        ),
        "equal_here": sum(
            np.array_equal(host.run(image), e) for image, e in zip(images, expected, strict=True)
        ),
        "inputs": len(images),
        "emulated_seconds": round(seconds, 3),
        "host_ms": round(1e3 * median(timings), 3),
    }


def measure_network(graph: Graph) -> dict[str, Any]:
    """All ways to run it; a refusal as its words."""
    rng = np.random.default_rng(0)
    limits = np.iinfo(graph.input.dtype) if graph.input.dtype != "float32" else None
    shape = graph.input.shape
    images: list[NDArray[Any]] = [
        rng.integers(limits.min, limits.max + 1, shape, graph.input.dtype)
        if limits
        else rng.normal(size=shape).astype(np.float32)
        for _ in range(INPUTS)
    ]
    found: dict[str, Any] = {}
    for kind, make in plans(graph):
        try:
            found[kind] = measure_plan(make(), images)
        except (FirmwareError, ScheduleError) as error:
            found[kind] = {"refused": str(error)}
    return found


def measure() -> dict[str, Any]:
    """Measure all and print tables."""
    found = {name: measure_network(graph) for name, graph in tqdm(list(networks()), unit="network")}
    rows, refused = [], []
    for name, kinds in found.items():
        for kind, f in kinds.items():
            if "refused" in f:
                refused.append((name, kind, f["refused"]))
                continue
            over = f["instructions"] / kinds["unfused"]["instructions"]
            exact = f["arena_bytes"] == f["plan_bytes"]
            rows.append(
                [
                    f"{name[:16]}, {kind}",
                    f"{f['equal_on_core']}/{f['inputs']}",
                    f"{f['arena_bytes']:,}",
                    "yes" if exact else f"{f['plan_bytes']:,}",
                    f["stack_bytes"],
                    f"{f['instructions'] / f['macs']:.2f}" if f["macs"] else "-",
                    f"{over:.3f}",
                    f"{f['executed_macs'] / f['macs']:.3f}" if f["macs"] else "-",
                ]
            )
    show(
        "Emulated Cortex-M7: outputs equal, arena and stack in B, instructions",
        ["network", "equal", "arena", "plan", "stack", "/MAC", "over", "MACs"],
        rows,
    )
    for name, kind, reason in refused:
        print(f"refused: {name}, {kind}: {reason}")
    return {"networks": found}


if __name__ == "__main__":
    main(__doc__, measure)
