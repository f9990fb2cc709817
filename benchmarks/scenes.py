"""The data set `persons`: how fast it is drawn, and what can be guessed without seeing shapes.

Drawing is timed on one core. Then logistic regression on the pixels, and logistic regression and
boosted trees on colour histograms, on three data sets of different seeds. How strongly the
regressions are regularized is chosen on the validation split.
"""

import time
from typing import Any

import numpy as np
from harness import main, show
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tinyml_course.data import DataSet, Split, load_persons
from tinyml_course.data.scenes import scenes

SEEDS = (20, 21, 22)
"""Of data sets by which nothing was chosen: neither how scenes are drawn nor how to train."""
TIMED = (32, 64, 96, 224)
TIMED_IMAGES = 200
REGULARIZATION = (1e-4, 1e-3, 1e-2)
PLAIN = 32
"""Rows and columns for the models that know no shapes: more pixels only make them overfit."""

Features = NDArray[np.float32]


def measure() -> dict[str, Any]:
    speed = {str(r): round(images_per_second(r)) for r in TIMED}
    show("Drawing, one core", ["pixels", "images per second"], [*speed.items()])
    return {
        "images_per_second": speed,
        "resolution": PLAIN,
        "seeds": list(SEEDS),
        "test_accuracy": without_shapes(),
    }


def images_per_second(resolution: int) -> float:
    """The best of three, in CPU time: other work on the machine only ever adds."""

    def seconds() -> float:
        start = time.process_time()
        scenes((0, 9), TIMED_IMAGES, resolution)
        return time.process_time() - start

    return TIMED_IMAGES / min(seconds() for _ in range(3))


def without_shapes() -> dict[str, Any]:
    """Test accuracy of models that cannot see shapes; every seed draws a data set of its own."""
    results: dict[str, list[float]] = {
        "logistic_regression_on_pixels": [],
        "logistic_regression_on_colour_histograms": [],
        "boosted_trees_on_colour_histograms": [],
    }
    for seed in SEEDS:
        dataset = load_persons(PLAIN, seed=seed, progress=False)
        pixel_splits, colour_splits = (
            [features(split) for split in (dataset.train, dataset.validation, dataset.test)]
            for features in (pixels, histograms)
        )
        trees = HistGradientBoostingClassifier(random_state=seed, early_stopping=True)
        trees.fit(colour_splits[0], dataset.train.labels)
        scores = (
            regression(dataset, *pixel_splits),
            regression(dataset, *colour_splits),
            float(trees.score(colour_splits[2], dataset.test.labels)),
        )
        for values, score in zip(results.values(), scores, strict=True):
            values.append(score)
    show(
        f"Without shapes, {PLAIN} pixels: test accuracy",
        ["model", *(f"seed {seed}" for seed in SEEDS)],
        [[name, *(f"{value:.1%}" for value in values)] for name, values in results.items()],
    )
    return results


def regression(dataset: DataSet, train: Features, validation: Features, test: Features) -> float:
    """Logistic regression, regularized as is best on the validation split."""
    fitted = [
        make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300)).fit(
            train, dataset.train.labels
        )
        for c in REGULARIZATION
    ]
    best = max(fitted, key=lambda model: model.score(validation, dataset.validation.labels))
    return float(best.score(test, dataset.test.labels))


def pixels(split: Split) -> Features:
    """``(N, 3 * R * R)``."""
    return split.images.reshape(len(split), -1)


def histograms(split: Split) -> Features:
    """The share of the pixels in each of 64 colours and 48 levels of one, ``(N, 112)``."""
    levels = np.rint(split.images * 255).astype(np.int64).reshape(len(split), 3, -1)
    coarse = levels >> 6
    joint = coarse[:, 0] * 16 + coarse[:, 1] * 4 + coarse[:, 2]
    counts = [
        np.concatenate(
            [
                np.bincount(colours, minlength=64),
                *(np.bincount(c >> 4, minlength=16) for c in image),
            ]
        )
        for colours, image in zip(joint, levels, strict=True)
    ]
    return (np.stack(counts) / levels.shape[-1]).astype(np.float32)


if __name__ == "__main__":
    main(__doc__, measure)
