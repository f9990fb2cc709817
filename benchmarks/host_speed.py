"""Networks as C on this machine against TF-Lite Micro's interpreter: median times, in turn.

Each public file becomes C, a library of this machine, and runs one input; then the interpreter of
the `tflite-micro` wheel (its reference kernels) runs the same input, and so on. What is timed is
what a caller waits for: an array goes in, an array comes out. Bound: faster on each file. The files
are not part of the repository: ``TINYML_TEST_MODELS`` names their folder, or they lie in
``../shared/models``.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import main, show
from tqdm.auto import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from tflite_micro_runs import MODELS, Micro, images, models_folder

from tinyml_course.firmware import HostNetwork, generate
from tinyml_course.graph import count_macs, from_tflite
from tinyml_course.mcu import plan

SECONDS = 3.0
LEAST_ROUNDS, MOST_ROUNDS = 50, 20_000
INPUTS = 8


def measure_file(path: Path) -> dict[str, Any]:
    """One file: equal bytes, median milliseconds of both."""
    graph = from_tflite(path)
    host, micro = HostNetwork(generate(plan(graph))), Micro(path).interpreter
    inputs = list(images(graph, INPUTS))
    ours, theirs = [], []
    different = outputs = 0
    end = time.perf_counter() + SECONDS
    while len(ours) < LEAST_ROUNDS or (time.perf_counter() < end and len(ours) < MOST_ROUNDS):
        x = inputs[len(ours) % len(inputs)]
        start = time.perf_counter()
        found = host.run(x)
        between = time.perf_counter()
        micro.set_input(x, 0)
        micro.invoke()
        expected = micro.get_output(0)
        done = time.perf_counter()
        ours.append(between - start)
        theirs.append(done - between)
        different += found.tobytes() != expected.tobytes()
        outputs += 1
    mine, other = float(np.median(ours)), float(np.median(theirs))
    return {
        "macs": count_macs(graph),
        "rounds": outputs,
        "equal_outputs": outputs - different,
        "host_ms": round(mine * 1e3, 5),
        "tflite_micro_ms": round(other * 1e3, 5),
        "times_faster": round(other / mine, 2),
        # What other processes take away is not in the quickest rounds.
        "times_faster_quickest": round(min(theirs) / min(ours), 2),
        "verdict": "PASS" if mine < other and min(ours) < min(theirs) and not different else "MISS",
    }


def measure() -> dict[str, Any]:
    """All files."""
    files = {}
    for name in tqdm(MODELS, unit="file"):
        path = models_folder() / f"{name}.tflite"
        if not path.is_file():
            sys.exit(f"there is no file {path}; set TINYML_TEST_MODELS to a folder with the files")
        files[name] = measure_file(path)
    show(
        "C on this machine against TF-Lite Micro's interpreter, median ms, measured in turn",
        ["file", "kMACs", "rounds", "outputs equal", "C", "TFLM", "times faster", "quickest", ""],
        [
            [
                name,
                f"{f['macs'] / 1e3:,.0f}",
                f["rounds"],
                f["equal_outputs"],
                f"{f['host_ms']:.4f}",
                f"{f['tflite_micro_ms']:.4f}",
                f"{f['times_faster']:.2f}",
                f"{f['times_faster_quickest']:.2f}",
                f["verdict"],
            ]
            for name, f in files.items()
        ],
    )
    return {"files": files}


if __name__ == "__main__":
    main(__doc__ or "", measure)
