"""TF-Lite's int8 operators in plain Python integers, one scalar at a time.

Transcribed from TF-Lite's reference kernels (``gemmlowp/fixedpoint.h``, ``common.h``,
``integer_ops/conv.h`` and so on), and sharing nothing with the package: the constants are derived
here from the scales, by exact fractions. Slow, so for small maps only.
"""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from tinyml_course.graph import Graph, Operator

INT8 = (-128, 127)


def c_divide(a: int, b: int) -> int:
    """C's integer division: truncation toward zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def round_half_away(real: Fraction) -> int:
    """C's ``round``."""
    magnitude = (2 * abs(real.numerator) + real.denominator) // (2 * real.denominator)
    return magnitude if real >= 0 else -magnitude


def float32(real: float) -> float:
    """The nearest single-precision number."""
    return struct.unpack("f", struct.pack("f", real))[0]


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    if a == b == -(2**31):
        return 2**31 - 1
    ab = a * b
    nudge = 2**30 if ab >= 0 else 1 - 2**30
    return c_divide(ab + nudge, 2**31)


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    mask = (1 << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    left, right = max(shift, 0), max(-shift, 0)
    high = saturating_rounding_doubling_high_mul(x * (1 << left), multiplier)
    return rounding_divide_by_pot(high, right)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real = q * 2**(shift - 31)``, ``q`` in 2**30..2**31-1, by exact fractions."""
    if real == 0:
        return 0, 0
    mantissa, shift = Fraction(real), 0
    while mantissa >= 1:
        mantissa, shift = mantissa / 2, shift + 1
    while mantissa < Fraction(1, 2):
        mantissa, shift = mantissa * 2, shift - 1
    q = round_half_away(mantissa * 2**31)
    if q == 2**31:
        q, shift = q // 2, shift + 1
    return (0, 0) if shift < -31 else (q, shift)


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """``CalculateActivationRangeQuantized``: the quotient is taken in single precision."""

    def integer(real: float) -> int:
        return zero_point + round_half_away(Fraction(float32(real / float32(scale))))

    low, high = INT8
    if activation in ("RELU", "RELU6"):
        low = max(low, integer(0.0))
    if activation == "RELU6":
        high = min(high, integer(6.0))
    return low, high


def clamp(x: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(limits[1], x))


def evaluate(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every activation of ``graph`` for one int8 image."""
    values = {tensor.name: tensor.values() for tensor in graph.constants()}
    values[graph.input.name] = image
    for operator in graph.operators:
        inputs = [values[name].tolist() for name in operator.inputs]
        result = _FORMULAS[operator.kind](graph, operator, inputs)
        array = np.array(result, np.int64)
        assert array.min() >= -128
        assert array.max() <= 127
        output = graph.output_of(operator)
        values[operator.outputs[0]] = array.astype(np.int8).reshape(output.shape)
    return {t.name: values[t.name] for t in graph.activations()}


def _output(graph: Graph, operator: Operator) -> tuple[float, int]:
    scale, zero_point = graph.output_of(operator).scale_and_zero_point()
    return float(scale), zero_point


def _limits(graph: Graph, operator: Any) -> tuple[int, int]:
    return activation_range(operator.activation, *_output(graph, operator))


def multipliers(graph: Graph, operator: Operator) -> list[tuple[int, int]]:
    """One multiplier and shift per output channel.

    ``PopulateConvolutionQuantizationParams`` works in double precision; only a linear layer with
    one weight scale goes through ``GetQuantizedConvolutionMultipler``, which takes the product of
    input and weight scale in single precision.
    """
    source, weight, bias = graph.inputs_of(operator)
    scale_in = float(source.scale_and_zero_point()[0])
    scale_out, _ = _output(graph, operator)
    scales = [float(s) for s in weight.quantization.scale]
    products = [scale_in * s for s in scales]
    if operator.kind == "FULLY_CONNECTED" and len(scales) == 1:
        products = [float32(p) for p in products]
    products = products * bias.shape[0] if len(products) == 1 else products
    return [quantize_multiplier(p / scale_out) for p in products]


def _finish(
    accumulator: int, constants: tuple[int, int], zero_point: int, limits: tuple[int, int]
) -> int:
    return clamp(multiply_by_quantized_multiplier(accumulator, *constants) + zero_point, limits)


Pixel = Callable[[int, int], list[int]]


def _over_output(size: Sequence[int], kernel: Sequence[int], operator: Any, pixel: Pixel) -> Any:
    """``pixel(first row, first column)`` for every output position, in raster order."""
    (top, bottom), (left, right) = operator.padding
    rows = (size[0] + top + bottom - kernel[0]) // operator.stride[0] + 1
    columns = (size[1] + left + right - kernel[1]) // operator.stride[1] + 1
    return [
        [pixel(y * operator.stride[0] - top, x * operator.stride[1] - left) for x in range(columns)]
        for y in range(rows)
    ]


def _inside(size: Sequence[int], kernel: Sequence[int], y0: int, x0: int) -> list[tuple[int, ...]]:
    """``(k_y, k_x, y, x)`` of the window's positions that lie on the map."""
    return [
        (ky, kx, y0 + ky, x0 + kx)
        for ky, kx in product(range(kernel[0]), range(kernel[1]))
        if 0 <= y0 + ky < size[0] and 0 <= x0 + kx < size[1]
    ]


def _conv_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    (image,), weight, bias = inputs
    size, kernel = (len(image), len(image[0])), (len(weight[0]), len(weight[0][0]))
    zero_in = graph.inputs_of(operator)[0].scale_and_zero_point()[1]
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = _limits(graph, operator), _output(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        taps = _inside(size, kernel, y0, x0)
        result = []
        for c_out, filter_values in enumerate(weight):
            total = bias[c_out]
            for ky, kx, y, x in taps:
                for w, v in zip(filter_values[ky][kx], image[y][x], strict=True):
                    total += w * (v - zero_in)
            result.append(_finish(total, constants[c_out], zero_out, limits))
        return result

    return _over_output(size, kernel, operator, pixel)


def _depthwise_conv_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    (image,), (weight,), bias = inputs
    size, kernel = (len(image), len(image[0])), (len(weight), len(weight[0]))
    c_in, c_out = len(image[0][0]), len(bias)
    multiplier = c_out // c_in
    zero_in = graph.inputs_of(operator)[0].scale_and_zero_point()[1]
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = _limits(graph, operator), _output(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        taps = _inside(size, kernel, y0, x0)
        result = []
        for ic in range(c_in):
            for m in range(multiplier):
                oc = m + ic * multiplier
                total = bias[oc]
                for ky, kx, y, x in taps:
                    total += weight[ky][kx][oc] * (image[y][x][ic] - zero_in)
                result.append(_finish(total, constants[oc], zero_out, limits))
        return result

    return _over_output(size, kernel, operator, pixel)


def _fully_connected(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    _, weight, bias = inputs
    features = np.array(inputs[0]).ravel().tolist()
    zero_in = graph.inputs_of(operator)[0].scale_and_zero_point()[1]
    constants = multipliers(graph, operator)
    limits, (_, zero_out) = _limits(graph, operator), _output(graph, operator)
    result = []
    for row, b, pair in zip(weight, bias, constants, strict=True):
        total = b + sum(w * (v - zero_in) for w, v in zip(row, features, strict=True))
        result.append(_finish(total, pair, zero_out, limits))
    return result


def _add(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    tensors = graph.inputs_of(operator)
    scales = [float(t.scale_and_zero_point()[0]) for t in tensors]
    zeros = [t.scale_and_zero_point()[1] for t in tensors]
    scale_out, zero_out = _output(graph, operator)
    left_shift = 20
    twice_largest = 2 * max(scales)
    first, second = (quantize_multiplier(s / twice_largest) for s in scales)
    last = quantize_multiplier(twice_largest / ((1 << left_shift) * scale_out))
    limits = _limits(graph, operator)
    flat = [np.array(x).ravel().tolist() for x in inputs]
    result = []
    for a, b in zip(*flat, strict=True):
        scaled_a = multiply_by_quantized_multiplier((a - zeros[0]) * (1 << left_shift), *first)
        scaled_b = multiply_by_quantized_multiplier((b - zeros[1]) * (1 << left_shift), *second)
        result.append(_finish(scaled_a + scaled_b, last, zero_out, limits))
    return result


def _pool(
    graph: Graph, operator: Any, inputs: list[Any], reduce: Callable[[list[int]], int]
) -> Any:
    ((image,),) = inputs
    size = (len(image), len(image[0]))
    limits = _limits(graph, operator)

    def pixel(y0: int, x0: int) -> list[int]:
        places = [(y, x) for *_, y, x in _inside(size, operator.size, y0, x0)]
        columns = zip(*(image[y][x] for y, x in places), strict=True)
        return [clamp(reduce(list(values)), limits) for values in columns]

    return _over_output(size, operator.size, operator, pixel)


def rounded_mean(values: list[int]) -> int:
    total, count = sum(values), len(values)
    return c_divide(total + count // 2 if total > 0 else total - count // 2, count)


def _average_pool_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    return _pool(graph, operator, inputs, rounded_mean)


def _max_pool_2d(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    return _pool(graph, operator, inputs, max)


def _reshape(graph: Graph, operator: Any, inputs: list[Any]) -> Any:
    return np.array(inputs[0]).ravel().tolist()


_FORMULAS: dict[str, Callable[..., Any]] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool_2d,
    "MAX_POOL_2D": _max_pool_2d,
    "RESHAPE": _reshape,
}
