"""The published SRAM table of four engines, and our planners beside it, to the byte.

Published columns are the paper's ("Tiny Machine Learning: Progress and Futures", table III, KB of
1024 B, STM32H743). TF-Lite Micro and CMSIS-NN are planned over a PAD before every convolution, as
the published files were converted. Every plan of `tight` is also run in the emulator: its measured
high-water mark must equal the plan's peak, and its output the textbook plan's. The bound is the
planner's, for tensors that keep their place while they share it.
"""

from typing import Any

import numpy as np
from harness import main, show

from tinyml_course.graph.padding import explicit_padding
from tinyml_course.mcu import Emulator, plan
from tinyml_course.models import definition, random_graph

# network: TinyEngine, TF-Lite Micro, CMSIS-NN; None where the paper says OOM
PUBLISHED_KIB: dict[str, tuple[int, int | None, int | None]] = {
    "vww0@64": (59, 163, 163),
    "vww1@80": (92, 220, 220),
    "vww2@144": (174, 385, 390),
    "in0@48": (49, 161, 161),
    "in1@96": (96, 219, 219),
    "in2@160": (215, 460, 469),
    "in3@176": (260, 493, 493),
    "in4@160": (416, None, None),
    "proxyless@64": (35, 128, 136),
    "proxyless@176": (259, 453, 453),
    "mbv2w0.3@64": (61, 173, 173),
}


def measure() -> dict[str, Any]:
    rows, figures = [], {}
    for name, published in PUBLISHED_KIB.items():
        graph = random_graph(definition(name))
        padded = explicit_padding(graph, everywhere=True)
        peaks = {
            "tinyengine": plan(graph, policy="tinyengine").peak_bytes,
            "tflm": plan(padded, policy="tflm").peak_bytes,
            "cmsis_nn": plan(padded, policy="cmsis_nn").peak_bytes,
            "per_layer": plan(graph, policy="per_layer").peak_bytes,
        }
        best = plan(graph, policy="tight")
        image = np.random.default_rng(0).normal(size=graph.input.shape)
        run = Emulator(graph, best).run(image)
        textbook = Emulator(graph, plan(graph, policy="per_layer")).run(image)
        figures[name] = {
            **{f"{policy}_bytes": peak for policy, peak in peaks.items()},
            "tight_bytes": best.peak_bytes,
            "tight_lower_bound_bytes": best.lower_bound_bytes,
            "tight_measured_bytes": run.peak_bytes,
            "tight_equal_outputs": bool(np.array_equal(run.output, textbook.output)),
            "tight_of_tinyengine": best.peak_bytes / peaks["tinyengine"],
        }
        sides = zip(("tinyengine", "tflm", "cmsis_nn"), published, strict=True)
        rows.append(
            [
                name,
                *(f"{figure or 'OOM'}/{peaks[policy] / 1024:.1f}" for policy, figure in sides),
                f"{best.peak_bytes / 1024:.1f}",
                f"{best.peak_bytes / best.lower_bound_bytes - 1:.2%}",
                f"{best.peak_bytes / peaks['tinyengine']:.2f}",
            ]
        )
    show(
        "SRAM peak in KiB: the paper's figure/ours",
        ["network", "TinyEngine", "TFLM", "CMSIS-NN", "tight", "> bound", "of TE"],
        rows,
    )
    ratios = [f["tight_of_tinyengine"] for f in figures.values()]
    print(f"tight of tinyengine: mean {np.mean(ratios):.3f}, worst {np.max(ratios):.3f}")
    agree = all(
        f["tight_equal_outputs"] and f["tight_measured_bytes"] == f["tight_bytes"]
        for f in figures.values()
    )
    print(f"measured peak equals the plan's and outputs are equal on all: {agree}")
    mean, worst = float(np.mean(ratios)), float(np.max(ratios))
    return {"networks": figures, "tight_mean_ratio": mean, "tight_worst_ratio": worst}


if __name__ == "__main__":
    main(__doc__, measure)
