"""Add, pools and reshape."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import Add, AveragePool2D, MaxPool2D, Pool, Reshape
from tinyml_course.mcu.kernels.base import Constants, Int8, Kernel, kernel_for
from tinyml_course.mcu.requantization import ADD_LEFT_SHIFT, add_constants


@kernel_for(Add)
class AddKernel(Kernel):
    """Each summand has only 256 values, so its rescaling is a table look-up."""

    def __init__(self, graph: Graph, operator: Add, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        table = add_constants(graph, operator)
        every_int8 = np.arange(-128, 128, dtype=np.int64)
        self.tables = [
            multiply_by_quantized_multiplier((every_int8 - zero_point) << ADD_LEFT_SHIFT, *pair)
            for zero_point, pair in zip(self.zero_points, (table.first, table.second), strict=True)
        ]
        self.output = table.output

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Two maps of one shape to their sum."""
        total = sum(
            table[x.astype(np.int16) + 128] for table, x in zip(self.tables, inputs, strict=True)
        )
        scaled = multiply_by_quantized_multiplier(total, *self.output)
        return self.clamp(scaled + self.output_zero_point)


class _PoolKernel(Kernel):
    """Windows over a padded map."""

    def __init__(self, graph: Graph, operator: Pool, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.size, self.stride, self.padding = operator.size, operator.stride, operator.padding

    def windows(self, x: NDArray[Any], fill: int) -> NDArray[Any]:
        """``(H_out, W_out, C, K_h, K_w)`` of ``(H, W, C)``."""
        padded = np.pad(x, (*self.padding, (0, 0)), constant_values=fill)
        view = sliding_window_view(padded, self.size, axis=(0, 1))
        return view[:: self.stride[0], :: self.stride[1]]


@kernel_for(AveragePool2D)
class AveragePoolKernel(_PoolKernel):
    """Integer mean; padded positions count neither in the sum nor in the divisor."""

    def __init__(self, graph: Graph, operator: AveragePool2D, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        _, h, w, _ = graph.inputs_of(operator)[0].shape
        self.count = self.windows(np.ones((h, w, 1), np.int64), 0).sum(axis=(3, 4))

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        total = self.windows(inputs[0][0], 0).sum(axis=(3, 4), dtype=np.int64)
        half = np.where(total > 0, self.count // 2, -(self.count // 2))
        # C truncates toward zero; numpy's // floors.
        quotient = np.abs(total + half) // self.count
        return self.clamp(np.sign(total) * quotient)


@kernel_for(MaxPool2D)
class MaxPoolKernel(_PoolKernel):
    """Largest value; padding never wins."""

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        return self.clamp(self.windows(inputs[0][0], -128).max(axis=(3, 4)))


@kernel_for(Reshape)
class ReshapeKernel(Kernel):
    """The same bytes."""

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Any shape to any shape of as many elements."""
        return inputs[0].reshape(self.output_shape)
