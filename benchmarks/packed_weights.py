"""Weights of few bits packed in flash: what that saves there, and costs in SRAM and instructions.

Four networks with 4, 3 and 2 bits, each operator by operator and streamed: weights as bytes, packed
where the SRAM to unpack them is free, and all packed. Constants and SRAM are the plan's; the SRAM
that was used and the instructions are counted on an emulated Cortex-M7. Outputs are compared with
the reference operators there, and on this machine. One network is trained (`digit_mobilenet`), the
others have random weights, whose values make no difference to any figure here.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from harness import main, show
from tqdm.auto import tqdm

from tinyml_course.firmware import HostNetwork, NetworkMachine, generate
from tinyml_course.graph import Graph
from tinyml_course.mcu import board, latency_ms, packed_schedule, plan, reference
from tinyml_course.mcu.planning.packed import packable
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.models import definition, random_graph
from tinyml_course.patching import schedule
from tinyml_course.quantization import trained_trial

BOARD = board("stm32f746")
NETWORKS = ("vww0@64", "vww1@80", "in0@48")
BITS = (4, 3, 2)
INPUTS = 3


def networks() -> Iterator[tuple[str, int, Graph]]:
    """By name and bits."""
    trial = trained_trial("digit_mobilenet")
    for bits in BITS:
        yield "digit_mobilenet", bits, trial.deployed(dict.fromkeys(trial.layers, bits))
    for name in NETWORKS:
        for bits in BITS:
            yield name, bits, random_graph(definition(name), weight_bits=bits)


def ways(graph: Graph) -> Iterator[tuple[str, str, Schedule]]:
    """How it runs, what is packed, and the schedule."""
    for how, bare in (("whole", Schedule(graph)), ("streamed", schedule(graph))):
        yield how, "bytes", bare
        yield how, "free", packed_schedule(bare)
        yield how, "all", bare.packing(packable(graph))


def run(graph: Graph, chosen: Schedule) -> dict[str, Any]:
    """One way; raises if a byte is wrong."""
    planned = plan(chosen, BOARD)
    program = generate(planned)
    machine, host = NetworkMachine(BOARD, program, strict=True), HostNetwork(program)
    rng = np.random.default_rng(0)
    for _ in range(INPUTS):
        image = rng.integers(-128, 128, graph.input.shape).astype(np.int8)
        expected, ran = reference.run(graph, image), machine.run(image)
        np.testing.assert_array_equal(ran.output, expected)
        np.testing.assert_array_equal(host.run(image), expected)
    return {
        "layers_packed": len(chosen.packed),
        "constants_bytes": planned.constants_bytes,
        "image_flash_bytes": machine.image.flash_bytes,
        "estimated_flash_bytes": planned.flash_bytes,
        "sram_peak_bytes": planned.peak_bytes,
        "sram_used_bytes": ran.execution.arena_bytes,
        "instructions": ran.execution.instructions,
        "latency_ms_estimate": latency_ms(chosen, BOARD),
    }


def measure() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, bits, graph in tqdm(list(networks()), desc="networks"):
        table: dict[str, Any] = {}
        for how, packed, chosen in ways(graph):
            table.setdefault(how, {})[packed] = run(graph, chosen)
        found.setdefault(name, {})[str(bits)] = table
    rows = [
        [
            f"{name} {bits} bits {how}",
            packed,
            f"{one['image_flash_bytes']:,}",
            f"{one['image_flash_bytes'] / table['bytes']['image_flash_bytes']:.2f}",
            f"{one['sram_peak_bytes']:,}",
            f"{one['instructions'] / table['bytes']['instructions']:.3f}",
        ]
        for name, by_bits in found.items()
        for bits, by_how in by_bits.items()
        for how, table in by_how.items()
        for packed, one in table.items()
    ]
    columns = ["network", "packed", "flash, B", "ratio", "SRAM, B", "instr."]
    show("Packed weights; flash and instructions over those as bytes", columns, rows)
    return {"board": BOARD.name, "inputs": INPUTS, "networks": found}


if __name__ == "__main__":
    main(__doc__, measure)
