"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""

from typing import Any

from int8_formulas.scalars import finish, float32, quantize_multiplier
from int8_formulas.tensors import flat, fused_limits, input_quantization, output_quantization
from int8_formulas.windows import inside, over_output
from tinyml_course.graph import Graph, Operator


def multipliers(graph: Graph, operator: Operator) -> list[tuple[int, int]]:
    """One multiplier and shift per output channel.

    ``PopulateConvolutionQuantizationParams`` works in double precision; only a linear layer with
    one weight scale goes through ``GetQuantizedConvolutionMultipler``, which takes the product of
    input and weight scale in single precision.
    """
    _, weight, bias = graph.inputs_of(operator)
    scale_in, _ = input_quantization(graph, operator)
    scale_out, _ = output_quantization(graph, operator)
    scales = [float(s) for s in weight.quantization.scale]
    products = [scale_in * s for s in scales]
    if operator.kind == "FULLY_CONNECTED" and len(scales) == 1:
        products = [float32(p) for p in products]
    products = products * bias.shape[0] if len(products) == 1 else products
    return [quantize_multiplier(p / scale_out) for p in products]


def conv_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    (image,), weight, bias = inputs
    size, kernel = (len(image), len(image[0])), (len(weight[0]), len(weight[0][0]))
    _, zero_in = input_quantization(graph, operator)
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = fused_limits(graph, operator), output_quantization(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        taps = inside(size, kernel, y0, x0)
        result = []
        for c_out, filter_values in enumerate(weight):
            total = bias[c_out]
            for ky, kx, y, x in taps:
                for w, v in zip(filter_values[ky][kx], image[y][x], strict=True):
                    total += w * (v - zero_in)
            result.append(finish(total, constants[c_out], zero_out, limits))
        return result

    return over_output(size, kernel, operator, pixel)


def depthwise_conv_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    (image,), (weight,), bias = inputs
    size, kernel = (len(image), len(image[0])), (len(weight), len(weight[0]))
    c_in, c_out = len(image[0][0]), len(bias)
    multiplier = c_out // c_in
    _, zero_in = input_quantization(graph, operator)
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = fused_limits(graph, operator), output_quantization(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        taps = inside(size, kernel, y0, x0)
        result = []
        for ic in range(c_in):
            for m in range(multiplier):
                oc = m + ic * multiplier
                total = bias[oc]
                for ky, kx, y, x in taps:
                    total += weight[ky][kx][oc] * (image[y][x][ic] - zero_in)
                result.append(finish(total, constants[oc], zero_out, limits))
        return result

    return over_output(size, kernel, operator, pixel)


def fully_connected(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    """Every run of as many features as a row of the weight has is a batch of its own."""
    _, weight, bias = inputs
    features, length = flat(inputs[0]), len(weight[0])
    _, zero_in = input_quantization(graph, operator)
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = fused_limits(graph, operator), output_quantization(graph, operator)
    result = []
    for start in range(0, len(features), length):
        batch = features[start : start + length]
        for row, b, pair in zip(weight, bias, constants, strict=True):
            total = b + sum(w * (v - zero_in) for w, v in zip(row, batch, strict=True))
            result.append(finish(total, pair, zero_out, limits))
    return result
