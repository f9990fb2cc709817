"""Operators on single bytes: 256 possible inputs, so one look-up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.kernels.base import Constants, Kernel


def every_byte(dtype: str) -> NDArray[np.int64]:
    """The 256 values of an 8-bit type, ordered by their bytes read as unsigned."""
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.int64)


class ByteTableKernel(Kernel):
    """An operator whose output byte depends on its input byte alone: one look-up."""

    def __init__(self, graph: Graph, operator: Operator, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.table = self.fill(graph, graph.inputs_of(operator)[0].dtype)

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """The output for `every_byte` of ``dtype``."""
        raise NotImplementedError

    def run(self, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """8 bits of any shape to outputs of the same shape."""
        return self.table[inputs[0].view(np.uint8)]
