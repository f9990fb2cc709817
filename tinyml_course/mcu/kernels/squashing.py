"""Softmax and Logistic, from tables of their 256 possible exponentials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import rounding_divide_by_power_of_two
from tinyml_course.graph.operators import Logistic, Softmax
from tinyml_course.mcu.exponential import reciprocal
from tinyml_course.mcu.kernels.base import Constants, Int8, Int8Kernel, kernel_for
from tinyml_course.mcu.kernels.byte_table import ByteTableKernel, every_byte
from tinyml_course.mcu.squashing import SOFTMAX_SUM_BITS, logistic_table, softmax_exponentials


@kernel_for(Softmax)
class SoftmaxKernel(Int8Kernel):
    """Both the exponentials and what they add to the sum are looked up by distance to the max."""

    def __init__(self, graph: Graph, operator: Softmax, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.exponentials = np.zeros(256, np.int64)
        known = softmax_exponentials(graph, operator)
        self.exponentials[: len(known)] = known
        self.addends = rounding_divide_by_power_of_two(self.exponentials, SOFTMAX_SUM_BITS)

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, ..., C)``, each row of C on its own."""
        rows = inputs[0].reshape(-1, self.output_shape[-1]).astype(np.int64)
        distance = rows.max(axis=1, keepdims=True) - rows
        sums = self.addends[distance].sum(axis=1)
        reciprocals = [reciprocal(int(total), SOFTMAX_SUM_BITS) for total in sums]
        scale, bits = np.array(reciprocals, np.int64).T[:, :, np.newaxis]
        product = (scale * self.exponentials[distance] + (1 << 30)) >> 31
        return self.clamp(rounding_divide_by_power_of_two(product, bits + 23) - 128)


@kernel_for(Logistic)
class LogisticKernel(ByteTableKernel):
    """256 outputs."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """The sigmoid of every byte."""
        assert isinstance(self.operator, Logistic)
        return np.array(logistic_table(graph, self.operator), np.int8)[every_byte(dtype) + 128]
