"""Quantization: fewer bits for a weight, and integers all the way.

Arrays are NumPy's. What works on a torch module imports torch when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from tinyml_course.graph.fixed_point import quantize_multiplier
from tinyml_course.graph.quantization import (
    quantize_bias,
    quantize_linear,
    quantize_per_channel,
    scale_and_zero_point,
)
from tinyml_course.quantization.bit_budget import least_cost_bits, memory_driven_bits, total_bytes
from tinyml_course.quantization.bit_search import BitSearch, search_bits
from tinyml_course.quantization.clipping import mse_clip, squared_error
from tinyml_course.quantization.codebook import (
    Codebook,
    centroid_gradients,
    codebook_bytes,
    codebook_step,
    kmeans_codebook,
    nearest_centroids,
)
from tinyml_course.quantization.deep_compression import CompressedLayer, compress
from tinyml_course.quantization.huffman import (
    HuffmanCoded,
    canonical_words,
    entropy_bits,
    huffman_bits,
    huffman_bytes,
    huffman_encode,
    huffman_from_bytes,
    huffman_lengths,
)
from tinyml_course.quantization.integer import (
    integer_conv2d,
    integer_linear,
    requantization_multipliers,
    requantize,
)
from tinyml_course.quantization.linear import (
    LinearWeights,
    linear_bytes,
    quantize_asymmetric,
    quantize_symmetric,
)
from tinyml_course.quantization.one_layer import OneLayer, one_layer
from tinyml_course.quantization.straight_through_estimator import straight_through

if TYPE_CHECKING:
    from tinyml_course.quantization.bias_correction import clipped_normal_mean, correct_biases
    from tinyml_course.quantization.binary import BinaryWeights
    from tinyml_course.quantization.bit_widths import hessian_costs, weight_bytes
    from tinyml_course.quantization.compression_chain import CompressedNetwork, compress_network
    from tinyml_course.quantization.equalization import (
        equalizable_pairs,
        equalize,
        relu6_to_relu,
        unequalize,
    )
    from tinyml_course.quantization.fake_quantization import LinearWeightQuantizer, fake_quantize
    from tinyml_course.quantization.hessian import hessian_traces
    from tinyml_course.quantization.learned_step import LearnedStep
    from tinyml_course.quantization.network import QuantizableNetwork
    from tinyml_course.quantization.shared_weights import SharedWeights
    from tinyml_course.quantization.ternary import TernaryWeights, TrainedTernaryWeights
    from tinyml_course.quantization.trial import BitTrial, trained_trial
    from tinyml_course.quantization.weight_quantizer import WeightQuantizer

_WITH_TORCH = {
    "bias_correction": ("clipped_normal_mean", "correct_biases"),
    "binary": ("BinaryWeights",),
    "bit_widths": ("hessian_costs", "weight_bytes"),
    "compression_chain": ("CompressedNetwork", "compress_network"),
    "equalization": ("equalizable_pairs", "equalize", "relu6_to_relu", "unequalize"),
    "fake_quantization": ("LinearWeightQuantizer", "fake_quantize"),
    "hessian": ("hessian_traces",),
    "learned_step": ("LearnedStep",),
    "network": ("QuantizableNetwork",),
    "shared_weights": ("SharedWeights",),
    "ternary": ("TernaryWeights", "TrainedTernaryWeights"),
    "trial": ("BitTrial", "trained_trial"),
    "weight_quantizer": ("WeightQuantizer",),
}
_MODULE_OF = {name: module for module, names in _WITH_TORCH.items() for name in names}

__all__ = [
    "BinaryWeights",
    "BitSearch",
    "BitTrial",
    "Codebook",
    "CompressedLayer",
    "CompressedNetwork",
    "HuffmanCoded",
    "LearnedStep",
    "LinearWeightQuantizer",
    "LinearWeights",
    "OneLayer",
    "QuantizableNetwork",
    "SharedWeights",
    "TernaryWeights",
    "TrainedTernaryWeights",
    "WeightQuantizer",
    "canonical_words",
    "centroid_gradients",
    "clipped_normal_mean",
    "codebook_bytes",
    "codebook_step",
    "compress",
    "compress_network",
    "correct_biases",
    "entropy_bits",
    "equalizable_pairs",
    "equalize",
    "fake_quantize",
    "hessian_costs",
    "hessian_traces",
    "huffman_bits",
    "huffman_bytes",
    "huffman_encode",
    "huffman_from_bytes",
    "huffman_lengths",
    "integer_conv2d",
    "integer_linear",
    "kmeans_codebook",
    "least_cost_bits",
    "linear_bytes",
    "memory_driven_bits",
    "mse_clip",
    "nearest_centroids",
    "one_layer",
    "quantize_asymmetric",
    "quantize_bias",
    "quantize_linear",
    "quantize_multiplier",
    "quantize_per_channel",
    "quantize_symmetric",
    "relu6_to_relu",
    "requantization_multipliers",
    "requantize",
    "scale_and_zero_point",
    "search_bits",
    "squared_error",
    "straight_through",
    "total_bytes",
    "trained_trial",
    "unequalize",
    "weight_bytes",
]


def __getattr__(name: str) -> Any:
    # torch takes a second to import: only who asks for these pays for it.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
