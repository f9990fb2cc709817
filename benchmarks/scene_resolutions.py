"""What a small network reaches on `persons`, at four resolutions, with three data sets.

`compact` learns at each resolution with the same epochs, step size and weight decay, half of the
images mirrored; these were chosen on the validation split of scenes of another seed. Every seed
draws a data set of its own, and the weights. Test accuracy is given, and of the persons in the test
split how many are found, by how high they are.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from harness import main, show
from scenes import SEEDS

from tinyml_course import models
from tinyml_course.data import load_persons
from tinyml_course.data.scenes import compose
from tinyml_course.models.augmentation import mirrored
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.models.torch_network import build

RESOLUTIONS = (32, 48, 64, 96)
EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 15, 32, 0.05, 1e-3
SIZES = (0.2, 0.4, 0.6, 0.91)
"""Heights of persons, as shares of the picture's, between which errors are counted."""
WORKERS = 2
TEST_SPLIT = 2
"""Its number in the key of a scene."""


def trained(seed: int, resolution: int) -> dict[str, Any]:
    """One network on one data set."""
    torch.set_num_threads(1)
    dataset = load_persons(resolution, seed=seed, progress=False)
    definition = models.compact(resolution, 3, 2)
    # Channels last is the same network, faster on a CPU.
    network = build(definition, seed).to(memory_format=torch.channels_last)
    done = fit(
        network,
        dataset,
        epochs=EPOCHS,
        seed=seed,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        loss=mirrored(seed),
        progress=False,
    )
    predicted = predict(network, dataset.test)
    pairs = range(len(dataset.test) // 2)
    heights = np.array([compose((seed, TEST_SPLIT, pair)).spot.size for pair in pairs])
    found = predicted[1::2] == 1  # every second image shows a person
    return {
        "resolution": resolution,
        "seed": seed,
        "params": sum(weight.numel() for weight in network.parameters()),
        "validation": done.validation_accuracy,
        "test": accuracy(predicted, dataset.test.labels),
        "found": [float(found[(a <= heights) & (heights < b)].mean()) for a, b in pairwise(SIZES)],
    }


def measure() -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        wanted = product(SEEDS, reversed(RESOLUTIONS))
        runs = [job.result() for job in [pool.submit(trained, *one) for one in wanted]]

    def of(resolution: int, figure: str) -> Any:
        return np.array([run[figure] for run in runs if run["resolution"] == resolution])

    summary = {
        str(r): {
            "mean": float(of(r, "test").mean()),
            "least": float(of(r, "test").min()),
            "found": of(r, "found").mean(0).tolist(),
        }
        for r in RESOLUTIONS
    }
    show(
        f"compact on persons, {EPOCHS} epochs, {len(SEEDS)} data sets: test accuracy",
        ["pixels", "mean", "least", *(f"found, {a:g} to {b:g} high" for a, b in pairwise(SIZES))],
        [
            [r, f"{row['mean']:.1%}", f"{row['least']:.1%}", *(f"{x:.1%}" for x in row["found"])]
            for r, row in summary.items()
        ],
    )
    return {"epochs": EPOCHS, "heights": SIZES, "summary": summary, "runs": runs}


if __name__ == "__main__":
    main(__doc__, measure)
