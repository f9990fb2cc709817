"""SOFTMAX, LOG_SOFTMAX and LOGISTIC, one element at a time in Python integers."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import INT32_MIN
from tinyml_course.graph.operators import Logistic, LogSoftmax, Softmax
from tinyml_course.mcu.exponential import divide_by_power_of_two, multiply, reciprocal
from tinyml_course.mcu.logarithm import logarithm
from tinyml_course.mcu.reference.operators import Arrays, Bytes
from tinyml_course.mcu.squashing import (
    LOG_SOFTMAX_OUTPUT_BITS,
    SOFTMAX_INPUT_BITS,
    SOFTMAX_SUM_BITS,
    LogSoftmaxConstants,
    log_softmax_constants,
    logistic_table,
    softmax_exponentials,
)


def softmax(graph: Graph, operator: Softmax, inputs: Arrays) -> Bytes:
    """Exponentials of the distances to the largest, times the reciprocal of their sum."""
    exponentials = softmax_exponentials(graph, operator)
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    units = np.array([_row([int(x) for x in row], exponentials) for row in rows])
    lowest = np.iinfo(inputs[0].dtype).min
    return (units + lowest).astype(inputs[0].dtype).reshape(inputs[0].shape)


def _row(row: list[int], exponentials: tuple[int, ...]) -> list[int]:
    """0..255 for each input of a row."""
    largest = max(row)
    terms = [exponentials[largest - x] if largest - x < len(exponentials) else 0 for x in row]
    total = sum(divide_by_power_of_two(term, SOFTMAX_SUM_BITS) for term in terms)
    scale, bits = reciprocal(total, SOFTMAX_SUM_BITS)
    # A result with no integer bits becomes 0..255: 31 - 8 fraction bits too many.
    return [min(divide_by_power_of_two(multiply(scale, term), bits + 23), 255) for term in terms]


def log_softmax(graph: Graph, operator: LogSoftmax, inputs: Arrays) -> NDArray[np.int8]:
    """The distance to the largest, less the logarithm of the sum of exponentials."""
    constants = log_softmax_constants(graph, operator)
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    output = [_log_row([int(x) for x in row], constants) for row in rows]
    return np.array(output, np.int8).reshape(inputs[0].shape)


def _log_row(row: list[int], constants: LogSoftmaxConstants) -> list[int]:
    largest, reach = max(row), len(constants.differences)
    total = sum(
        divide_by_power_of_two(constants.exponentials[largest - x], SOFTMAX_SUM_BITS)
        for x in row
        if largest - x < reach
    )
    log_of_sum = logarithm(total, SOFTMAX_SUM_BITS, SOFTMAX_INPUT_BITS)
    # What would lie below the smallest difference less the logarithm is the smallest output.
    multiplier, shift = constants.reverse
    lowest = divide_by_power_of_two(multiply(log_of_sum + INT32_MIN, multiplier), -shift)

    def output(x: int) -> int:
        if x - largest <= max(-reach, lowest):
            return -128
        unscaled = constants.differences[largest - x] - log_of_sum
        bits = 31 - SOFTMAX_INPUT_BITS - LOG_SOFTMAX_OUTPUT_BITS
        return min(max(divide_by_power_of_two(unscaled, bits) + 127, -128), 127)

    return [output(x) for x in row]


def logistic(graph: Graph, operator: Logistic, inputs: Arrays) -> NDArray[np.int8]:
    """A look-up: there are only 256 inputs."""
    table = np.array(logistic_table(graph, operator), np.int8)
    return table[inputs[0].astype(np.int64) + 128]
