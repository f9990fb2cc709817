"""Quantize, Dequantize, Mean and ReduceMax."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, dequantize, quantize
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import Dequantize, Mean, Quantize, ReduceMax
from tinyml_course.mcu.kernels.base import ByteKernel, Bytes, Constants, kernel_for
from tinyml_course.mcu.kernels.byte_table import ByteTableKernel, every_byte
from tinyml_course.mcu.requantization import mean_constants, rescale_constants


@kernel_for(Quantize)
class QuantizeKernel(ByteTableKernel):
    """Real numbers are divided and rounded; integers looked up."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """Every integer rescaled; nothing for real numbers."""
        assert isinstance(self.operator, Quantize)
        source, output = graph.inputs_of(self.operator)[0], graph.output_of(self.operator)
        self.output = output
        if dtype == "float32":
            return np.empty(0)
        centred = every_byte(dtype) - source.scale_and_zero_point()[1]
        scaled = multiply_by_quantized_multiplier(centred, *rescale_constants(graph, self.operator))
        limits = np.iinfo(output.dtype)
        shifted = scaled + output.scale_and_zero_point()[1]
        return np.clip(shifted, limits.min, limits.max).astype(output.dtype)

    def run(self, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Any shape."""
        if self.table.size:
            return super().run(inputs)
        assert self.output.quantization is not None
        return quantize(inputs[0], self.output.quantization, self.output.dtype)


@kernel_for(Dequantize)
class DequantizeKernel(ByteTableKernel):
    """256 real numbers."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[np.float32]:
        """The real number behind every byte."""
        quantization = graph.inputs_of(self.operator)[0].quantization
        assert quantization is not None
        return dequantize(every_byte(dtype), quantization)


@kernel_for(Mean)
class MeanKernel(ByteKernel):
    """One sum and one rescaling."""

    def __init__(self, graph: Graph, operator: Mean, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.axes = operator.axes
        self.rescaling = mean_constants(graph, operator)
        self.offset = operator.count(graph.inputs_of(operator)) * self.zero_points[0]

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape, some axes averaged away."""
        total = inputs[0].sum(axis=self.axes, dtype=np.int64) - self.offset
        scaled = multiply_by_quantized_multiplier(total, *self.rescaling)
        return self.clamp(scaled + self.output_zero_point)


@kernel_for(ReduceMax)
class ReduceMaxKernel(ByteKernel):
    """numpy's maximum."""

    def __init__(self, graph: Graph, operator: ReduceMax, constants: Constants) -> None:
        super().__init__(graph, operator, constants)
        self.axes = operator.axes

    def run(self, inputs: Sequence[Bytes]) -> Bytes:
        """Any shape, some axes reduced to their largest number."""
        largest: Bytes = inputs[0].max(axis=self.axes)
        return largest.reshape(self.output_shape)
