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
from tinyml_course.mcu.kernels.base import Constants, Int8, Int8Kernel, kernel_for
from tinyml_course.mcu.nearest import nearest


@kernel_for(Pad)
class PadKernel(Int8Kernel):
    """A map of one value, the input copied into its middle."""

    def __init__(self, graph: Graph, operator: Pad, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        shape = graph.inputs_of(operator)[0].shape
        self.border = operator.border(graph.output_of(operator))
        self.inside = tuple(
            slice(before, before + n)
            for (before, _), n in zip(operator.paddings, shape, strict=True)
        )

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Any shape, with a border."""
        padded = np.full(self.output_shape, self.border, np.int8)
        padded[self.inside] = inputs[0]
        return padded


@kernel_for(Transpose)
class TransposeKernel(Int8Kernel):
    """A view with other strides."""

    def __init__(self, graph: Graph, operator: Transpose, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.permutation = operator.permutation

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Any shape, axes reordered."""
        return inputs[0].transpose(self.permutation)


@kernel_for(Concatenation)
class ConcatenationKernel(Int8Kernel):
    """Side by side."""

    def __init__(self, graph: Graph, operator: Concatenation, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.axis = operator.axis

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Several maps to one."""
        return np.concatenate(inputs, axis=self.axis)


@kernel_for(StridedSlice)
class StridedSliceKernel(Int8Kernel):
    """A view with other strides, unless it runs backwards to the first element."""

    def __init__(self, graph: Graph, operator: StridedSlice, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.slices = tuple(
            slice(taken.start, taken.stop if taken.stop >= 0 else None, taken.step)
            for taken in operator.indices()
        )

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Any shape to a part of it."""
        return inputs[0][self.slices].reshape(self.output_shape)


@kernel_for(ResizeNearestNeighbor)
class ResizeNearestNeighborKernel(Int8Kernel):
    """Rows and columns gathered."""

    def __init__(self, graph: Graph, operator: ResizeNearestNeighbor, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        _, height, width, _ = graph.inputs_of(operator)[0].shape
        self.rows, self.columns = nearest(operator, height, 0), nearest(operator, width, 1)

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """``(1, H, W, C)`` to ``(1, H_out, W_out, C)``."""
        return inputs[0][:, self.rows].take(self.columns, axis=2)
