"""Pad, Transpose and Concatenation: numpy moves the bytes."""

from collections.abc import Sequence

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Concatenation, Pad, Transpose
from tinyml_course.mcu.kernels.base import Constants, Int8, Int8Kernel, kernel_for


@kernel_for(Pad)
class PadKernel(Int8Kernel):
    """A map of zero points, the input copied into its middle."""

    def __init__(self, graph: Graph, operator: Pad, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        shape = graph.inputs_of(operator)[0].shape
        self.inside = tuple(
            slice(before, before + n)
            for (before, _), n in zip(operator.paddings, shape, strict=True)
        )

    def run(self, inputs: Sequence[Int8]) -> Int8:
        """Any shape, with a border."""
        padded = np.full(self.output_shape, self.output_zero_point, np.int8)
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
