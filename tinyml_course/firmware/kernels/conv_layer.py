"""CONV_2D as C: which kernel, and its layer's description."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.conv_packing import PackedConv, pack_conv
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import output_fields
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Conv2D
from tinyml_course.mcu.requantization import requantization

LARGEST_KERNEL_ROWS = 16  # TINYML_LARGEST_KERNEL


def conv_layer(graph: Graph, operator: Conv2D) -> LayerCode:
    """The layer's code; its function is one of the following.

    ``tinyml_pointwise`` takes a number of pixels (and may be exchanged for
    ``tinyml_pointwise_planar``); ``tinyml_conv`` takes a map (and may be exchanged for
    ``tinyml_conv_row`` or ``.._row_planar``); ``tinyml_conv_any`` takes a map.
    """
    source, weight, bias = graph.inputs_of(operator)
    output = graph.output_of(operator)
    table = requantization(graph, operator)
    _, zero_point = source.scale_and_zero_point()
    c_out, k_h, k_w, c_in = weight.shape
    constants = weight.values(), bias.values(), table.multiplier, table.shift, zero_point
    packed = pack_conv(*constants) if k_h <= LARGEST_KERNEL_ROWS else None
    one = (k_h, k_w, *operator.stride) == (1, 1, 1, 1) and not np.any(operator.padding)
    function = "tinyml_pointwise" if one else "tinyml_conv"
    if packed is None:
        packed, function = plain_constants(*constants), "tinyml_conv_any"
    fields: dict[str, str | int] = {
        "height": source.shape[1],
        "width": source.shape[2],
        "channels_in": c_in,
        "out_height": output.shape[1],
        "out_width": output.shape[2],
        "channels_out": c_out,
        "kernel_height": k_h,
        "kernel_width": k_w,
        "stride_height": operator.stride[0],
        "stride_width": operator.stride[1],
        "pad_top": operator.padding[0][0],
        "pad_left": operator.padding[1][0],
        "zero_point": zero_point,
        "output": output_fields(graph, operator, operator.activation),
    }
    return LayerCode("tinyml_conv_layer", function, vars(packed), fields)


def plain_constants(
    weight: NDArray[np.int8],
    bias: NDArray[np.int32],
    multiplier: NDArray[np.int32],
    shift: NDArray[np.int32],
    zero_point: int,
) -> PackedConv:
    """What ``tinyml_conv_any`` and ``tinyml_fully_connected`` read.

    Args:
        weight: int8 ``(C_out, ...)``.
        bias: int32 ``(C_out,)``.
        multiplier: int32 ``(C_out,)``.
        shift: int32 ``(C_out,)``, positive is left.
        zero_point: of the input.
    """
    rows = weight.reshape(weight.shape[0], -1).astype(np.int64)
    sums = (bias - zero_point * rows.sum(axis=1)).astype(np.uint32).view(np.int32)
    both = np.stack([sums, multiplier.astype(np.int32)], axis=1).ravel()
    return PackedConv(weight.ravel(), both, shift.astype(np.int8))
