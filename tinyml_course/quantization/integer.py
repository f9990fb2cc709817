"""A layer in integers alone, as a core without a floating-point unit computes it.

Jacob et al. 2018, section 2: the accumulator is int32, one multiplier for each output channel
brings it to the output's scale. Every executor of the course gives these bytes.
"""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier, quantize_multipliers
from tinyml_course.graph.quantization import integer_limits

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]


def requantization_multipliers(
    input_scale: float, weight_scale: NDArray[np.float32], output_scale: float
) -> tuple[Int32, Int32]:
    """What brings the accumulators to the output's scale: ``multiplier 2^(shift - 31)``.

    Args:
        input_scale: of the input.
        weight_scale: ``(C_out,)``.
        output_scale: of the output.

    Returns:
        Multipliers and shifts, int32 ``(C_out,)``.
    """
    reals = np.float64(input_scale) * weight_scale.astype(np.float64) / np.float64(output_scale)
    return quantize_multipliers(reals)


def requantize(
    accumulator: NDArray[np.integer], multiplier: Int32, shift: Int32, zero_point: int
) -> Int8:
    """Accumulators to int8, rounded as TF-Lite Micro rounds, saturated.

    Args:
        accumulator: int32 range, channels last.
        multiplier: ``(C_out,)``.
        shift: ``(C_out,)``.
        zero_point: of the output.
    """
    least, most = integer_limits()
    scaled = multiply_by_quantized_multiplier(accumulator, multiplier, shift) + zero_point
    return np.clip(scaled, least, most).astype(np.int8)


def integer_linear(
    x: Int8,
    weight: Int8,
    bias: Int32,
    input_zero_point: int,
    multiplier: Int32,
    shift: Int32,
    output_zero_point: int,
) -> Int8:
    """A fully connected layer.

    Args:
        x: int8 ``(N, C_in)``.
        weight: int8 ``(C_out, C_in)``, symmetric.
        bias: int32 ``(C_out,)``.
        input_zero_point: of ``x``.
        multiplier: int32 ``(C_out,)``.
        shift: int32 ``(C_out,)``.
        output_zero_point: of the result.

    Returns:
        int8 ``(N, C_out)``.
    """
    # A 1x1 convolution: each row of the input is one place of a map.
    zeros = (input_zero_point, multiplier, shift, output_zero_point)
    return integer_conv2d(x[:, None], weight[:, None, None], bias, *zeros)[:, 0]


def integer_conv2d(
    x: Int8,
    weight: Int8,
    bias: Int32,
    input_zero_point: int,
    multiplier: Int32,
    shift: Int32,
    output_zero_point: int,
    stride: int = 1,
    padding: int = 0,
) -> Int8:
    """A convolution.

    Args:
        x: int8 ``(H, W, C_in)``.
        weight: int8 ``(C_out, K, K, C_in)``, symmetric.
        bias: int32 ``(C_out,)``.
        input_zero_point: of ``x``; padding writes it, because it stands for 0.
        multiplier: int32 ``(C_out,)``.
        shift: int32 ``(C_out,)``.
        output_zero_point: of the result.
        stride: of rows and columns.
        padding: rows and columns on each side.

    Returns:
        int8 ``(H_out, W_out, C_out)``.

    Raises:
        CompressionError: a kernel larger than the padded input, or other channels.
    """
    size, channels = weight.shape[1], weight.shape[3]
    if x.shape[2] != channels or min(x.shape[:2]) + 2 * padding < size or stride < 1:
        raise CompressionError(
            f"weights {weight.shape} at stride {stride} and padding {padding} do not go over an "
            f"input {x.shape}"
        )
    edges = ((padding, padding), (padding, padding), (0, 0))
    padded = np.pad(x.astype(np.int64) - input_zero_point, edges)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (0, 1))
    patches = windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    flat = patches.reshape(*patches.shape[:2], -1)
    accumulator = flat @ weight.astype(np.int64).reshape(len(weight), -1).T + bias
    return requantize(accumulator, multiplier, shift, output_zero_point)
