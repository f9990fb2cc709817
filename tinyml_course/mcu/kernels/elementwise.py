"""Add and Mul, one of whose operands may be a constant."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import Add, Elementwise, Mul
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, kernel_for
from tinyml_course.mcu.kernels.byte_table import every_byte
from tinyml_course.mcu.kernels.rescaler import Rescaler
from tinyml_course.mcu.requantization import ADD_LEFT_SHIFT, add_constants, mul_constants


class _ElementwiseKernel(ByteKernel):
    """Combines two operands and rescales the result."""

    rescale: Rescaler

    def __init__(self, graph: Graph, operator: Elementwise, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        operands = graph.inputs_of(operator)
        self.operand_zero_points = [t.scale_and_zero_point()[1] for t in operands]
        self.constant_index = next((i for i, t in enumerate(operands) if t.is_constant), None)

    def operands(self, inputs: Sequence[Bytes]) -> list[Bytes]:
        """Both operands in their order, the constant from flash."""
        if self.constant_index is None:
            return list(inputs)
        both = list(inputs)
        both.insert(self.constant_index, self.constants["constant"])
        return both

    def finish(self, values: NDArray[Any]) -> Bytes:
        """Rescale, clamp, and give the output its shape."""
        return self.rescale(values.reshape(-1, values.shape[-1])).reshape(self.output_shape)


@kernel_for(Add)
class AddKernel(_ElementwiseKernel):
    """Each summand has only 256 values, so its rescaling is a table look-up."""

    def __init__(self, graph: Graph, operator: Add, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        table = add_constants(graph, operator)
        self.tables = [
            multiply_by_quantized_multiplier(
                (every_byte(self.dtype.name) - zero_point) << ADD_LEFT_SHIFT, *pair
            ).astype(np.float64)
            for zero_point, pair in zip(
                self.operand_zero_points, (table.first, table.second), strict=True
            )
        ]
        self.rescale = Rescaler(
            *table.output, self.output_zero_point, self.limits, dtype=self.dtype
        )

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Two maps to their sum."""
        first, second = (
            table[x.view(np.uint8)]
            for table, x in zip(self.tables, self.operands(inputs), strict=True)
        )
        return self.finish(first + second)


@kernel_for(Mul)
class MulKernel(_ElementwiseKernel):
    """The product of the centred operands fits 17 bits."""

    def __init__(self, graph: Graph, operator: Mul, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        pair = mul_constants(graph, operator)
        self.rescale = Rescaler(*pair, self.output_zero_point, self.limits, dtype=self.dtype)

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Two maps to their product."""
        first, second = (
            x.astype(np.int32) - zero_point
            for x, zero_point in zip(self.operands(inputs), self.operand_zero_points, strict=True)
        )
        return self.finish(first * second)
