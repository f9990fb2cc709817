"""Pad, Transpose, Concatenation, StridedSlice, ResizeNearestNeighbor: numpy moves the bytes."""

from collections.abc import Sequence

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import (
    Concatenation,
    Pad,
    ResizeNearestNeighbor,
    StridedSlice,
    Transpose,
)
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, kernel_for
from tinyml_course.mcu.nearest import nearest


@kernel_for(Pad)
class PadKernel(ByteKernel):
    """A map of one value, the input copied into its middle."""

    def __init__(self, graph: Graph, operator: Pad, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        shape = graph.inputs_of(operator)[0].shape
        self.border = operator.border(graph.output_of(operator))
        self.inside = tuple(
            slice(before, before + n)
            for (before, _), n in zip(operator.paddings, shape, strict=True)
        )

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape, with a border."""
        padded = np.full(self.output_shape, self.border, self.dtype)
        padded[self.inside] = inputs[0]
        return padded


@kernel_for(Transpose)
class TransposeKernel(ByteKernel):
    """A view with other strides."""

    def __init__(self, graph: Graph, operator: Transpose, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.permutation = operator.permutation

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape, axes reordered."""
        return inputs[0].transpose(self.permutation)


@kernel_for(Concatenation)
class ConcatenationKernel(ByteKernel):
    """Side by side."""

    def __init__(self, graph: Graph, operator: Concatenation, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.axis = operator.axis

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Several maps to one."""
        joined: Bytes = np.concatenate(inputs, axis=self.axis, dtype=self.dtype)
        return joined


@kernel_for(StridedSlice)
class StridedSliceKernel(ByteKernel):
    """A view with other strides, unless it runs backwards to the first element."""

    def __init__(self, graph: Graph, operator: StridedSlice, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.slices = tuple(
            slice(taken.start, taken.stop if taken.stop >= 0 else None, taken.step)
            for taken in operator.indices()
        )

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape to a part of it."""
        return inputs[0][self.slices].reshape(self.output_shape)


@kernel_for(ResizeNearestNeighbor)
class ResizeNearestNeighborKernel(ByteKernel):
    """Rows and columns gathered."""

    def __init__(self, graph: Graph, operator: ResizeNearestNeighbor, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        _, height, width, _ = graph.inputs_of(operator)[0].shape
        self.rows, self.columns = nearest(operator, height, 0), nearest(operator, width, 1)

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        return inputs[0][:, self.rows].take(self.columns, axis=2)
