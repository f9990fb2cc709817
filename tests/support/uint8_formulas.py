"""TF-Lite's uint8 operators in plain Python integers, on a file as it was written.

Transcribed from the reference kernels of TF-Lite 2.14 (``reference/conv.h``,
``depthwiseconv_uint8.h``, ``fully_connected.h``, ``pooling.h``, ``add.h``, ``mul.h``, and what
``kernel_util.cc``, ``mul.cc`` and ``activations.cc`` prepare for them). Nothing of the package is
used, neither its importer nor its constants. Slow, so for small maps only.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from int8_formulas.scalars import (
    clamp,
    float32,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
)
from tflite_files import TYPES, TfliteFile
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
DTYPES = {code: name for name, code in TYPES.items()}
RELU, RELU6 = 1, 3


class Operand:
    """A tensor of the file with its values."""

    def __init__(self, tensor: Any, values: np.ndarray | None) -> None:
        self.shape = tuple(tensor.shape)
        quantization = tensor.quantization
        if quantization is not None:
            self.scale, self.zero_point = (
                float32(quantization.scale[0]),
                int(quantization.zeroPoint[0]),
            )
        if values is not None:
            self.values = values
            self.integers = values.tolist()

    def limits(self, activation: int) -> tuple[int, int]:
        """``CalculateActivationRangeQuantized``: the quotient is taken in single precision."""
        low, high = 0, 255
        if activation in (RELU, RELU6):
            low = max(low, self.zero_point)
        if activation == RELU6:
            high = min(high, self.zero_point + round_half_away(Fraction(float32(6.0 / self.scale))))
        return low, high

    def rescaled(self, accumulator: int, constants: tuple[int, int], activation: int) -> int:
        """From an accumulator to a byte of this tensor."""
        scaled = multiply_by_quantized_multiplier(accumulator, *constants)
        return clamp(scaled + self.zero_point, self.limits(activation))


def evaluate(file: TfliteFile, image: np.ndarray) -> dict[int, np.ndarray]:
    """Every activation for one uint8 image, by its index in the file."""
    values: dict[int, np.ndarray] = {file.inputs[0]: image}
    for index, tensor in enumerate(file.tensors):
        if tensor.buffer:
            raw = bytes(file.buffers[tensor.buffer].data)
            values[index] = np.frombuffer(raw, DTYPES[tensor.type]).reshape(tensor.shape)
    for operator in file.operators:
        kind = NAMES[file.codes[operator.opcodeIndex].builtinCode]
        inputs = [Operand(file.tensors[i], values[i]) for i in operator.inputs]
        output = Operand(file.tensors[operator.outputs[0]], None)
        result = np.array(FORMULAS[kind](operator.builtinOptions, inputs, output), np.int64)
        assert result.min() >= 0
        assert result.max() <= 255
        values[operator.outputs[0]] = result.astype(np.uint8).reshape(output.shape)
    return values


def _multiplier(inputs: list[Operand], output: Operand) -> tuple[int, int]:
    """``GetQuantizedConvolutionMultipler``: the product is taken in single precision."""
    return quantize_multiplier(float32(inputs[0].scale * inputs[1].scale) / output.scale)


def _windows(
    options: Any, source: Operand, output: Operand, kernel: tuple[int, int]
) -> list[list[tuple[int, int, int, int]]]:
    """``(k_y, k_x, y, x)`` of the positions inside the map, for each output pixel."""
    strides = (options.strideH, options.strideW)
    pads = []
    for axis in range(2):
        reach = (output.shape[1 + axis] - 1) * strides[axis] + kernel[axis]
        # What SAME adds above and to the left; VALID adds nothing.
        pads.append(max(reach - source.shape[1 + axis], 0) // 2 if options.padding == 0 else 0)
    return [
        [
            (ky, kx, y, x)
            for ky, kx in product(range(kernel[0]), range(kernel[1]))
            if 0 <= (y := oy * strides[0] - pads[0] + ky) < source.shape[1]
            and 0 <= (x := ox * strides[1] - pads[1] + kx) < source.shape[2]
        ]
        for oy, ox in product(range(output.shape[1]), range(output.shape[2]))
    ]


def _conv_2d(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    source, weight, bias = inputs
    image, constants = source.integers[0], _multiplier(inputs, output)
    result = []
    for taps in _windows(options, source, output, weight.shape[1:3]):
        for channel, total in enumerate(bias.integers):
            for ky, kx, y, x in taps:
                for w, v in zip(weight.integers[channel][ky][kx], image[y][x], strict=True):
                    total += (w - weight.zero_point) * (v - source.zero_point)
            result.append(output.rescaled(total, constants, options.fusedActivationFunction))
    return result


def _depthwise_conv_2d(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    source, weight, bias = inputs
    image, constants = source.integers[0], _multiplier(inputs, output)
    result = []
    for taps in _windows(options, source, output, weight.shape[1:3]):
        for channel, total in enumerate(bias.integers):
            for ky, kx, y, x in taps:
                v = image[y][x][channel // options.depthMultiplier]
                w = weight.integers[0][ky][kx][channel]
                total += (w - weight.zero_point) * (v - source.zero_point)
            result.append(output.rescaled(total, constants, options.fusedActivationFunction))
    return result


def _fully_connected(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    source, weight, bias = inputs
    constants = _multiplier(inputs, output)
    features = [v - source.zero_point for v in source.values.ravel().tolist()]
    result = []
    for row, b in zip(weight.integers, bias.integers, strict=True):
        total = b + sum((w - weight.zero_point) * v for w, v in zip(row, features, strict=True))
        result.append(output.rescaled(total, constants, options.fusedActivationFunction))
    return result


def _pool(
    options: Any, inputs: list[Operand], output: Operand, reduce: Callable[[list[int]], int]
) -> list[int]:
    (source,) = inputs
    image, limits = source.integers[0], output.limits(options.fusedActivationFunction)
    size = (options.filterHeight, options.filterWidth)
    return [
        clamp(reduce([image[y][x][channel] for *_, y, x in taps]), limits)
        for taps in _windows(options, source, output, size)
        for channel in range(source.shape[3])
    ]


def _mean_halves_up(values: list[int]) -> int:
    return (sum(values) + len(values) // 2) // len(values)


def _pairs(inputs: list[Operand]) -> list[tuple[int, int]]:
    both = np.broadcast_arrays(*(operand.values for operand in inputs))
    first, second = (array.ravel().tolist() for array in both)
    return list(zip(first, second, strict=True))


def _add(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    left_shift = 20
    twice_largest = 2 * max(operand.scale for operand in inputs)
    factors = [quantize_multiplier(operand.scale / twice_largest) for operand in inputs]
    last = quantize_multiplier(twice_largest / ((1 << left_shift) * output.scale))
    result = []
    for pair in _pairs(inputs):
        total = sum(
            multiply_by_quantized_multiplier((v - operand.zero_point) << left_shift, *factor)
            for v, operand, factor in zip(pair, inputs, factors, strict=True)
        )
        result.append(output.rescaled(total, last, options.fusedActivationFunction))
    return result


def _mul(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    a, b = inputs
    constants = quantize_multiplier(float32(float32(a.scale * b.scale) / output.scale))
    return [
        output.rescaled(
            (v - a.zero_point) * (w - b.zero_point), constants, options.fusedActivationFunction
        )
        for v, w in _pairs(inputs)
    ]


def _relu(options: Any, inputs: list[Operand], output: Operand) -> list[int]:
    constants = quantize_multiplier(float32(inputs[0].scale / output.scale))
    return [
        output.rescaled(v - inputs[0].zero_point, constants, RELU)
        for v in inputs[0].values.ravel().tolist()
    ]


def _concatenation(options: Any, inputs: list[Operand], output: Operand) -> Any:
    return np.concatenate([operand.values for operand in inputs], axis=options.axis)


FORMULAS: dict[str, Callable[[Any, list[Operand], Operand], Any]] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": lambda *site: _pool(*site, _mean_halves_up),
    "MAX_POOL_2D": lambda *site: _pool(*site, max),
    "ADD": _add,
    "MUL": _mul,
    "RELU": _relu,
    "CONCATENATION": _concatenation,
    "RESHAPE": lambda _, inputs, output: inputs[0].values,
}
