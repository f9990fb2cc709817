"""The main job on real digits: float against int8 over seeds, plan against emulator, bit for bit.

For each seed a network is trained, quantized and run on the emulated board over the whole test
split. Printed: both accuracies and their difference, the plan's peak beside the one measured in
the emulator's arena, and on how many of 200 inputs the output equals the reference operators'.
"""

import time
from typing import Any

import numpy as np
from harness import main, show

from tinyml_course.deploy import Options, deploy
from tinyml_course.mcu import board

SEEDS = range(5)


def measure() -> dict[str, Any]:
    rows, figures = [], []
    for seed in SEEDS:
        start = time.perf_counter()
        done = deploy(Options("digits", board("stm32f746"), "tight", seed=seed), False)
        seconds = time.perf_counter() - start
        scores, checks = done.accuracy, done.checks
        difference = scores.int8 - scores.float32
        figures.append(
            {
                "seed": seed,
                "float32": scores.float32,
                "int8": scores.int8,
                "difference": difference,
                "plan_peak_bytes": checks.plan_peak_bytes,
                "emulator_peak_bytes": checks.emulator_peak_bytes,
                "reference_equal": checks.reference_equal,
                "reference_images": checks.reference_images,
                "seconds": round(seconds, 1),
            }
        )
        rows.append(
            [
                seed,
                f"{scores.float32:.2%}",
                f"{scores.int8:.2%}",
                f"{100 * difference:+.2f}",
                f"{checks.plan_peak_bytes:,}",
                f"{checks.emulator_peak_bytes:,}",
                f"{checks.reference_equal}/{checks.reference_images}",
                f"{seconds:.1f}",
            ]
        )
    show(
        "digits on STM32F746",
        ["seed", "float", "int8", "points", "plan B", "emulator B", "equal", "seconds"],
        rows,
    )
    worst = float(min(f["difference"] for f in figures))
    print(f"worst difference: {100 * worst:+.2f} percentage points (360 test images)")
    means = {k: float(np.mean([f[k] for f in figures])) for k in ("float32", "int8")}
    return {"runs": figures, "worst_difference": worst, "mean": means}


if __name__ == "__main__":
    main(__doc__, measure)
