"""How far the cycle estimate is from published latencies, per core, and what it rests on.

No engine with published latencies is in this repository. Two comparisons are possible all the same:

1. The story's step ``simd`` is built like TinyEngine's kernels (columns of 16 bits, two pixels
   times two channels, SMLAD, depthwise in place from a copied channel) and needs about as many
   instructions per MAC. Run on the emulated core, its estimate stands beside TinyEngine's latency
   on the STM32H743 (eleven networks, "Tiny Machine Learning: Progress and Futures", table III).
2. Instructions per MAC of CMSIS-NN and TinyEngine were measured on the emulated core on three
   layers (``kernels.py`` prints them). Times a network's MACs of each kind, times the estimate's
   cycles per instruction of the same kind in the story's kernels, that is an estimate for those
   engines: beside CMSIS-NN and TinyEngine on the STM32H743, and beside CMSIS-NN on an STM32L4R5
   (Cortex-M4, 120 MHz; microTVM with CMSIS-NN, MLPerf Tiny v1.1, closed division, Krai).

The first says how good instructions and cycles per instruction are together; the second adds the
error of judging a network by three layers. No figure is fitted here, but for the last column: all
other networks' mean error taken off, each network left out in turn.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import main, show
from kernels import LAYERS, PEERS
from latency_fit import PUBLISHED_MS, left_out_errors
from tqdm.auto import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from public_files import models_folder

from tinyml_course.firmware import estimate_cycles, story
from tinyml_course.firmware.c_names import c_names
from tinyml_course.graph import Graph, count_macs, from_tflite
from tinyml_course.mcu.boards import KIB, Board, Core
from tinyml_course.mcu.latency import work
from tinyml_course.models import definition, random_graph

# Milliseconds of CMSIS-NN on the STM32H743, the paper's (table III); in4 does not fit there.
CMSIS_NN_MS = {
    "vww0@64": 53, "vww1@80": 97, "vww2@144": 478, "in0@48": 51, "in1@96": 103, "in2@160": 642,
    "in3@176": 770, "proxyless@64": 54, "proxyless@176": 380, "mbv2w0.3@64": 43,
}  # fmt: skip
# Inferences a second of microTVM with CMSIS-NN on the STM32L4R5. The other two networks of MLPerf
# Tiny are of layers unlike the three whose instructions are known.
L4R5_PER_SECOND = {"kws_ref_model": 10.019, "vww_96_int8": 3.324}
H743_HZ, L4R5_HZ = 480e6, 120e6
KINDS = {"pointwise_macs": "pointwise", "depthwise_macs": "depthwise", "conv_macs": "stem"}

# No board: memory enough for every network.
ROOMY = Board("roomy", 1024 * KIB, 4096 * KIB, "cortex-m7", int(H743_HZ))


class Emulated:
    """A network run with the story's step ``simd``.

    Attributes:
        cycles: estimated, in all.
        low: the least that the model allows.
        high: the most.
        instructions_per_mac: in all.
        per_instruction: estimated cycles, by kind of operator.
        others: cycles of operators that do not multiply.
        macs: by kind.
    """

    def __init__(self, graph: Graph, core: Core) -> None:
        image = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
        run = story.build(graph, story.up_to("simd"), ROOMY).run(image).execution
        estimate = estimate_cycles(run, core)
        self.cycles, self.low, self.high = estimate.cycles, estimate.low, estimate.high
        self.instructions_per_mac = run.instructions / count_macs(graph)
        names = c_names([operator.name for operator in graph.operators])
        self.macs, cycles, instructions = (dict.fromkeys(KINDS, 0) for _ in range(3))
        self.others = 0
        for operator in graph.operators:
            units, name = work(graph, operator), names[operator.name]
            kind = next((kind for kind in KINDS if units[kind]), None)
            if kind is None:
                self.others += estimate.by_operator.get(name, 0)
                continue
            self.macs[kind] += units[kind]
            cycles[kind] += estimate.by_operator[name]
            instructions[kind] += run.operators[name]
        self.per_instruction = {
            kind: cycles[kind] / count for kind, count in instructions.items() if count
        }

    def of_engine(self, engine: str) -> float:
        """Cycles of an engine whose instructions per MAC are known for each kind."""
        column = PEERS.index(engine)
        return self.others + sum(
            self.macs[kind] * peers_of(kind)[column] * cycles
            for kind, cycles in self.per_instruction.items()
        )


def peers_of(kind: str) -> tuple[float, float, float]:
    """Instructions per MAC of the peers."""
    peers = LAYERS[KINDS[kind]].peers
    assert peers is not None
    return peers


def errors_of(title: str, published: dict[str, float], found: dict[str, float]) -> dict[str, Any]:
    """Print and return how far estimates are from published milliseconds."""
    ratios = np.array([found[name] / published[name] for name in published])
    left_out = left_out_errors(1 / ratios) if len(ratios) > 2 else np.full(len(ratios), np.nan)
    rows = [
        [name, f"{published[name]:.1f}", f"{found[name]:.1f}", f"{ratio - 1:+.1%}",
         "" if np.isnan(rest) else f"{rest:+.1%}"]
        for name, ratio, rest in zip(published, ratios, left_out, strict=True)
    ]  # fmt: skip
    show(title, ["network", "published ms", "estimate", "error", "scaled, left out"], rows)
    errors = np.abs(ratios - 1)
    figures = {
        "error_by_network": dict(zip(published, (ratios - 1).round(4).tolist(), strict=True)),
        "error_mean": float(errors.mean()),
        "error_worst": float(errors.max()),
        "bias": float(np.exp(np.log(ratios).mean()) - 1),
    }
    if len(ratios) > 2:
        figures["scaled_left_out_error_mean"] = float(np.abs(left_out).mean())
        figures["scaled_left_out_error_worst"] = float(np.abs(left_out).max())
    print(
        f"error: mean {errors.mean():.1%}, worst {errors.max():.1%}, bias {figures['bias']:+.1%}\n"
    )
    return figures


def on_h743() -> dict[str, Any]:
    """Cortex-M7, eleven networks, two engines."""
    found = {
        name: Emulated(random_graph(definition(name)), "cortex-m7")
        for name in tqdm(PUBLISHED_MS, unit="network")
    }

    def ms(cycles: Callable[[Emulated], float], names: dict[str, Any]) -> dict[str, float]:
        return {name: cycles(found[name]) / H743_HZ * 1e3 for name in names}

    engine = {name: float(value) for name, value in PUBLISHED_MS.items()}
    figures = {
        "story_simd_beside_tinyengine": errors_of(
            "STM32H743: the story's step simd, emulated, beside TinyEngine (the paper's)",
            engine, ms(lambda e: e.cycles, engine),
        ),
        "tinyengine_by_layer_kind": errors_of(
            "STM32H743: TinyEngine, by instructions per MAC of three layers",
            engine, ms(lambda e: e.of_engine("TinyEngine"), engine),
        ),
        "tinyengine_float_by_layer_kind": errors_of(
            "STM32H743: the same with its floating-point requantization",
            engine, ms(lambda e: e.of_engine("TinyEngine, float"), engine),
        ),
        "cmsis_nn_by_layer_kind": errors_of(
            "STM32H743: CMSIS-NN, by instructions per MAC of three layers",
            {k: float(v) for k, v in CMSIS_NN_MS.items()},
            ms(lambda e: e.of_engine("CMSIS-NN"), CMSIS_NN_MS),
        ),
    }  # fmt: skip
    per_mac = [e.instructions_per_mac for e in found.values()]
    low = [e.low / e.cycles for e in found.values()]
    high = [e.high / e.cycles for e in found.values()]
    print(
        f"story, step simd: {min(per_mac):.2f} to {max(per_mac):.2f} instructions per MAC; the "
        f"model's bounds are {np.mean(low):.2f} and {np.mean(high):.2f} times the estimate\n"
    )
    return {**figures, "low_over_estimate": np.mean(low), "high_over_estimate": np.mean(high)}


def on_l4r5() -> dict[str, Any]:
    """Cortex-M4, CMSIS-NN, the two networks of MLPerf Tiny whose layers are like the measured."""
    files = {name: models_folder() / f"{name}.tflite" for name in L4R5_PER_SECOND}
    if not all(path.is_file() for path in files.values()):
        print(f"Cortex-M4: left out, no {', '.join(map(str, files.values()))}")
        return {}
    found = {name: Emulated(from_tflite(path), "cortex-m4") for name, path in files.items()}
    published = {name: 1e3 / rate for name, rate in L4R5_PER_SECOND.items()}
    estimated = {n: e.of_engine("CMSIS-NN") / L4R5_HZ * 1e3 for n, e in found.items()}
    title = "STM32L4R5, Cortex-M4: CMSIS-NN, by instructions per MAC of three layers"
    return errors_of(title, published, estimated)


def measure() -> dict[str, Any]:
    return {"cortex-m7": on_h743(), "cortex-m4": on_l4r5()}


if __name__ == "__main__":
    main(__doc__, measure)
