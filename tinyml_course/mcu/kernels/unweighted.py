"""Pools and reshape."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import AveragePool2D, MaxPool2D, Pool, Reshape
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, kernel_for


class _PoolKernel(ByteKernel):
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

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        return self.finish(self.sums(inputs[0]))

    def sums(self, x: Bytes) -> NDArray[np.int64]:
        """``(1, H, W, C)`` to the sum of each window, ``(H_out, W_out, C)``."""
        sums: NDArray[np.int64] = self.windows(x[0], 0).sum(axis=(3, 4), dtype=np.int64)
        return sums

    def finish(self, total: NDArray[np.integer[Any]]) -> Bytes:
        """Sums to means."""
        half = np.where(total > 0, self.count // 2, -(self.count // 2))
        # C truncates toward zero; numpy's // floors.
        quotient = np.abs(total + half) // self.count
        return self.clamp(np.sign(total) * quotient)


@kernel_for(MaxPool2D)
class MaxPoolKernel(_PoolKernel):
    """Largest value; padding never wins."""

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        return self.clamp(
            self.windows(inputs[0][0], int(np.iinfo(self.dtype).min)).max(axis=(3, 4))
        )


@kernel_for(Reshape)
class ReshapeKernel(ByteKernel):
    """The same bytes."""

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape to any shape of as many elements."""
        return inputs[0].reshape(self.output_shape)
