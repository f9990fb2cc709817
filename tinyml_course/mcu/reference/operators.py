"""One function per operator: int8 or uint8 arrays in, one of that type out, sums in int64."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Pool,
    Reshape,
    WindowOperator,
)
from tinyml_course.mcu.reference.rounding import Int64, requantize
from tinyml_course.mcu.requantization import (
    ADD_LEFT_SHIFT,
    activation_limits,
    add_constants,
    requantization,
)

Arrays = Sequence[NDArray[Any]]
Bytes = NDArray[np.int8] | NDArray[np.uint8]


def conv_2d(graph: Graph, operator: Conv2D, inputs: Arrays) -> Bytes:
    """Sum over kernel rows, columns and input channels of centred weight times input, plus bias."""
    weight = _centred(graph, operator, inputs, 1)
    _, k_h, k_w, _ = weight.shape
    taps = _taps(graph, operator, inputs, (k_h, k_w))
    total = sum(taps[ky, kx] @ weight[:, ky, kx, :].T for ky in range(k_h) for kx in range(k_w))
    return _finish(graph, operator, total + inputs[2])


def depthwise_conv_2d(graph: Graph, operator: DepthwiseConv2D, inputs: Arrays) -> Bytes:
    """Every output channel reads one input channel."""
    weight = _centred(graph, operator, inputs, 1)
    _, k_h, k_w, c_out = weight.shape
    taps = _taps(graph, operator, inputs, (k_h, k_w))
    multiplier = c_out // inputs[0].shape[3]
    total = sum(
        np.repeat(taps[ky, kx], multiplier, axis=-1) * weight[0, ky, kx]
        for ky in range(k_h)
        for kx in range(k_w)
    )
    return _finish(graph, operator, total + inputs[2])


def fully_connected(graph: Graph, operator: FullyConnected, inputs: Arrays) -> Bytes:
    """Centred weight times centred features, plus bias, for every row of features."""
    weight = _centred(graph, operator, inputs, 1)
    rows = _centred(graph, operator, inputs, 0).reshape(-1, weight.shape[1])
    output = _finish(graph, operator, rows @ weight.T + inputs[2])
    return output.reshape(graph.output_of(operator).shape)


def add(graph: Graph, operator: Add, inputs: Arrays) -> Bytes:
    """Both summands rescaled to a common scale with 20 spare bits, summed, rescaled."""
    constants = add_constants(graph, operator)
    total = np.zeros(graph.output_of(operator).shape, np.int64)
    tensors = graph.inputs_of(operator)
    for x, tensor, (multiplier, shift) in zip(
        inputs, tensors, (constants.first, constants.second), strict=True
    ):
        wide = (x.astype(np.int64) - tensor.scale_and_zero_point()[1]) << ADD_LEFT_SHIFT
        total += requantize(wide, np.int64(multiplier), np.int64(shift))
    multiplier, shift = constants.output
    output = graph.output_of(operator)
    result = requantize(total, np.int64(multiplier), np.int64(shift))
    low, high = activation_limits(operator.activation, output)
    return np.clip(result + output.scale_and_zero_point()[1], low, high).astype(output.dtype)


def average_pool_2d(graph: Graph, operator: AveragePool2D, inputs: Arrays) -> Bytes:
    """Integer mean of the unpadded part of each window, halves away from zero."""
    total = np.zeros(graph.output_of(operator).shape, np.int64)
    count = np.zeros_like(total)
    for values, inside in _windows(operator, inputs[0]):
        total += np.where(inside, values, 0)
        count += inside
    mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
    output = graph.output_of(operator)
    low, high = activation_limits(operator.activation, output)
    clamped: Bytes = np.clip(mean, low, high).astype(output.dtype)
    return clamped


def max_pool_2d(graph: Graph, operator: MaxPool2D, inputs: Arrays) -> Bytes:
    """Largest value of the unpadded part of each window."""
    output = graph.output_of(operator)
    largest = np.full(output.shape, np.iinfo(output.dtype).min, np.int64)
    for values, inside in _windows(operator, inputs[0]):
        largest = np.where(inside, np.maximum(largest, values), largest)
    low, high = activation_limits(operator.activation, output)
    return np.clip(largest, low, high).astype(output.dtype)


def reshape(graph: Graph, operator: Reshape, inputs: Arrays) -> Bytes:  # noqa: ARG001
    """The same numbers in the same order."""
    same: Bytes = inputs[0].reshape(operator.shape)
    return same


def _centred(graph: Graph, operator: Operator, inputs: Arrays, index: int) -> Int64:
    quantization = graph.inputs_of(operator)[index].quantization
    assert quantization is not None
    # Of many zero points, those of weights per channel, each is 0.
    return inputs[index].astype(np.int64) - int(quantization.zero_point[0])


def _taps(
    graph: Graph, operator: WindowOperator, inputs: Arrays, kernel: tuple[int, int]
) -> dict[tuple[int, int], Int64]:
    """For each kernel position the centred input that every output pixel reads there."""
    centred = _centred(graph, operator, inputs, 0)
    padded = np.pad(centred, ((0, 0), *operator.padding, (0, 0)))  # 0 is the zero point, centred
    return {
        (ky, kx): _strided(padded, operator, ky, kx, graph.output_of(operator).shape)
        for ky in range(kernel[0])
        for kx in range(kernel[1])
    }


def _windows(operator: Pool, x: NDArray[Any]) -> list[tuple[Int64, NDArray[np.bool_]]]:
    pads = ((0, 0), *operator.padding, (0, 0))
    padded = np.pad(x.astype(np.int64), pads)
    inside = np.pad(np.ones(x.shape, bool), pads)
    rows = (padded.shape[1] - operator.size[0]) // operator.stride[0] + 1
    columns = (padded.shape[2] - operator.size[1]) // operator.stride[1] + 1
    shape = (1, rows, columns, x.shape[3])
    return [
        (
            _strided(padded, operator, ky, kx, shape),
            _strided(inside, operator, ky, kx, shape),
        )
        for ky in range(operator.size[0])
        for kx in range(operator.size[1])
    ]


def _strided(
    padded: NDArray[Any], operator: WindowOperator, ky: int, kx: int, shape: tuple[int, ...]
) -> NDArray[Any]:
    s_h, s_w = operator.stride
    return padded[:, ky : ky + s_h * shape[1] : s_h, kx : kx + s_w * shape[2] : s_w][
        :, : shape[1], : shape[2]
    ]


def _finish(
    graph: Graph, operator: Conv2D | DepthwiseConv2D | FullyConnected, accumulator: Any
) -> Bytes:
    """From the int32 sum to a byte: rescale, add the output's zero point, clamp."""
    table = requantization(graph, operator)
    output = graph.output_of(operator)
    scaled = requantize(
        np.asarray(accumulator, np.int64),
        table.multiplier.astype(np.int64),
        table.shift.astype(np.int64),
    )
    low, high = activation_limits(operator.activation, output)
    return np.clip(scaled + output.scale_and_zero_point()[1], low, high).astype(output.dtype)
