"""What a weighted layer computes with, channel by channel, as all kernels take it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.output_range import output_limits
from tinyml_course.firmware.kernels.twins import flip_of, weights_of, zero_point_of
from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.requantization import requantization

QUARTER = 2**30, -1
"""Multiplier and shift of a quarter, which neither rounding touches in multiples of four."""


@dataclass(frozen=True, eq=False)
class ChannelNumbers:
    """Weights and constants of a layer; those of uint8 as their int8 twins.

    Attributes:
        weight: int8 ``(C_out, K_h, K_w, C_in)``; of a depthwise layer, ``C_in`` is 1, and of a
            linear one only ``C_in`` is not.
        bias: int32 ``(C_out,)``.
        multiplier: int32 ``(C_out,)``.
        shift: int32 ``(C_out,)``, positive is left.
        zero_point: of the input.
        weight_zero_point: of the weights, 0 for int8.
        flip: what makes the bytes in memory int8; the fast kernels flip none.
    """

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    zero_point: int
    weight_zero_point: int = 0
    flip: int = 0

    def rows(self) -> NDArray[np.int64]:
        """Weights ``(C_out, taps)`` less their zero point."""
        rows = self.weight.reshape(self.weight.shape[0], -1).astype(np.int64)
        return rows - self.weight_zero_point

    def sums(self) -> NDArray[np.int64]:
        """What each channel's sum begins with, so that inputs are multiplied as they are."""
        sums: NDArray[np.int64] = self.bias - self.zero_point * self.rows().sum(axis=1)
        return sums

    def bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The least and the largest sum of each channel, over all inputs."""
        rows, sums = self.rows(), self.sums()
        least = sums + np.minimum(rows * -128, rows * 127).sum(axis=1)
        most = sums + np.maximum(rows * -128, rows * 127).sum(axis=1)
        return least, most


def channel_numbers(
    graph: Graph, operator: Conv2D | DepthwiseConv2D | FullyConnected
) -> ChannelNumbers:
    """The numbers of a layer, channels of one output byte made plain."""
    source, weight, bias = graph.inputs_of(operator)
    values, weight_zero_point = weights_of(weight)
    if isinstance(operator, DepthwiseConv2D):
        values = np.ascontiguousarray(values.transpose(3, 1, 2, 0))
    if isinstance(operator, FullyConnected):
        values = values.reshape(len(values), 1, 1, -1)
    table = requantization(graph, operator)
    numbers = ChannelNumbers(
        values,
        bias.values(),
        table.multiplier,
        table.shift,
        zero_point_of(source),
        weight_zero_point,
        flip_of(source),
    )
    limits = output_limits(graph, operator, operator.activation)
    return plain_constants_of(numbers, zero_point_of(graph.output_of(operator)), limits)


def plain_constants_of(
    numbers: ChannelNumbers, output_zero_point: int, limits: tuple[int, int]
) -> ChannelNumbers:
    """The same outputs, with simple numbers for each channel that has one output byte only.

    A sum lies between its bounds, and requantization is monotone: where both bounds give the same
    byte, so does every input. Trained networks have many such channels, dead behind their
    activation, with biases and shifts that no quick kernel can hold. They get no weights and a bias
    whose quarter is the byte.

    Args:
        numbers: of the layer.
        output_zero_point: of its output.
        limits: smallest and largest output.
    """
    least, most = (
        np.clip(
            multiply_by_quantized_multiplier(sums, numbers.multiplier, numbers.shift)
            + output_zero_point,
            *limits,
        )
        for sums in numbers.bounds()
    )
    constant = least == most
    if not constant.any():
        return numbers
    weight = numbers.weight.copy()
    weight[constant] = numbers.weight_zero_point
    return replace(
        numbers,
        weight=weight,
        bias=np.where(constant, 4 * (least - output_zero_point), numbers.bias).astype(np.int32),
        multiplier=np.where(constant, QUARTER[0], numbers.multiplier).astype(np.int32),
        shift=np.where(constant, QUARTER[1], numbers.shift).astype(np.int32),
    )
