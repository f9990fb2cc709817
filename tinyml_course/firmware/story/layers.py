"""What the story's kernels know of a layer."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import any_output
from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.requantization import requantization

Layer = Conv2D | DepthwiseConv2D | FullyConnected
LARGEST_WINDOW = 49  # STORY_LARGEST_WINDOW


def taps_of(graph: Graph, operator: Layer) -> int:
    """Inputs that one output of a convolution or linear layer reads."""
    weight = graph.inputs_of(operator)[1]
    return weight.elements // weight.shape[0]


def padded_size(graph: Graph, operator: Layer) -> tuple[int, int]:
    """Rows and columns of the input with its padding."""
    if isinstance(operator, FullyConnected):
        return 1, 1
    _, height, width, _ = graph.inputs_of(operator)[0].shape
    (top, bottom), (left, right) = operator.padding
    return height + top + bottom, width + left + right


def story_layer(graph: Graph, operator: Layer, columns: int, simd: bool) -> LayerCode:
    """The description of a layer; a linear layer is a 1x1 convolution of one pixel.

    Args:
        graph: the network.
        operator: of it.
        columns: windows that the scratch holds at a time.
        simd: whether weights lie as `four_for_sxtb16` says.

    Raises:
        FirmwareError: a depthwise layer with a multiplier or a larger window than 7x7.
    """
    source, weight, bias = graph.inputs_of(operator)
    table = requantization(graph, operator)
    values = weight.values()
    if isinstance(operator, DepthwiseConv2D):
        _check_depthwise(graph, operator)
    elif simd:
        values = four_for_sxtb16(values.reshape(values.shape[0], -1))
    arrays: dict[str, NDArray[np.int8] | NDArray[np.int32]] = {
        "weights": values.ravel(),
        "bias": bias.values().astype(np.int32),
        "multiplier": table.multiplier.astype(np.int32),
        "shift": table.shift.astype(np.int32),
    }
    fields: dict[str, str | int] = {
        **_geometry(graph, operator),
        "zero_point": source.scale_and_zero_point()[1],
        "columns": columns,
        "output": any_output(graph, operator, operator.activation),
    }
    return LayerCode("story_layer", "", arrays, fields)


def four_for_sxtb16(rows: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights with every whole four of a row as 0, 2, 1, 3.

    SXTB16 takes the bytes 0 and 2 of a word, and rotated by 8 bits 1 and 3: neighbours, then.

    Args:
        rows: ``(C_out, taps)``.
    """
    order = np.arange(rows.shape[1])
    fours = order.size // 4 * 4
    order[:fours] = order[:fours].reshape(-1, 2, 2).swapaxes(1, 2).ravel()
    return rows[:, order]


def _geometry(graph: Graph, operator: Layer) -> dict[str, str | int]:
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    padded_height, padded_width = padded_size(graph, operator)
    if isinstance(operator, FullyConnected):
        (height, width), (rows, columns), kernel, stride, pad = ((1, 1),) * 4 + ((0, 0),)
    else:
        height, width = source.shape[1:3]
        rows, columns = output.shape[1:3]
        kernel, stride = operator.kernel(graph.inputs_of(operator)), operator.stride
        pad = operator.padding[0][0], operator.padding[1][0]
    return {
        "height": height,
        "width": width,
        "channels_in": source.elements // (height * width),
        "out_height": rows,
        "out_width": columns,
        "channels_out": output.elements // (rows * columns),
        "kernel_height": kernel[0],
        "kernel_width": kernel[1],
        "stride_height": stride[0],
        "stride_width": stride[1],
        "pad_top": pad[0],
        "pad_left": pad[1],
        "padded_height": padded_height,
        "padded_width": padded_width,
    }


def _check_depthwise(graph: Graph, operator: DepthwiseConv2D) -> None:
    inputs = graph.inputs_of(operator)
    height, width = operator.kernel(inputs)
    if operator.multiplier(inputs) != 1 or height * width > LARGEST_WINDOW:
        raise FirmwareError(
            f"{operator.name}: the story has no kernel for a depthwise convolution with "
            f"{operator.multiplier(inputs)} outputs per channel and a {height}x{width} window, "
            f"only for one output and at most {LARGEST_WINDOW} taps; generate() has one"
        )
