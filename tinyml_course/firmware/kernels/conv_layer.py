"""CONV_2D as C: which kernel, and its layer's description."""

import numpy as np

from tinyml_course.firmware.kernels.channel_numbers import ChannelNumbers, channel_numbers
from tinyml_course.firmware.kernels.conv_packing import PackedConv, pack_conv
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import output_fields
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D

LARGEST_KERNEL_ROWS = 16  # TINYML_LARGEST_KERNEL


def conv_layer(graph: Graph, operator: Conv2D) -> LayerCode:
    """The layer's code; its function is one of the following.

    ``tinyml_pointwise`` takes a number of pixels (and may be exchanged for
    ``tinyml_pointwise_planar``); ``tinyml_conv`` and, for whatever it cannot hold,
    ``tinyml_conv_any`` take a map (and may be exchanged for ``.._row`` or ``.._row_planar``).
    """
    numbers = channel_numbers(graph, operator)
    packed = packed_conv(numbers)
    if packed is None:
        return conv_code(graph, operator, "tinyml_conv_any", numbers, plain_constants(numbers))
    one = numbers.weight.shape[1:3] == (1, 1) == operator.stride and not np.any(operator.padding)
    function = "tinyml_pointwise" if one else "tinyml_conv"
    return conv_code(graph, operator, function, numbers, packed)


def packed_conv(numbers: ChannelNumbers) -> PackedConv | None:
    """The constants of ``tinyml_conv``; ``None`` where they do not hold."""
    if numbers.weight.shape[1] > LARGEST_KERNEL_ROWS or numbers.flip:
        return None
    n = numbers
    return pack_conv(n.weight, n.bias, n.multiplier, n.shift, n.zero_point)


def conv_code(
    graph: Graph,
    operator: Conv2D | DepthwiseConv2D,
    function: str,
    numbers: ChannelNumbers,
    packed: PackedConv,
) -> LayerCode:
    """The code of a layer whose kernel is chosen."""
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    c_out, k_h, k_w, c_in = numbers.weight.shape
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
        "zero_point": numbers.zero_point,
        "weight_zero_point": numbers.weight_zero_point,
        "flip": numbers.flip,
        "output": output_fields(graph, operator, operator.activation),
    }
    return LayerCode("tinyml_conv_layer", function, packed.arrays, fields, packed.carried)


def plain_constants(numbers: ChannelNumbers) -> PackedConv:
    """What ``tinyml_conv_any`` and ``tinyml_fully_connected_any`` read."""
    sums = numbers.sums().astype(np.uint32).view(np.int32)
    both = np.stack([sums, numbers.multiplier.astype(np.int32)], axis=1).ravel()
    return PackedConv(numbers.weight.ravel(), both, numbers.shift.astype(np.int8))
