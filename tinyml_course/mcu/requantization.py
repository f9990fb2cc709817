"""The integer constants an operator needs beside its weights: multipliers, shifts, clamps.

They are computed here once; the reference operators, the emulator's flash and the generated C
hold these same numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator, Tensor
from tinyml_course.graph.fixed_point import quantize_multiplier, quantize_multipliers
from tinyml_course.graph.operators import Add, FullyConnected, Mean, Mul, Quantize, Relu
from tinyml_course.graph.quantization import halves_away

ADD_LEFT_SHIFT = 20
"""Both summands are shifted left by this before they are rescaled (TF-Lite, int8 ADD)."""


@dataclass(frozen=True, eq=False)
class Requantization:
    """How an int32 accumulator becomes a byte.

    Attributes:
        multiplier: int32 ``(C_out,)``.
        shift: int32 ``(C_out,)``; positive is left.
    """

    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]


@dataclass(frozen=True)
class AddConstants:
    """Multiplier and shift for each summand and for the sum."""

    first: tuple[int, int]
    second: tuple[int, int]
    output: tuple[int, int]


def requantization(graph: Graph, operator: Operator) -> Requantization:
    """Per-channel multipliers of a conv, depthwise conv or linear layer.

    ``scale_in * scale_w / scale_out`` in double precision from float32 scales. For a linear layer
    with one weight scale, and for any uint8 layer, TF-Lite multiplies the first two in float32
    (kernel_util.cc, GetQuantizedConvolutionMultipler); the last bit of the multiplier depends on
    it.
    """
    source, weight, bias = graph.inputs_of(operator)
    assert weight.quantization is not None
    scale_in, _ = source.scale_and_zero_point()
    scale_out, _ = graph.output_of(operator).scale_and_zero_point()
    one_scale = weight.quantization.is_per_tensor
    if weight.dtype == "uint8" or (isinstance(operator, FullyConnected) and one_scale):
        product = (scale_in * weight.quantization.scale).astype(np.float64)
    else:
        product = np.float64(scale_in) * weight.quantization.scale.astype(np.float64)
    reals = np.broadcast_to(product / np.float64(scale_out), bias.shape)
    multiplier, shift = quantize_multipliers(np.ascontiguousarray(reals))
    return Requantization(multiplier, shift)


def add_constants(graph: Graph, operator: Add) -> AddConstants:
    """Multipliers of an ADD: both summands to twice the larger scale, then to the output's."""
    first, second = graph.inputs_of(operator)
    scales = [float(t.scale_and_zero_point()[0]) for t in (first, second)]
    scale_out = float(graph.output_of(operator).scale_and_zero_point()[0])
    twice_largest = 2.0 * max(scales)
    return AddConstants(
        quantize_multiplier(scales[0] / twice_largest),
        quantize_multiplier(scales[1] / twice_largest),
        quantize_multiplier(twice_largest / ((1 << ADD_LEFT_SHIFT) * scale_out)),
    )


def mul_constants(graph: Graph, operator: Mul) -> tuple[int, int]:
    """Multiplier and shift of a MUL.

    Source: TF-Lite Micro, kernels/mul_common.cc, in double precision; for uint8, which that does
    not run, TF-Lite, kernels/mul.cc, in float32.
    """
    output = graph.output_of(operator)
    first, second = (t.scale_and_zero_point()[0] for t in graph.inputs_of(operator))
    if output.dtype == "uint8":
        return quantize_multiplier(float(first * second / output.scale_and_zero_point()[0]))
    return quantize_multiplier(float(first) * float(second) / _output_scale(graph, operator))


def rescale_constants(graph: Graph, operator: Quantize | Mean | Relu) -> tuple[int, int]:
    """Multiplier and shift from the input's scale to the output's.

    Source: TF-Lite Micro, kernels/quantize_common.cc, in double precision; for a RELU of uint8
    TF-Lite, kernels/activations.cc, ReluPrepare, in float32.
    """
    scale, _ = graph.inputs_of(operator)[0].scale_and_zero_point()
    output = graph.output_of(operator)
    if isinstance(operator, Relu) and output.dtype == "uint8":
        return quantize_multiplier(float(scale / output.scale_and_zero_point()[0]))
    return quantize_multiplier(float(scale) / _output_scale(graph, operator))


def mean_constants(graph: Graph, operator: Mean) -> tuple[int, int]:
    """Multiplier and shift from the sum of a MEAN to its output.

    The division by the count is folded into the multiplier, which is truncated (TF-Lite,
    reference/reduce.h, QuantizedMeanOrSum).
    """
    multiplier, shift = rescale_constants(graph, operator)
    count = operator.count(graph.inputs_of(operator))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def _output_scale(graph: Graph, operator: Operator) -> float:
    return float(graph.output_of(operator).scale_and_zero_point()[0])


def activation_limits(activation: str, output: Tensor) -> tuple[int, int]:
    """Smallest and largest integer of the output's type that the fused activation lets through."""
    scale, zero_point = output.scale_and_zero_point()

    def integer(real: float) -> int:
        # TF-Lite divides in float32.
        quotient = np.asarray(np.float32(real) / scale, np.float64)
        return zero_point + int(halves_away(quotient))

    limits = np.iinfo(output.dtype)
    low, high = int(limits.min), int(limits.max)
    if activation in ("RELU", "RELU6"):
        low = max(low, integer(0.0))
    if activation == "RELU6":
        high = min(high, integer(6.0))
    return low, high
