"""Where the Cortex-M7 latency coefficients are from, and how well they predict what they never saw.

Fits cycles per unit of work to the eleven latencies that are published for TinyEngine on the
STM32H743 at 480 MHz ("Tiny Machine Learning: Progress and Futures", table III; the figures below
are the paper's), by least squares on the relative error, then leaves each network out in turn.

For the Cortex-M4 and for energy: STMicroelectronics' MLPerf Tiny v1.0 results (closed division,
X-CUBE-AI 7.3), the same four networks on an STM32L4R5 (M4, 120 MHz, 1.8 V) and an STM32H7A3 (M7,
280 MHz, 3.3 V). Each network in turn is predicted from the other three.
"""

from typing import Any

import numpy as np
from harness import main, show

from tinyml_course.mcu import board
from tinyml_course.mcu.latency import (
    COST_MODELS,
    M4_CYCLES_PER_M7_CYCLE,
    WORK_KINDS,
    latency_ms,
    work,
)
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

# inferences a second, microjoules an inference
MLPERF_TINY: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "anomaly detection": ((132.077, 322.977), (548.697, 266.486)),
    "image classification": ((4.409, 10681.623), (18.443, 8707.284)),
    "keyword spotting": ((13.314, 3371.738), (59.782, 2721.781)),
    "visual wake words": ((4.427, 10066.628), (19.749, 7978.465)),
}
M4_HZ, M7_HZ = 120e6, 280e6


def left_out_errors(figures: np.ndarray) -> np.ndarray:
    """Error of the geometric mean of all others, for each figure."""
    logs = np.log(figures)
    others = (logs.sum() - logs) / (len(logs) - 1)
    return np.exp(others - logs) - 1


def measure_m4_and_energy() -> dict[str, Any]:
    m4, m7 = (np.array([pair[i] for pair in MLPERF_TINY.values()]) for i in (0, 1))
    quantities = {
        "M4 cycles per M7 cycle": (M4_HZ / m4[:, 0]) / (M7_HZ / m7[:, 0]),
        "M4 nJ per cycle": 1e3 * m4[:, 1] * m4[:, 0] / M4_HZ,
        "M7 nJ per cycle": 1e3 * m7[:, 1] * m7[:, 0] / M7_HZ,
    }
    package = [
        M4_CYCLES_PER_M7_CYCLE,
        COST_MODELS["cortex-m4"].energy_nj_per_cycle,
        COST_MODELS["cortex-m7"].energy_nj_per_cycle,
    ]
    rows, figures = [], {}
    for (name, values), used in zip(quantities.items(), package, strict=True):
        mean, errors = float(np.exp(np.log(values).mean())), np.abs(left_out_errors(values))
        rows.append([name, f"{mean:.3f}", used, f"{errors.mean():.1%}", f"{errors.max():.1%}"])
        figures[name] = {
            "mean": mean,
            "left_out_error_mean": float(errors.mean()),
            "left_out_error_worst": float(errors.max()),
        }
    columns = ["quantity", "mean", "in the package", "left out: mean", "worst"]
    show("Cortex-M4 and energy, from four MLPerf Tiny networks", columns, rows)
    return figures


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
    used = COST_MODELS["cortex-m7"].cycles_per
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
        "m4_and_energy": measure_m4_and_energy(),
    }


if __name__ == "__main__":
    main(__doc__, measure)
