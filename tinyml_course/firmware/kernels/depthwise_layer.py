"""DEPTHWISE_CONV_2D as C: which kernel, and its layer's description."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.channel_numbers import ChannelNumbers, channel_numbers
from tinyml_course.firmware.kernels.conv_layer import conv_code, packed_conv, plain_constants
from tinyml_course.firmware.kernels.depthwise_packing import (
    Order,
    PackedDepthwise,
    pack_depthwise,
    pack_four,
    pack_narrow,
    plain_depthwise,
)
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import output_fields, output_range
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import DepthwiseConv2D
from tinyml_course.mcu.overlap import depthwise_ring_rows
from tinyml_course.mcu.planning.inner import is_convolution

OUTPUTS_AT_ONCE = 4
CHANNELS_AT_ONCE = 4
NARROW_COLUMNS = 5
NARROW_TAPS = 49
"""Up to this width four channels at a time cost less than four columns, if windows have as many
taps; those of stride 2 count twice."""

SMALL_COLUMNS = 7
"""The same for windows 3 x 3 of stride 1; of other strides they always do."""

STACK_BYTES = 512
"""The largest ring of four channels, which lies on the stack."""

_BY_RANGE = {"TINYML_SIGNED": "", "TINYML_UNSIGNED": "_unsigned", "TINYML_CLAMPED": "_clamped"}


def depthwise_map_layer(graph: Graph, operator: DepthwiseConv2D) -> LayerCode:
    """The code of a layer that makes whole maps.

    Its function takes what ``tinyml_depthwise`` takes: that, for small maps ``.._four`` or
    ``.._narrow``, which make four channels at a time, or for a map of one channel and several
    outputs ``tinyml_conv_of_one_channel`` or ``tinyml_conv_any_of_one_channel``.
    """
    numbers = channel_numbers(graph, operator)
    if is_convolution(graph, operator):
        layer = one_channel_layer(graph, operator)
        return dataclasses.replace(layer, function=f"{layer.function}_of_one_channel")
    four = pack_four(numbers) if _is_small_3x3(graph, operator) else None
    if four is not None:
        kernel = "0", sum(operator.padding[1])
        return _code(graph, operator, "tinyml_depthwise_four", numbers, four, kernel)
    narrow = pack_narrow(numbers) if _is_narrow(graph, operator) else None
    if narrow is not None:
        return _code(graph, operator, "tinyml_depthwise_narrow", numbers, narrow, ("0", 0))
    return depthwise_layer(graph, operator)


def one_channel_layer(graph: Graph, operator: DepthwiseConv2D) -> LayerCode:
    """A layer of one channel as the convolution that it is; functions as those of `conv_layer`."""
    numbers = channel_numbers(graph, operator)
    packed, function = packed_conv(numbers), "tinyml_conv"
    if packed is None:
        packed, function = plain_constants(numbers), "tinyml_conv_any"
    return conv_code(graph, operator, function, numbers, packed)


def depthwise_layer(graph: Graph, operator: DepthwiseConv2D) -> LayerCode:
    """The code of a layer that makes rows: its function may be exchanged for ``.._row``."""
    numbers = channel_numbers(graph, operator)
    kernel = row_kernel(graph, operator)
    if kernel is not None:
        order: Order = "3x3" if _is_3x3(graph, operator) else "rows"
        packed = pack_depthwise(numbers, order)
        if packed is not None:
            chosen = f"&{kernel}", padding_columns(graph, operator)
            return _code(graph, operator, "tinyml_depthwise", numbers, packed, chosen)
    plain = plain_depthwise(numbers)
    return _code(graph, operator, "tinyml_depthwise", numbers, plain, ("&tinyml_depthwise_any", 0))


def _code(
    graph: Graph,
    operator: DepthwiseConv2D,
    function: str,
    numbers: ChannelNumbers,
    packed: PackedDepthwise,
    kernel: tuple[str, int],
) -> LayerCode:
    """``kernel``: for rows, and the columns of padding that it wants in them."""
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    c_out, k_h, k_w, _ = numbers.weight.shape
    fields: dict[str, str | int] = {
        "kernel": kernel[0],
        "height": source.shape[1],
        "width": source.shape[2],
        "channels_in": source.shape[3],
        "out_height": output.shape[1],
        "out_width": output.shape[2],
        "channels_out": c_out,
        "kernel_height": k_h,
        "kernel_width": k_w,
        "stride_height": operator.stride[0],
        "stride_width": operator.stride[1],
        "pad_top": operator.padding[0][0],
        "pad_left": operator.padding[1][0],
        "padding_columns": kernel[1],
        "zero_point": numbers.zero_point,
        "weight_zero_point": numbers.weight_zero_point,
        "flip": numbers.flip,
        "output": output_fields(graph, operator, operator.activation),
    }
    arrays: dict[str, NDArray[np.int8] | NDArray[np.int32]] = {**vars(packed)}
    if function == "tinyml_depthwise":
        reads_outside = kernel[0] != "&tinyml_depthwise_any"
        columns = source.shape[2] + kernel[1] if reads_outside else 1
        arrays["outside"] = np.full(columns, numbers.zero_point, np.int8)
    return LayerCode("tinyml_depthwise_layer", function, arrays, fields)


def ring_rows(graph: Graph, operator: DepthwiseConv2D) -> int:
    """Rows of one channel that ``tinyml_depthwise`` keeps in its scratch, to run in place."""
    inputs = graph.inputs_of(operator)
    size = inputs[0].shape[1], inputs[0].shape[2]
    columns = graph.output_of(operator).shape[2]
    k_h, _ = operator.kernel(inputs)
    if operator.multiplier(inputs) != 1:
        return min(k_h, size[0])  # never in place
    return depthwise_ring_rows(k_h, operator.padding[0][0], size, columns)


def row_kernel(graph: Graph, operator: DepthwiseConv2D) -> str | None:
    """The fast kernel for a layer's windows; ``None`` where only the slow one will do."""
    inputs = graph.inputs_of(operator)
    k_h, _ = operator.kernel(inputs)
    by_range = _BY_RANGE[output_range(graph, operator, operator.activation)]
    if inputs[0].dtype == "uint8":
        return None
    if _is_3x3(graph, operator):
        return "tinyml_depthwise_3x3" + by_range
    columns = graph.output_of(operator).shape[2]
    wide = min(columns, inputs[0].shape[2]) >= OUTPUTS_AT_ONCE
    # A ring of the whole channel has no room for padding columns.
    whole = ring_rows(graph, operator) > min(k_h, inputs[0].shape[1])
    return square_kernel(graph, operator) if wide and not whole else None


