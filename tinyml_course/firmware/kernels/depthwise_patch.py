"""DEPTHWISE_CONV_2D as C, row by row or patch by patch: which kernel, and its description."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.channel_numbers import ChannelNumbers, channel_numbers
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.depthwise_layer import (
    OUTPUTS_AT_ONCE,
    depthwise_layer,
    depthwise_map_layer,
    one_channel_layer,
    square_kernel,
)
from tinyml_course.firmware.kernels.depthwise_packing import (
    FOUR_PAIRS,
    pack_depthwise,
    plain_depthwise,
)
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import output_limits
from tinyml_course.firmware.kernels.twins import zero_point_of
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D
from tinyml_course.mcu.overlap import depthwise_ring_rows
from tinyml_course.mcu.scheduling import Region, StageGraph


def convolution_layer(graph: Graph, operator: Operator) -> LayerCode:
    """The layer of an operator that `is_convolution`."""
    if isinstance(operator, DepthwiseConv2D):
        return one_channel_layer(graph, operator)
    assert isinstance(operator, Conv2D)
    return conv_layer(graph, operator)


def four_row_layer(graph: Graph, operator: DepthwiseConv2D) -> LayerCode | None:
    """The layer for rows of a small map, four channels at a time; ``None`` for any other."""
    layer = depthwise_map_layer(graph, operator)
    if layer.function != "tinyml_depthwise_four":
        return None
    limits = output_limits(graph, operator, operator.activation)
    zero_point = zero_point_of(graph.output_of(operator))
    prepared = prepared_fours(channel_numbers(graph, operator), zero_point, limits)
    arrays = {"constants": prepared}
    return LayerCode(layer.struct, "tinyml_depthwise_four_row", arrays, layer.fields)


def prepared_fours(
    numbers: ChannelNumbers, output_zero_point: int, limits: tuple[int, int]
) -> NDArray[np.int32]:
    """What ``tinyml_depthwise_four.c`` knows of every four channels (its ``four_channels``).

    Args:
        numbers: of the layer.
        output_zero_point: of its output.
        limits: smallest and largest output.
    """
    packed = pack_depthwise(numbers, "3x3")
    assert packed is not None  # or the layer would have another kernel
    taps = 2 * numbers.weight.reshape(-1, 4, 9).astype(np.int64)
    sums, multipliers = packed.constants.reshape(-1, 4, 2).astype(np.int64).transpose(2, 0, 1)
    shifts = packed.shifts.reshape(-1, 4).astype(np.int64)
    offsets = (2 * (output_zero_point - limits[0]) + 1) << shifts
    up = 255 - (limits[1] - limits[0])
    cap = [up * 0x01010101, (limits[0] - up) % 256 * 0x01010101]
    words = [
        *(_halves(taps[:, :, one], taps[:, :, other]) for one, other in FOUR_PAIRS),
        _halves(taps[:, :2, 8], taps[:, 2:, 8]),
        2 * sums,
        np.stack([multipliers, offsets], axis=2).reshape(-1, 8),
        shifts + 1,
        np.tile(cap, (len(taps), 1)),
    ]
    return np.concatenate(words, axis=1).astype(np.uint32).view(np.int32).ravel()


def _halves(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


def row_layer(stage: StageGraph, index: int, planar: bool) -> LayerCode:
    """The layer for one row at a time.

    Args:
        stage: the stage.
        index: of the convolution among its operators.
        planar: whether the rows that it reads lie channel by channel.
    """
    operator = stage.operators[index]
    assert isinstance(operator, DepthwiseConv2D)
    function = "tinyml_depthwise_row" if planar else "tinyml_depthwise_row_of_pixels"
    return dataclasses.replace(depthwise_layer(stage.graph, operator), function=function)


def patch_layer(stage: StageGraph, index: int, regions: Sequence[Region]) -> LayerCode:
    """The layer for one patch at a time.

    Args:
        stage: the stage.
        index: of the convolution among its operators.
        regions: of its output, of every shape that occurs (`PatchFlow.shapes`).
    """
    operator = stage.operators[index]
    assert isinstance(operator, DepthwiseConv2D)
    layer, numbers = depthwise_layer(stage.graph, operator), channel_numbers(stage.graph, operator)
    kernel, columns = _kernel(stage, index, regions), sum(operator.padding[1])
    packed = pack_depthwise(numbers, "rows") if kernel else None
    if packed is None:
        packed, kernel, columns = plain_depthwise(numbers), "tinyml_depthwise_any", 0
    reaches = [stage.reaches(index, region)[1] for region in regions]
    covered = max(reach.before + reach.size + reach.after for reach in reaches)
    arrays = {**vars(packed), "outside": np.full(covered, numbers.zero_point, np.int8)}
    fields = {**layer.fields, "kernel": f"&{kernel}", "padding_columns": columns}
    return LayerCode(layer.struct, "tinyml_depthwise_patch", arrays, fields)


def _kernel(stage: StageGraph, index: int, regions: Sequence[Region]) -> str | None:
    """The fast kernel for all regions; ``None`` where only the slow one will do."""
    graph, operator = stage.graph, stage.operators[index]
    assert isinstance(operator, DepthwiseConv2D)
    inputs = graph.inputs_of(operator)
    k_h, _ = operator.kernel(inputs)
    for region in regions:
        rows, columns = stage.reaches(index, region)
        width = region.columns[1] - region.columns[0]
        ring = depthwise_ring_rows(k_h, rows.before, (rows.size, columns.size), width)
        # A ring of the whole channel has no room for padding columns.
        whole = operator.multiplier(inputs) == 1 and ring > min(k_h, rows.size)
        if width < OUTPUTS_AT_ONCE or whole:
            return None
    return square_kernel(graph, operator)
