"""Fashion-MNIST as the compression benchmarks use it, and what is told of several seeds."""

import copy
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tinyml_course.data import DataSet, Split, load, resize
from tinyml_course.graph import Graph
from tinyml_course.mcu import Emulator, plan
from tinyml_course.models.fit import accuracy, fit, predict

Summary = dict[str, float]


def images(resolution: int, train: int, validation: int, test: int) -> DataSet:
    """The first images of each split; ``TINYML_TEST_DATA`` names the folder they lie in."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    data = load("fashion_mnist", os.environ.get("TINYML_TEST_DATA", beside))

    def some(split: Split, count: int) -> Split:
        return Split(split.images[:count], split.labels[:count])

    few = replace(
        data,
        train=some(data.train, train),
        validation=some(data.validation, validation),
        test=some(data.test, test),
    )
    return resize(few, resolution)


def trained(model: nn.Module, data: DataSet, seed: int, **how: Any) -> nn.Module:
    """The model, trained in place."""
    fit(model, data, seed=seed, progress=False, **how)
    return model


def tuned(
    model: nn.Module, data: DataSet, seed: int, *, epochs: int, rates: Sequence[float]
) -> tuple[float, Any]:
    """Copies of the model, each trained at a rate: the better on validation, and its rate."""
    tried = [
        (rate, trained(copy.deepcopy(model), data, seed, epochs=epochs, learning_rate=rate))
        for rate in rates
    ]
    return max(tried, key=lambda one: validation_accuracy(one[1], data))


def test_accuracy(model: nn.Module, data: DataSet) -> float:
    """Of the float network, or of a simulated one."""
    return accuracy(predict(model, data.test), data.test.labels)


def validation_accuracy(model: nn.Module, data: DataSet) -> float:
    """On the images by which things are chosen."""
    return accuracy(predict(model, data.validation), data.validation.labels)


def integer_accuracy(graph: Graph, split: Split) -> float:
    """Of the graph, integer by integer on the emulated board."""
    emulator = Emulator(graph, plan(graph))
    classes = [emulator.run(image).values.argmax() for image in split.channels_last()]
    return accuracy(np.array(classes), split.labels)


def summary(values: Sequence[float]) -> Summary:
    """Mean, and the standard deviation over seeds."""
    return {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}


def percent(values: Summary) -> str:
    """Such as ``89.31% ± 0.12``."""
    return f"{values['mean']:.2%} ± {100 * values['std']:.2f}"


def tensor(split: Split, count: int) -> torch.Tensor:
    """The first images ``(N, C, H, W)``."""
    return torch.from_numpy(split.images[:count])
