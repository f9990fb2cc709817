"""DEPTHWISE_CONV_2D as C: which kernel, and its layer's description."""

import numpy as np

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.kernels.conv_layer import plain_constants
from tinyml_course.firmware.kernels.depthwise_packing import PackedDepthwise, pack_depthwise
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import output_fields, output_range
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import DepthwiseConv2D
from tinyml_course.mcu.overlap import depthwise_ring_rows
from tinyml_course.mcu.requantization import requantization

LARGEST_KERNEL_ROWS = 16  # TINYML_LARGEST_DEPTHWISE
OUTPUTS_AT_ONCE = 4
_BY_RANGE = {"TINYML_SIGNED": "", "TINYML_UNSIGNED": "_unsigned", "TINYML_CLAMPED": "_clamped"}


def depthwise_layer(graph: Graph, operator: DepthwiseConv2D) -> LayerCode:
    """The layer's code; its function takes a map and may be exchanged for ``.._row``.

    Raises:
        FirmwareError: a window of more than sixteen rows.
    """
    source, weight, bias = graph.inputs_of(operator)
    output = graph.output_of(operator)
    table = requantization(graph, operator)
    _, zero_point = source.scale_and_zero_point()
    _, k_h, k_w, c_out = weight.shape
    if k_h > LARGEST_KERNEL_ROWS:
        raise FirmwareError(
            f"{operator.name}: a depthwise window of {k_h} rows; the kernels take at most "
            f"{LARGEST_KERNEL_ROWS}"
        )
    constants = weight.values(), bias.values(), table.multiplier, table.shift, zero_point
    kernel = row_kernel(graph, operator)
    packed = None
    if kernel is not None:
        packed = pack_depthwise(*constants, "3x3" if _is_3x3(graph, operator) else "rows")
    columns = padding_columns(graph, operator)
    if packed is None:
        by_channel = np.ascontiguousarray(weight.values().reshape(-1, c_out).T)
        plain = plain_constants(by_channel, *constants[1:])
        packed = PackedDepthwise(plain.weights, plain.constants, plain.shifts)
        kernel, columns = "tinyml_depthwise_any", 0
    outside = np.full(source.shape[2] + columns, zero_point, np.int8)
    fields: dict[str, str | int] = {
        "kernel": f"&{kernel}",
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
        "padding_columns": columns,
        "zero_point": zero_point,
        "output": output_fields(graph, operator, operator.activation),
    }
    arrays = {**vars(packed), "outside": outside}
    return LayerCode("tinyml_depthwise_layer", "tinyml_depthwise", arrays, fields)


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
    k_h, k_w = operator.kernel(inputs)
    by_range = _BY_RANGE[output_range(graph, operator, operator.activation)]
    if _is_3x3(graph, operator):
        return "tinyml_depthwise_3x3" + by_range
    stride = operator.stride[0]
    known = k_h == k_w and stride == operator.stride[1] and (k_h, stride) in _ROWS
    columns = graph.output_of(operator).shape[2]
    wide = min(columns, inputs[0].shape[2]) >= OUTPUTS_AT_ONCE
    # A ring of the whole channel has no room for padding columns.
    whole = ring_rows(graph, operator) > min(k_h, inputs[0].shape[1])
    if not known or not wide or whole:
        return None
    return f"tinyml_depthwise_{k_h}x{k_w}" + ("_stride2" if stride == 2 else by_range)


_ROWS = {(3, 2), (5, 1), (5, 2), (7, 1), (7, 2)}


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
