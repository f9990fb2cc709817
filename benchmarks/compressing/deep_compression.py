"""The chain of Deep Compression on LeNet-300-100, down to the bytes (Han et al. 2016, section 5.1).

Trained, pruned in rounds by global magnitude with the masks held, weights shared by k-means with
zeros kept, centroids fine-tuned, gaps and codes Huffman-coded. After that everything is decoded
from its bytes, and what is decoded is measured. Sparsity and bits are chosen on the validation
split: the fewest bytes that lose at most `ALLOWED` there.
"""

from typing import Any

import torch
from compressing import fashion
from torch import nn

from tinyml_course import pruning as p
from tinyml_course import quantization as q
from tinyml_course.data import DataSet
from tinyml_course.pruning.masks import to_tensors

DENSE_EPOCHS, DENSE_RATE, DECAY = 15, 0.05, 5e-4
SPARSITIES = (0.7, 0.8, 0.86, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98)
ROUND_EPOCHS, ROUND_RATE = 4, 0.02
SHARED_FROM = 0.92
"""Sparsities from here on go through the rest of the chain."""
BITS = (4, 3)
SHARED_EPOCHS, SHARED_RATE = 2, 0.02
ALLOWED = 0.002
"""Loss of validation accuracy, well below the half point that is allowed on the test split."""


def lenet_300_100(seed: int) -> nn.Sequential:
    """Two hidden layers, 266,610 parameters (LeCun et al. 1998)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 300),
            nn.ReLU(),
            nn.Linear(300, 100),
            nn.ReLU(),
            nn.Linear(100, 10),
        )


def measure(seed: int) -> dict[str, Any]:
    """The whole chain, of one seed."""
    torch.set_num_threads(1)
    data = fashion.images(28, 50_000, 10_000, 10_000)
    model = lenet_300_100(seed)
    how = {"learning_rate": DENSE_RATE, "weight_decay": DECAY}
    fashion.trained(model, data, seed, epochs=DENSE_EPOCHS, **how)
    dense = {
        "bytes": 4 * sum(w.numel() for w in model.parameters()),
        "validation": fashion.validation_accuracy(model, data),
        "test": fashion.test_accuracy(model, data),
    }
    candidates = []
    for number, sparsity in enumerate(SPARSITIES):
        masks = to_tensors(p.global_masks(p.weight_arrays(model), sparsity))
        p.fine_tune(
            model,
            masks,
            data,
            epochs=ROUND_EPOCHS,
            seed=seed + number,
            learning_rate=ROUND_RATE,
            progress=False,
        )
        if sparsity >= SHARED_FROM:
            candidates += [shared(model, data, sparsity, bits, seed) for bits in BITS]
    good = [c for c in candidates if c["validation"] >= dense["validation"] - ALLOWED]
    chosen = min(good, key=lambda c: c["bytes"]["coded"])
    return {"dense": dense, "chosen": chosen, "candidates": candidates}


def shared(
    pruned: nn.Module, data: DataSet, sparsity: float, bits: int, seed: int
) -> dict[str, Any]:
    """The rest of the chain, and what is read back from its bytes."""
    how = {"seed": seed, "learning_rate": SHARED_RATE, "progress": False}
    before = q.compress_network(pruned, data, bits, epochs=0, **how)
    after = q.compress_network(pruned, data, bits, epochs=SHARED_EPOCHS, **how)
    written = sum(len(layer.to_bytes()) for layer in after.layers.values())
    biases = sum(4 * after.network.bias(name).numel() for name in after.layers)
    assert written + biases == after.stage_bytes["coded"]
    return {
        "sparsity": sparsity,
        "bits": bits,
        "pruned_test": fashion.test_accuracy(pruned, data),
        "before_tuning_test": fashion.test_accuracy(before.network, data),
        "validation": fashion.validation_accuracy(after.network, data),
        "test": fashion.test_accuracy(after.network, data),
        "bytes": after.stage_bytes,
    }
