"""Deep Compression as a whole: a pruned network's weights shared, tuned, coded, and read back.

Han et al. 2016, sections 3 and 4. The first stage, pruning, is `tinyml_course.pruning`'s; this
takes a network whose pruned weights are exactly 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tinyml_course.data import DataSet
from tinyml_course.models.fit import fit
from tinyml_course.pruning.relative_index import relative_index_bytes
from tinyml_course.quantization.codebook import CENTROID_BYTES, Codebook
from tinyml_course.quantization.deep_compression import CompressedLayer, compress, from_bytes
from tinyml_course.quantization.network import QuantizableNetwork
from tinyml_course.quantization.shared_weights import SharedWeights

INDEX_BITS = range(3, 9)
"""Of a gap; each layer takes what makes it smallest."""
FLOAT_BYTES = 4
CAPTURED = 8
"""Images with which the network is traced."""


@dataclass(frozen=True, eq=False)
class CompressedNetwork:
    """What the chain gave.

    Attributes:
        network: with the weights that were read back from the bytes, nothing else quantized.
        layers: as they lie in flash, by name.
        stage_bytes: of weights and float32 biases: ``dense`` as float32, ``pruned`` with float32
            values and relative indices, ``shared`` with codes for values, ``coded`` as written.
    """

    network: QuantizableNetwork
    layers: dict[str, CompressedLayer]
    stage_bytes: dict[str, int]

    @property
    def ratio(self) -> float:
        """Dense bytes over those written."""
        return self.stage_bytes["dense"] / self.stage_bytes["coded"]


def compress_network(
    pruned: nn.Module,
    data: DataSet,
    bits: int,
    *,
    epochs: int,
    seed: int,
    learning_rate: float = 0.002,
    progress: bool = True,
) -> CompressedNetwork:
    """Share the weights of a pruned network, let the centroids learn, code, decode.

    Args:
        pruned: in eval mode; it is not changed. Zeros stay zeros.
        data: its training split is learned from.
        bits: of a code, 1 to 8; zero is one of the centroids.
        epochs: of the centroids' training; 0 leaves them as k-means found them.
        seed: of the shuffling.
        learning_rate: at the start.
        progress: show a progress bar.

    Raises:
        CompressionError: another number of bits, NaN, or a layer without any weight left.
    """
    images = torch.from_numpy(data.train.images[:CAPTURED])
    network = QuantizableNetwork(pruned, images)
    names = [layer.name for layer in network.weighted()]
    shared = {name: SharedWeights(network.weight(name), bits, keep_zero=True) for name in names}
    network.quantize_weights(shared)
    if epochs:
        # Weight decay would pull at centroids that many weights share.
        fit(
            network,
            data,
            epochs=epochs,
            seed=seed,
            learning_rate=learning_rate,
            weight_decay=0.0,
            progress=progress,
        )
    codebooks = {name: quantizer.codebook() for name, quantizer in shared.items()}
    layers = {name: _smallest(codebook) for name, codebook in codebooks.items()}
    network.free_weights()
    with torch.no_grad():
        for name, layer in layers.items():
            network.weight(name).copy_(torch.from_numpy(_read_back(layer).weights()))
    biases = sum(FLOAT_BYTES * network.bias(name).numel() for name in names)
    sizes = stage_bytes(codebooks, layers)
    return CompressedNetwork(network, layers, {k: size + biases for k, size in sizes.items()})


def stage_bytes(
    codebooks: Mapping[str, Codebook], layers: Mapping[str, CompressedLayer]
) -> dict[str, int]:
    """Bytes of all weights after each stage; the pointers of the layers are counted."""
    sizes = dict.fromkeys(("dense", "pruned", "shared", "coded"), 0)
    for name, codebook in codebooks.items():
        run = codebook.weights().reshape(-1, 1)
        sizes["dense"] += FLOAT_BYTES * run.size
        sizes["pruned"] += _indexed_bytes(run, 8 * FLOAT_BYTES)
        centroids = CENTROID_BYTES * int(np.count_nonzero(codebook.centroids))
        sizes["shared"] += _indexed_bytes(run, codebook.bits) + centroids
        sizes["coded"] += layers[name].size_bytes
    return sizes


def _indexed_bytes(run: np.ndarray, value_bits: int) -> int:
    return min(relative_index_bytes(run, bits, value_bits) for bits in INDEX_BITS)


def _smallest(codebook: Codebook) -> CompressedLayer:
    return min((compress(codebook, bits) for bits in INDEX_BITS), key=lambda c: c.size_bytes)


def _read_back(layer: CompressedLayer) -> CompressedLayer:
    return from_bytes(layer.to_bytes(), layer.shape, layer.index_bits, layer.code_bits)
