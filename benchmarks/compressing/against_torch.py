"""Beside torch's own pruning and quantizer: same network, same data.

Masks against ``torch.nn.utils.prune``, where the criterion is the same: entry by entry. int8
against torchao's pt2e flow with its x86 quantizer (8 bits, one scale for each output channel of a
weight), calibrated on the same images. Its ranges are those of least squared error
(``HistogramObserver``), as ours are with ``method="mse"``; minmax, our default, stands beside them.
"""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from compressing import fashion
from compressing.low_bits import Trained
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import prune

from tinyml_course import pruning as p
from tinyml_course.data import Split
from tinyml_course.graph import from_torch
from tinyml_course.models.fit import accuracy, predict

SPARSITIES = (0.1, 0.37, 0.5, 0.8, 0.95)
BATCH, TEST = 500, 10_000
METHODS = ("minmax", "mse")

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def measure(net: Trained) -> dict[str, Any]:
    """Of one seed; accuracies are of all test images."""
    test, calibration = fashion.images(28, 1, 1, TEST).test, net.calibration
    ours = {
        f"ours, {method}": fashion.integer_accuracy(
            from_torch(net.model, calibration, method=method), test
        )
        for method in METHODS
    }
    return {
        "masks": masks(net.model),
        "float": accuracy(predict(net.model, test), test.labels),
        **ours,
        "torchao": accuracy(by_torchao(net.model, calibration, test), test.labels),
    }


CRITERIA: dict[str, Callable[[Floats, float], Mask]] = {
    "magnitude": p.fine_grained_mask,
    "channels, L1": lambda w, sparsity: p.channel_mask(w, sparsity, np.abs(w)),
    "channels, L2": p.channel_mask,
}


def masks(model: nn.Module) -> dict[str, dict[str, int]]:
    """Entries compared and entries that differ, by criterion; over layers and sparsities."""
    found = {name: {"entries": 0, "differ": 0} for name in (*CRITERIA, "magnitude, global")}

    def compare(criterion: str, ours: Mask, theirs: Mask) -> None:
        found[criterion]["entries"] += ours.size
        found[criterion]["differ"] += int((ours != theirs).sum())

    for sparsity in SPARSITIES:
        weights = p.weight_arrays(model)
        for criterion, make in CRITERIA.items():
            for weight in weights.values():
                compare(criterion, make(weight, sparsity), by_torch(criterion, weight, sparsity))
        theirs = by_torch_globally(model, sparsity)
        for name, mask in p.global_masks(weights, sparsity).items():
            compare("magnitude, global", mask, theirs[name])
    return found


def by_torch(criterion: str, weight: Floats, sparsity: float) -> Mask:
    """Of one layer's weight, by `torch.nn.utils.prune`."""
    holder = nn.Module()
    holder.register_parameter("weight", nn.Parameter(torch.from_numpy(weight.copy())))
    if criterion == "magnitude":
        prune.l1_unstructured(holder, "weight", amount=sparsity)
    else:
        prune.ln_structured(holder, "weight", amount=sparsity, n=int(criterion[-1]), dim=0)
    return holder.weight_mask.bool().numpy()


def by_torch_globally(model: nn.Module, sparsity: float) -> dict[str, Mask]:
    """Of all layers at once; a copy is pruned."""
    copied = copy.deepcopy(model)
    names = [name.removesuffix(".weight") for name in p.prunable_weights(copied)]
    layers = {name: copied.get_submodule(name) for name in names}
    prune.global_unstructured(
        [(layer, "weight") for layer in layers.values()], prune.L1Unstructured, amount=sparsity
    )
    return {f"{name}.weight": layer.weight_mask.bool().numpy() for name, layer in layers.items()}


def by_torchao(model: nn.Module, calibration: torch.Tensor, split: Split) -> NDArray[np.int64]:
    """The class that torchao's quantized network gives to every image."""
    warnings.filterwarnings("ignore")  # of parts for other hardware
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    batch = torch.export.Dim("batch", min=2, max=4096)
    exported = torch.export.export(model.eval(), (calibration,), dynamic_shapes=({0: batch},))
    how = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(exported.module(), how)
    with torch.no_grad():
        prepared(calibration)
        converted = convert_pt2e(prepared)
        return predict(converted, split, BATCH)
