"""Convolutions and linear layers, exact through BLAS."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.kernels.base import Constants, Int8, Kernel, exact_matrix, kernel_for


class _MatrixKernel(Kernel):
    """``w (x - z) + b`` as ``w x + (b - z sum(w))``, so that x needs no subtraction."""

    def __init__(self, graph: Graph, operator: Operator, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        weight = constants["weight"]
        rows = weight.reshape(weight.shape[0], -1)
        self.matrix = exact_matrix(rows).T
        sums = rows.astype(np.int64).sum(axis=1)
        self.bias = constants["bias"].astype(np.int64) - self.zero_points[0] * sums

    def multiply(self, columns: Int8) -> Int8:
        """Rows of int8 ``(N, K)`` to requantized outputs."""
        product = columns.astype(self.matrix.dtype) @ self.matrix
        return self.requantize(product.astype(np.int64) + self.bias)


@kernel_for(Conv2D)
class ConvKernel(_MatrixKernel):
    """im2col and one matrix product; a 1x1 convolution needs no im2col."""

    def __init__(self, graph: Graph, operator: Conv2D, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.stride, self.padding = operator.stride, operator.padding
        self.window = constants["weight"].shape[1:3]
        self.is_pointwise = (
            self.window == (1, 1) and self.stride == (1, 1) and not any(map(any, self.padding))
        )

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, H, W, C_in)`` to ``(1, H_out, W_out, C_out)``."""
        x = inputs[0]
        if self.is_pointwise:
            return self.multiply(x.reshape(-1, x.shape[3]))
        padded = np.pad(x[0], (*self.padding, (0, 0)), constant_values=self.zero_points[0])
        windows = sliding_window_view(padded, self.window, axis=(0, 1))
        windows = windows[:: self.stride[0], :: self.stride[1]]  # (H, W, C, K_h, K_w)
        columns = windows.transpose(0, 1, 3, 4, 2).reshape(-1, self.matrix.shape[0])
        return self.multiply(columns)


@kernel_for(FullyConnected)
class FullyConnectedKernel(_MatrixKernel):
    """A matrix product of one row."""

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, F)`` to ``(1, C_out)``."""
        return self.multiply(inputs[0].reshape(1, -1))


@kernel_for(DepthwiseConv2D)
class DepthwiseKernel(Kernel):
    """One multiply-add over the map per kernel tap, in float32.

    A sum has at most ``K_h K_w`` products below 2**15: exact in float32 up to 512 taps.
    """

    def __init__(self, graph: Graph, operator: DepthwiseConv2D, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.stride, self.padding = operator.stride, operator.padding
        weight = constants["weight"][0]
        self.exact = exact_matrix(weight.reshape(-1, weight.shape[2]).T).dtype
        self.taps = weight.astype(self.exact)
        self.repeats = operator.multiplier(graph.inputs_of(operator))
        sums = weight.astype(np.int64).sum(axis=(0, 1))
        self.bias = constants["bias"].astype(np.int64) - self.zero_points[0] * sums

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, H, W, C_in)`` to ``(1, H_out, W_out, C_out)``."""
        x = inputs[0][0].astype(self.exact)
        padded = np.pad(x, (*self.padding, (0, 0)), constant_values=self.zero_points[0])
        if self.repeats > 1:
            padded = np.repeat(padded, self.repeats, axis=2)
        _, rows, columns, channels = self.output_shape
        total = np.zeros((rows, columns, channels), self.exact)
        s_h, s_w = self.stride
        for ky, kx in np.ndindex(self.taps.shape[:2]):
            last_row, last_column = ky + s_h * (rows - 1) + 1, kx + s_w * (columns - 1) + 1
            total += padded[ky:last_row:s_h, kx:last_column:s_w] * self.taps[ky, kx]
        return self.requantize(total.astype(np.int64) + self.bias)
