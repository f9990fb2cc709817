"""Trained quantization: the centroids of a codebook learn (Deep Compression, section 3.3)."""

import numpy as np
import torch
from torch import Tensor, nn

from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization.codebook import Codebook, kmeans_codebook
from tinyml_course.quantization.gradient_scale import scale_gradient
from tinyml_course.quantization.weight_quantizer import WeightQuantizer


class SharedWeights(WeightQuantizer):
    """Every weight is a centroid; which one is fixed, its value learns.

    The gradient of a centroid is the sum over the weights that share it, which is what indexing
    gives (`centroid_gradients`). A step is taken with their mean: one learning rate then suits a
    centroid of ten weights and one of ten thousand, where the sum makes training diverge. A
    centroid that is exactly 0, as pruned weights keep it, stays 0.

    Args:
        weight: to be clustered.
        bits: of an index, 1 to 8.
        keep_zero: zeros stay 0.

    Raises:
        CompressionError: as `kmeans_codebook`.
    """

    def __init__(self, weight: Tensor, bits: int, keep_zero: bool = False) -> None:
        super().__init__()
        self.bits = bits
        found = kmeans_codebook(weight.detach().numpy(), bits, keep_zero=keep_zero)
        self.centroids = nn.Parameter(torch.from_numpy(found.centroids.copy()))
        self.register_buffer("indices", torch.from_numpy(found.indices.astype("int64")))
        shared_by = np.bincount(found.indices.ravel(), minlength=len(found.centroids))
        self.register_buffer("pace", torch.from_numpy(1 / np.maximum(shared_by, 1)).float())
        free = found.centroids != 0 if keep_zero else np.ones_like(found.centroids, bool)
        self.register_buffer("free", torch.from_numpy(free))

    def forward(self, weight: Tensor, layer: FloatLayer) -> Tensor:  # noqa: ARG002
        """The centroid of each weight."""
        indices, free, pace = self.indices, self.free, self.pace
        assert isinstance(indices, Tensor)
        assert isinstance(free, Tensor)
        assert isinstance(pace, Tensor)
        return (scale_gradient(self.centroids, pace) * free)[indices]

    def codebook(self) -> Codebook:
        """What lies in flash."""
        indices, centroids = self.indices, self.centroids.detach().numpy()
        assert isinstance(indices, Tensor)
        return Codebook(centroids, indices.numpy().astype("uint8"), self.bits)
