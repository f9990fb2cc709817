"""Softmax, LogSoftmax and Logistic, from tables of their 256 possible exponentials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import (
    INT32_MIN,
    multiply_by_quantized_multiplier,
    rounding_divide_by_power_of_two,
)
from tinyml_course.graph.operators import Logistic, LogSoftmax, Softmax
from tinyml_course.mcu.exponential import reciprocal
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, kernel_for
from tinyml_course.mcu.kernels.byte_table import ByteTableKernel, every_byte
from tinyml_course.mcu.logarithm import logarithm
from tinyml_course.mcu.squashing import (
    LOG_SOFTMAX_OUTPUT_BITS,
    SOFTMAX_INPUT_BITS,
    SOFTMAX_SUM_BITS,
    log_softmax_constants,
    logistic_table,
    softmax_exponentials,
)


def _by_distance(values: Sequence[int]) -> NDArray[np.int64]:
    """A table over all 256 distances, 0 where ``values`` has ended."""
    table = np.zeros(256, np.int64)
    table[: len(values)] = values
    return table


@kernel_for(Softmax)
class SoftmaxKernel(ByteKernel):
    """Both the exponentials and what they add to the sum are looked up by distance to the max."""

    def __init__(self, graph: Graph, operator: Softmax, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.exponentials = _by_distance(softmax_exponentials(graph, operator))
        self.addends = rounding_divide_by_power_of_two(self.exponentials, SOFTMAX_SUM_BITS)

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, ..., C)``, each row of C on its own."""
        rows = inputs[0].reshape(-1, self.output_shape[-1]).astype(np.int64)
        distance = rows.max(axis=1, keepdims=True) - rows
        sums = self.addends[distance].sum(axis=1)
        reciprocals = [reciprocal(int(total), SOFTMAX_SUM_BITS) for total in sums]
        scale, bits = np.array(reciprocals, np.int64).T[:, :, np.newaxis]
        product = (scale * self.exponentials[distance] + (1 << 30)) >> 31
        units = rounding_divide_by_power_of_two(product, bits + 23)
        return self.clamp(units + np.iinfo(self.dtype).min)


@kernel_for(LogSoftmax)
class LogSoftmaxKernel(ByteKernel):
    """Differences and exponentials are looked up; one logarithm a row."""

    def __init__(self, graph: Graph, operator: LogSoftmax, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        known = log_softmax_constants(graph, operator)
        self.reach, self.reverse = len(known.differences), known.reverse
        self.differences = _by_distance(known.differences)
        exponentials = _by_distance(known.exponentials)
        self.addends = rounding_divide_by_power_of_two(exponentials, SOFTMAX_SUM_BITS)

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, ..., C)``, each row of C on its own."""
        rows = inputs[0].reshape(-1, self.output_shape[-1]).astype(np.int64)
        distance = rows.max(axis=1, keepdims=True) - rows
        sums = self.addends[distance].sum(axis=1)
        logarithms = [logarithm(int(n), SOFTMAX_SUM_BITS, SOFTMAX_INPUT_BITS) for n in sums]
        log_of_sum = np.array(logarithms, np.int64)[:, np.newaxis]
        lowest = multiply_by_quantized_multiplier(log_of_sum + INT32_MIN, *self.reverse)
        bits = 31 - SOFTMAX_INPUT_BITS - LOG_SOFTMAX_OUTPUT_BITS
        unscaled = self.differences[distance] - log_of_sum
        output = rounding_divide_by_power_of_two(unscaled, bits) + 127
        return self.clamp(np.where(-distance > np.maximum(lowest, -self.reach), output, -128))


@kernel_for(Logistic)
class LogisticKernel(ByteTableKernel):
    """256 outputs."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """The sigmoid of every byte."""
        assert isinstance(self.operator, Logistic)
        return np.array(logistic_table(graph, self.operator), np.int8)[every_byte(dtype) + 128]
