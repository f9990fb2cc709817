"""Quantization: fewer bits for a weight, and integers all the way."""

from tinyml_course.quantization.bias_correction import clipped_normal_mean, correct_biases
from tinyml_course.quantization.binary import BinaryWeights
from tinyml_course.quantization.bit_search import BitSearch, search_bits
from tinyml_course.quantization.bit_widths import (
    hessian_costs,
    least_cost_bits,
    memory_driven_bits,
    total_bytes,
    weight_bytes,
)
from tinyml_course.quantization.codebook import (
    Codebook,
    centroid_gradients,
    codebook_bytes,
    kmeans_codebook,
    nearest_centroids,
)
from tinyml_course.quantization.deep_compression import CompressedLayer, compress
from tinyml_course.quantization.equalization import equalizable_pairs, equalize, relu6_to_relu
from tinyml_course.quantization.fake_quantization import LinearWeightQuantizer, fake_quantize
from tinyml_course.quantization.hessian import hessian_traces
from tinyml_course.quantization.huffman import (
    HuffmanCoded,
    canonical_words,
    entropy_bits,
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
from tinyml_course.quantization.learned_step import LearnedStep
from tinyml_course.quantization.linear import (
    LinearWeights,
    linear_bytes,
    quantize_asymmetric,
    quantize_symmetric,
    scale_and_zero_point,
)
from tinyml_course.quantization.network import QuantizableNetwork
from tinyml_course.quantization.shared_weights import SharedWeights
from tinyml_course.quantization.ternary import TernaryWeights, TrainedTernaryWeights
from tinyml_course.quantization.weight_quantizer import WeightQuantizer

__all__ = [
    "BitSearch",
    "CompressedLayer",
    "clipped_normal_mean",
    "compress",
    "correct_biases",
    "equalizable_pairs",
    "equalize",
    "hessian_costs",
    "hessian_traces",
    "least_cost_bits",
    "memory_driven_bits",
    "relu6_to_relu",
    "search_bits",
    "total_bytes",
    "weight_bytes",
    "BinaryWeights",
    "LearnedStep",
    "LinearWeightQuantizer",
    "QuantizableNetwork",
    "SharedWeights",
    "TernaryWeights",
    "TrainedTernaryWeights",
    "WeightQuantizer",
    "fake_quantize",
    "Codebook",
    "HuffmanCoded",
    "LinearWeights",
    "canonical_words",
    "centroid_gradients",
    "codebook_bytes",
    "entropy_bits",
    "huffman_bytes",
    "huffman_encode",
    "huffman_from_bytes",
    "huffman_lengths",
    "integer_conv2d",
    "integer_linear",
    "kmeans_codebook",
    "linear_bytes",
    "nearest_centroids",
    "quantize_asymmetric",
    "quantize_symmetric",
    "requantization_multipliers",
    "requantize",
    "scale_and_zero_point",
]
