"""Where the Cortex-M7 latency coefficients are from, and how well they predict what they never saw.

Fits cycles per unit of work to the eleven latencies that are published for TinyEngine on the
STM32H743 at 480 MHz ("Tiny Machine Learning: Progress and Futures", table III; the figures below
are the paper's), by least squares on the relative error, then leaves each network out in turn.
"""

from typing import Any

import numpy as np
from harness import main, show

from tinyml_course.mcu import board
from tinyml_course.mcu.latency import LATENCY_MODELS, WORK_KINDS, latency_ms, work
from tinyml_course.models import definition, random_graph

PUBLISHED_MS = {
    "vww0@64": 27,
    "vww1@80": 51,
    "vww2@144": 234,
    "in0@48": 25,
    "in1@96": 56,
    "in2@160": 280,
    "in3@176": 336,
    "in4@160": 463,
    "proxyless@64": 23,
    "proxyless@176": 176,
    "mbv2w0.3@64": 23,
}


def measure() -> dict[str, Any]:
    h743 = board("stm32h743")
    graphs = [random_graph(definition(name)) for name in PUBLISHED_MS]
    units = np.array(
        [[sum(work(g, o)[k] for o in g.operators) for k in WORK_KINDS] for g in graphs], float
    )
    cycles = np.array([*PUBLISHED_MS.values()]) * h743.clock_hz / 1e3

    def fit(keep: np.ndarray) -> np.ndarray:
        relative = units[keep] / cycles[keep, None]
        return np.linalg.lstsq(relative, np.ones(keep.sum()), rcond=None)[0]

    everything = fit(np.ones(len(graphs), bool))
    rows, left_out = [], []
    for index, (name, published) in enumerate(PUBLISHED_MS.items()):
        keep = np.arange(len(graphs)) != index
        predicted = float(units[index] @ fit(keep)) / h743.clock_hz * 1e3
        error = predicted / published - 1
        left_out.append(abs(error))
        here = latency_ms(graphs[index], h743)
        rows.append([name, published, f"{here:.1f}", f"{predicted:.1f}", f"{error:+.1%}"])
    columns = ["network", "published ms", "estimate", "left out", "error left out"]
    show("TinyEngine on STM32H743: published (the paper's) and estimated", columns, rows)
    used = LATENCY_MODELS["cortex-m7"].cycles_per
    fitted = dict(zip(WORK_KINDS, everything, strict=True))
    show(
        "cycles per unit of work",
        ["unit", "fitted", "in the package"],
        [[kind, f"{fitted[kind]:.4f}", used[kind]] for kind in WORK_KINDS],
    )
    print(f"left out: mean {np.mean(left_out):.1%}, worst {np.max(left_out):.1%}")
    return {
        "cycles_per_unit": fitted,
        "left_out_error_mean": float(np.mean(left_out)),
        "left_out_error_worst": float(np.max(left_out)),
    }


if __name__ == "__main__":
    main(__doc__, measure)
