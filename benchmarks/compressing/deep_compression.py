"""The chain of Deep Compression on LeNet-300-100, down to the bytes (Han et al. 2016, section 5.1).

Trained, pruned in rounds by global magnitude with the masks held, weights shared by k-means with
zeros kept, centroids fine-tuned, gaps and codes Huffman-coded. After that everything is decoded
from its bytes, and what is decoded is measured. Sparsity and bits are chosen on the validation
split: the fewest bytes that lose at most `ALLOWED` there.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from compressing import fashion
from torch import nn

from tinyml_course import pruning as p
from tinyml_course import quantization as q
from tinyml_course.data import DataSet
from tinyml_course.pruning.masks import to_tensors
from tinyml_course.quantization.deep_compression import from_bytes

DENSE_EPOCHS, DENSE_RATE, DECAY = 15, 0.05, 5e-4
SPARSITIES = (0.7, 0.8, 0.86, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98)
ROUND_EPOCHS, ROUND_RATE = 4, 0.02
SHARED_FROM = 0.9
"""Sparsities from here on go through the rest of the chain."""
BITS = (5, 4, 3)
SHARED_EPOCHS, SHARED_RATE = 2, 0.002
INDEX_BITS = range(3, 9)
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
    """Share, fine-tune, code, decode, measure."""
    calibration = fashion.tensor(data.train, 64)
    network = q.QuantizableNetwork(copy.deepcopy(pruned), calibration)
    names = [layer.name for layer in network.weighted()]
    quantizers = {n: q.SharedWeights(network.weight(n), bits, keep_zero=True) for n in names}
    network.quantize_weights(quantizers)
    before = fashion.test_accuracy(network, data)
    fashion.trained(
        network, data, seed, epochs=SHARED_EPOCHS, learning_rate=SHARED_RATE, weight_decay=0.0
    )
    codebooks = {name: quantizer.codebook() for name, quantizer in quantizers.items()}
    sizes, layers = stored(codebooks)
    biases = sum(4 * network.bias(name).numel() for name in names)
    network.free_weights()
    with torch.no_grad():
        for name, layer in layers.items():
            network.weight(name).copy_(torch.from_numpy(layer.weights()))
    return {
        "sparsity": sparsity,
        "bits": bits,
        "pruned_test": fashion.test_accuracy(pruned, data),
        "before_tuning_test": before,
        "validation": fashion.validation_accuracy(network, data),
        "test": fashion.test_accuracy(network, data),
        "bytes": {stage: size + biases for stage, size in sizes.items()},
    }


def stored(
    codebooks: Mapping[str, q.Codebook],
) -> tuple[dict[str, int], dict[str, q.CompressedLayer]]:
    """Bytes after each stage, and the layers decoded from the bytes of the last."""
    sizes, layers = {"pruned": 0, "shared": 0, "coded": 0}, {}
    for name, codebook in codebooks.items():
        weight = codebook.weights().reshape(-1, 1)
        sizes["pruned"] += min(p.relative_index_bytes(weight, bits, 32) for bits in INDEX_BITS)
        entries = min(p.relative_index_bytes(weight, bits, codebook.bits) for bits in INDEX_BITS)
        sizes["shared"] += entries + 4 * np.count_nonzero(codebook.centroids)
        layer = min((q.compress(codebook, b) for b in INDEX_BITS), key=lambda c: c.size_bytes)
        data = layer.to_bytes()
        assert len(data) == layer.size_bytes
        sizes["coded"] += len(data)
        layers[name] = from_bytes(data, layer.shape, layer.index_bits, layer.code_bits)
    return {stage: int(size) for stage, size in sizes.items()}, layers