def square_kernel(graph: Graph, operator: DepthwiseConv2D) -> str | None:
    """The kernel of a usual window, which wants rows with padding columns; ``None`` for others."""
    inputs = graph.inputs_of(operator)
    (k_h, k_w), (stride, across) = operator.kernel(inputs), operator.stride
    is_known = k_h == k_w and stride == across and (k_h, stride) in _SQUARES
    if inputs[0].dtype == "uint8" or not is_known:
        return None
    by_range = _BY_RANGE[output_range(graph, operator, operator.activation)]
    name, has_ranges = _SQUARES[k_h, stride]
    return name + (by_range if has_ranges else "")


_SQUARES = {
    (3, 1): ("tinyml_depthwise_3x3_padded", False),
    (3, 2): ("tinyml_depthwise_3x3_stride2", True),
    (5, 1): ("tinyml_depthwise_5x5", True),
    (5, 2): ("tinyml_depthwise_5x5_stride2", True),
    (7, 1): ("tinyml_depthwise_7x7", True),
    (7, 2): ("tinyml_depthwise_7x7_stride2", True),
}
"""By window and stride; whether there is one for each range of outputs."""


def padding_columns(graph: Graph, operator: DepthwiseConv2D) -> int:
    """Columns of padding, on both sides together, that the layer's kernel wants in its rows."""
    if _is_3x3(graph, operator) or row_kernel(graph, operator) is None:
        return 0
    return sum(operator.padding[1])


def _is_3x3(graph: Graph, operator: DepthwiseConv2D) -> bool:
    inputs = graph.inputs_of(operator)
    k_h, k_w = operator.kernel(inputs)
    width = inputs[0].shape[2]
    usual = (k_h, k_w, *operator.stride, *operator.padding[1]) == (3, 3, 1, 1, 1, 1)
    return usual and width >= OUTPUTS_AT_ONCE


def _is_small_3x3(graph: Graph, operator: DepthwiseConv2D) -> bool:
    inputs = graph.inputs_of(operator)
    columns = graph.output_of(operator).shape[2]
    pitch = inputs[0].shape[2] + sum(operator.padding[1])
    return (
        operator.kernel(inputs) == (3, 3)
        and _by_fours(graph, operator)
        and 4 * (ring_rows(graph, operator) + 1) * pitch <= STACK_BYTES
        and (operator.stride[1] > 1 or columns <= SMALL_COLUMNS)
    )


def _by_fours(graph: Graph, operator: DepthwiseConv2D) -> bool:
    inputs = graph.inputs_of(operator)
    fours = inputs[0].shape[3] % CHANNELS_AT_ONCE == 0
    return inputs[0].dtype == "int8" and operator.multiplier(inputs) == 1 and fours


def _is_narrow(graph: Graph, operator: DepthwiseConv2D) -> bool:
    inputs = graph.inputs_of(operator)
    width = inputs[0].shape[2]
    columns = graph.output_of(operator).shape[2]
    k_h, k_w = operator.kernel(inputs)
    slow = row_kernel(graph, operator) is None
    large = k_h * k_w * operator.stride[0] >= NARROW_TAPS
    return (
        _by_fours(graph, operator)
        and 8 * ring_rows(graph, operator) * width <= STACK_BYTES
        and (slow or (columns <= NARROW_COLUMNS and large))
    )
