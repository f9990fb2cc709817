"""Public .tflite files give TF-Lite Micro's bytes, and the emulator runs them as fast or faster.

Each file is run on random inputs and on the two extremes, in turn by the interpreter of the
`tflite-micro` wheel (its reference kernels, one thread) and by the emulator with arena tracking on,
laid out by the default planner. Bound: above 2 MMAC the emulator is faster, below it takes less
than 3 ms. The files are not part of the repository: ``TINYML_TEST_MODELS`` names their folder, or
they lie in ``../shared/models``.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import main, show

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from tflite_micro_runs import MODELS, Micro, images, models_folder

from tinyml_course.graph import count_macs, from_tflite
from tinyml_course.mcu import Emulator, plan

INPUTS = 50
FASTER_ABOVE_MACS = 2_000_000
SMALL_LIMIT_MS = 3.0


def measure_file(path: Path) -> dict[str, Any]:
    """One file: bytes that are equal, median milliseconds of both."""
    graph = from_tflite(path)
    emulator, micro = Emulator(graph, plan(graph)), Micro(path)
    equal = outputs = 0
    ours_ms, theirs_ms = [], []
    for x in images(graph, INPUTS):
        start = time.perf_counter()
        expected = micro.run(x)
        between = time.perf_counter()
        output = emulator.run(x).output
        ours_ms.append((time.perf_counter() - between) * 1e3)
        theirs_ms.append((between - start) * 1e3)
        bytes_of = [np.frombuffer(y.tobytes(), np.uint8) for y in (output, expected)]
        equal += int((bytes_of[0] == bytes_of[1]).sum())
        outputs += expected.nbytes
    macs, ours, theirs = count_macs(graph), np.median(ours_ms), np.median(theirs_ms)
    return {
        "operators": len(graph.operators),
        "macs": macs,
        "inputs": len(ours_ms),
        "output_bytes": outputs,
        "equal_bytes": equal,
        "emulator_ms": round(float(ours), 3),
        "tflite_micro_ms": round(float(theirs), 3),
        "within_bound": bool(ours < theirs if macs > FASTER_ABOVE_MACS else ours < SMALL_LIMIT_MS),
    }


def measure() -> dict[str, Any]:
    files = {}
    for name in MODELS:
        path = models_folder() / f"{name}.tflite"
        if not path.is_file():
            sys.exit(f"there is no file {path}; set TINYML_TEST_MODELS to a folder with the files")
        files[name] = measure_file(path)
    show(
        f"Bytes equal to TF-Lite Micro's over {INPUTS} inputs and extremes; median ms",
        ["file", "ops", "kMACs", "equal", "emulator", "TFLM", "bound"],
        [
            [
                name,
                f["operators"],
                f"{f['macs'] / 1e3:,.0f}",
                f"{f['equal_bytes']}/{f['output_bytes']}",
                f"{f['emulator_ms']:.2f}",
                f"{f['tflite_micro_ms']:.2f}",
                "met" if f["within_bound"] else "MISSED",
            ]
            for name, f in files.items()
        ],
    )
    return {"files": files}


if __name__ == "__main__":
    main(__doc__, measure)
