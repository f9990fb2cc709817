"""Networks of torchvision and of the MCUNet family become int8 graphs that keep their answers.

There are no pretrained weights offline, so each network is trained here for two to six epochs on
2,048 images of Fashion-MNIST (scikit-learn's digits where that is not at hand), enlarged and given
three equal channels, and its batch-norm statistics are then averaged over 512 of them: enough for
real weights, statistics and ranges, far from the accuracy it could reach. Printed, on 200 test
images: top-1 of the float network and of the int8 graph on the emulator, how often the two agree,
and the signal-to-noise ratio of the logits, in decibels; then, for one network, all ways to choose
the ranges. ``TINYML_TEST_DATA`` names the folder with Fashion-MNIST, by default ``../shared/data``.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import main, show

from tinyml_course.data import DataSet, Split, load, resize
from tinyml_course.errors import DataError
from tinyml_course.graph import Graph, from_torch
from tinyml_course.graph.torch_importer import CALIBRATIONS
from tinyml_course.mcu import Emulator, plan
from tinyml_course.models import definition
from tinyml_course.models.fit import fit
from tinyml_course.models.torch_network import build
from tinyml_course.torchvision_repair import import_torchvision

TRAINING, CALIBRATION, TEST = 2048, 64, 200
ZOO = {
    # resolution, learning rate, epochs; SqueezeNet has no batch norm
    "mobilenet_v2": (64, 0.05, 2),
    "resnet18": (32, 0.02, 2),
    "squeezenet1_1": (64, 0.005, 6),
    "mobilenet_v3_small": (64, 0.05, 6),
}
FAMILY = ("in0@48", "vww0@64", "proxyless@64", "mbv2w0.3@64")
COMPARED = "in0@48"
"""The network whose ranges are chosen in every way."""


def images() -> DataSet:
    """The first images of each split, in three equal channels."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    try:
        data = load("fashion_mnist", os.environ.get("TINYML_TEST_DATA", beside))
    except DataError:
        data = load("digits")

    def some(split: Split, count: int) -> Split:
        return Split(np.repeat(split.images[:count], 3, axis=1), split.labels[:count])

    return replace(
        data,
        train=some(data.train, TRAINING),
        validation=some(data.validation, TEST),
        test=some(data.test, TEST),
    )


def networks() -> dict[str, tuple[int, float, int, Callable[[], torch.nn.Module]]]:
    """Resolution, learning rate, epochs and maker of every network, for ten classes."""
    import_torchvision()
    from torchvision import models

    def from_zoo(name: str) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module: torch.nn.Module = getattr(models, name)(weights=None, num_classes=10)
            return module

    made = {name: (*how, lambda name=name: from_zoo(name)) for name, how in ZOO.items()}
    for name in FAMILY:
        net = replace(definition(name), classes=10)
        made[name] = (net.resolution, 0.1, 2, lambda net=net: build(net, 0))
    return made


def settle_statistics(module: torch.nn.Module, images: torch.Tensor) -> None:
    """Batch-norm statistics as the mean over some batches; a short training leaves old ones."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None  # the plain mean
    module.train()
    with torch.no_grad():
        for batch in images.split(64):
            module(batch)
    module.eval()


def measure_graph(graph: Graph, test: Split, logits: np.ndarray) -> dict[str, float]:
    """The emulated graph beside the float network's logits."""
    emulator = Emulator(graph, plan(graph))
    values = np.concatenate([emulator.run(image).values for image in test.channels_last()])
    error = ((logits - values) ** 2).sum()
    return {
        "int8_top1": float((values.argmax(1) == test.labels).mean()),
        "agreement": float((values.argmax(1) == logits.argmax(1)).mean()),
        "snr_db": round(float(10 * np.log10((logits**2).sum() / error)), 1),
    }


def measure() -> dict[str, Any]:
    data = images()
    figures, methods = {}, {}
    for name, (resolution, rate, epochs, make) in networks().items():
        start = time.perf_counter()
        own, module = resize(data, resolution), make()
        fit(module, own, epochs=epochs, seed=0, learning_rate=rate, progress=False)
        settle_statistics(module, torch.from_numpy(own.train.images[:512]))
        calibration = torch.from_numpy(own.train.images[:CALIBRATION])
        with torch.no_grad():
            logits = module(torch.from_numpy(own.test.images)).double().numpy()
        graph = from_torch(module, calibration)
        figures[name] = {
            "resolution": resolution,
            "epochs": epochs,
            "operators": len(graph.operators),
            "float_top1": float((logits.argmax(1) == own.test.labels).mean()),
            **measure_graph(graph, own.test, logits),
        }
        if name == COMPARED:
            for method in CALIBRATIONS:
                chosen = from_torch(module, calibration, method=method)
                methods[method] = measure_graph(chosen, own.test, logits)
        figures[name]["seconds"] = round(time.perf_counter() - start, 1)
    show(
        f"{data.name}: trained on {TRAINING} images from random weights; {TEST} test images",
        ["network", "input", "epochs", "ops", "float", "int8", "agree", "SNR dB", "s"],
        [
            [name, f["resolution"], f["epochs"], f["operators"], *_scores(f), f"{f['seconds']:.0f}"]
            for name, f in figures.items()
        ],
    )
    top1 = figures[COMPARED]["float_top1"]
    show(
        f"{COMPARED}, ranges chosen by",
        ["method", "float", "int8", "agree", "SNR dB"],
        [[method, *_scores({"float_top1": top1, **f})] for method, f in methods.items()],
    )
    return {"data": data.name, "networks": figures, "calibration": {COMPARED: methods}}


def _scores(f: dict[str, Any]) -> list[str]:
    shares = (f"{f[key]:.1%}" for key in ("float_top1", "int8_top1", "agreement"))
    return [*shares, f"{f['snr_db']:.1f}"]


if __name__ == "__main__":
    main(__doc__, measure)
