"""Relu, Relu6 and HardSwish: look-ups."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import HardSwish, Relu, Relu6
from tinyml_course.mcu.hard_swish import hard_swish_table
from tinyml_course.mcu.kernels.base import kernel_for
from tinyml_course.mcu.kernels.byte_table import ByteTableKernel, every_byte
from tinyml_course.mcu.requantization import activation_limits, rescale_constants


@kernel_for(Relu)
class ReluKernel(ByteTableKernel):
    """Every byte rescaled and clamped."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """256 outputs."""
        assert isinstance(self.operator, Relu)
        source, output = graph.inputs_of(self.operator)[0], graph.output_of(self.operator)
        centred = every_byte(dtype) - source.scale_and_zero_point()[1]
        scaled = multiply_by_quantized_multiplier(centred, *rescale_constants(graph, self.operator))
        limits = activation_limits("RELU", output)
        return np.clip(scaled + output.scale_and_zero_point()[1], *limits).astype(output.dtype)


@kernel_for(Relu6)
class Relu6Kernel(ByteTableKernel):
    """Every byte clamped."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """256 outputs."""
        limits = activation_limits("RELU6", graph.output_of(self.operator))
        return np.clip(every_byte(dtype), *limits).astype(dtype)


@kernel_for(HardSwish)
class HardSwishKernel(ByteTableKernel):
    """The fixed-point gate times the input, of every byte."""

    def fill(self, graph: Graph, dtype: str) -> NDArray[Any]:
        """256 outputs."""
        assert isinstance(self.operator, HardSwish)
        table = np.array(hard_swish_table(graph, self.operator), dtype)
        return table[every_byte(dtype) - np.iinfo(dtype).min]
