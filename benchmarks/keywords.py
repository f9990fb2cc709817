"""The reference keyword network on real clips: accuracy, and equality with TF-Lite Micro.

MLPerf Tiny's `kws_ref_model` hears 600 clips of the Speech Commands test set, 50 of each class, on
the emulated board and in the interpreter of the `tflite-micro` wheel. On all 4,890 clips of that
set it is published with 91.9 %. Neither the file nor the clips are part of the repository:
``TINYML_TEST_MODELS`` and ``TINYML_TEST_DATA`` name their folders, by default ``../shared/models``
and ``../shared/data``.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import main, show

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from public_files import models_folder
from speech_clips import clips, clips_archive
from tflite_micro_runs import Micro

from tinyml_course.data.keywords import CLASSES, mfcc
from tinyml_course.graph import from_tflite, quantize
from tinyml_course.mcu import Emulator, plan

PER_CLASS = 50


def measure() -> dict[str, Any]:
    path = models_folder() / "kws_ref_model.tflite"
    for file in (path, clips_archive()):
        if not file.is_file():
            sys.exit(f"there is no file {file}; set TINYML_TEST_MODELS and TINYML_TEST_DATA")
    graph = from_tflite(path)
    emulator, micro = Emulator(graph, plan(graph)), Micro(path)
    right: dict[str, list[bool]] = {name: [] for name in CLASSES}
    equal, times_ms = 0, []
    for label, samples in clips(PER_CLASS):
        start = time.perf_counter()
        features = mfcc(samples)
        between = time.perf_counter()
        x = quantize(features[np.newaxis], graph.input.quantization)
        output = emulator.run(x).output
        times_ms.append(((between - start) * 1e3, (time.perf_counter() - between) * 1e3))
        equal += output.tobytes() == micro.run(x).tobytes()
        right[CLASSES[label]].append(bool(output.argmax() == label))
    total = sum(map(len, right.values()))
    accuracy = sum(map(sum, right.values())) / total
    features_ms, network_ms = (float(np.median(column)) for column in zip(*times_ms, strict=True))
    show(
        f"kws_ref_model on {total} clips: {accuracy:.2%} right, {equal} equal to TF-Lite Micro",
        ["class", "right", "of"],
        [[name, sum(hits), len(hits)] for name, hits in right.items()],
    )
    print(f"median: features {features_ms:.2f} ms, network {network_ms:.2f} ms")
    return {
        "clips": total,
        "accuracy": round(accuracy, 4),
        "equal_to_tflite_micro": equal,
        "right_by_class": {name: sum(hits) for name, hits in right.items()},
        "features_ms": round(features_ms, 2),
        "network_ms": round(network_ms, 2),
    }


if __name__ == "__main__":
    main(__doc__, measure)
