"""Convolutions and linear layers, exact through BLAS."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, exact_matrix, kernel_for
from tinyml_course.mcu.kernels.padded import PaddedMap
from tinyml_course.mcu.kernels.rescaler import Rescaler


class _WeightedKernel(ByteKernel):
    """``w (x - z) + b`` as ``w x + (b - z sum(w))``, so that x needs no subtraction.

    The zero point of the weights, which uint8 has, is taken from them once.
    """

    def __init__(self, graph: Graph, operator: Operator, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        quantization = graph.inputs_of(operator)[1].quantization
        assert quantization is not None
        # Per channel all are 0; the difference of two bytes needs nine bits and a sign.
        weight_zero_point = np.int16(quantization.zero_point[0])
        rows = self.rows(constants["weight"]).astype(np.int16) - weight_zero_point
        self.matrix = exact_matrix(rows, self.dtype).T
        sums = rows.sum(axis=1, dtype=np.int64)
        self.rescale = Rescaler(
            constants["multiplier"],
            constants["shift"],
            self.output_zero_point,
            self.limits,
            constants["bias"].astype(np.int64) - self.zero_points[0] * sums,
            self.dtype,
        )

    def rows(self, weight: Bytes) -> Bytes:
        """The weights as ``(C_out, K)``."""
        return weight.reshape(weight.shape[0], -1)

    def finish(self, sums: NDArray[Any]) -> Bytes:
        """Sums ``(N, C_out)`` to the output."""
        return self.rescale(sums).reshape(self.output_shape)


@kernel_for(Conv2D)
class ConvKernel(_WeightedKernel):
    """im2col and one matrix product; a 1x1 convolution needs no im2col."""

    def __init__(self, graph: Graph, operator: Conv2D, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.stride = operator.stride
        self.window = constants["weight"].shape[1:3]
        self.is_pointwise = (
            self.window == (1, 1) and self.stride == (1, 1) and not any(map(any, operator.padding))
        )
        shape = graph.inputs_of(operator)[0].shape[1:]
        self.padded = PaddedMap(shape, operator.padding, self.zero_points[0], self.dtype)

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, H, W, C_in)`` to ``(1, H_out, W_out, C_out)``."""
        x = inputs[0]
        if not self.is_pointwise:
            windows = sliding_window_view(self.padded(x[0]), self.window, axis=(0, 1))
            windows = windows[:: self.stride[0], :: self.stride[1]]  # (H, W, C, K_h, K_w)
            x = windows.transpose(0, 1, 3, 4, 2)
        columns = x.astype(self.matrix.dtype, order="C").reshape(-1, self.matrix.shape[0])
        return self.finish(columns @ self.matrix)


@kernel_for(FullyConnected)
class FullyConnectedKernel(_WeightedKernel):
    """A matrix product, mostly of one row."""

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, F)`` to ``(1, C_out)``, or ``(1, ..., F)`` to ``(1, ..., C_out)``."""
        rows = inputs[0].reshape(-1, self.matrix.shape[0])
        return self.finish(rows.astype(self.matrix.dtype) @ self.matrix)


@kernel_for(DepthwiseConv2D)
class DepthwiseKernel(_WeightedKernel):
    """One multiply-add over the map per kernel tap, in the type of the matrix.

    A sum has at most ``K_h K_w`` products below 2**14, in uint8 below 2**16: float32 is exact up
    to 1024 and 256 taps.
    """

    def __init__(self, graph: Graph, operator: DepthwiseConv2D, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.stride = operator.stride
        self.taps = np.ascontiguousarray(self.matrix).reshape(constants["weight"].shape[1:])
        self.repeats = operator.multiplier(graph.inputs_of(operator))
        shape = graph.inputs_of(operator)[0].shape[1:]
        self.padded = PaddedMap(shape, operator.padding, self.zero_points[0], self.matrix.dtype)

    def rows(self, weight: Bytes) -> Bytes:
        """The weights as ``(C_out, K_h K_w)``."""
        return weight.reshape(-1, weight.shape[3]).T

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, H, W, C_in)`` to ``(1, H_out, W_out, C_out)``."""
        padded = self.padded(inputs[0][0])
        if self.repeats > 1:
            padded = np.repeat(padded, self.repeats, axis=2)
        _, rows, columns, channels = self.output_shape
        total = np.zeros((rows, columns, channels), padded.dtype)
        product = np.empty_like(total)
        s_h, s_w = self.stride
        for ky, kx in np.ndindex(self.taps.shape[:2]):
            last_row, last_column = ky + s_h * (rows - 1) + 1, kx + s_w * (columns - 1) + 1
            seen = padded[ky:last_row:s_h, kx:last_column:s_w]
            total += np.multiply(seen, self.taps[ky, kx], out=product)
        return self.finish(total.reshape(-1, channels))
