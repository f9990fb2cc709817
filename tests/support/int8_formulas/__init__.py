"""TF-Lite's int8 operators in plain Python integers, one scalar at a time.

Transcribed from TF-Lite's reference kernels (``gemmlowp/fixedpoint.h``, ``common.h``,
``integer_ops/conv.h`` and so on), and sharing nothing with the package: the constants are derived
here from the scales, by exact fractions. Slow, so for small maps only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from int8_formulas import (
    activations,
    elementwise,
    hard_swish,
    moved,
    pools,
    rescaled,
    squashed,
    weighted,
)
from int8_formulas.rescaled import mean_constants
from int8_formulas.scalars import (
    activation_range,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from int8_formulas.weighted import multipliers
from tinyml_course.graph import Graph

__all__ = [
    "FORMULAS",
    "activation_range",
    "evaluate",
    "mean_constants",
    "multipliers",
    "multiply_by_quantized_multiplier",
    "quantize_multiplier",
    "round_half_away",
    "rounding_divide_by_pot",
    "saturating_rounding_doubling_high_mul",
]

FORMULAS: dict[str, Callable[..., Any]] = {
    "CONV_2D": weighted.conv_2d,
    "DEPTHWISE_CONV_2D": weighted.depthwise_conv_2d,
    "FULLY_CONNECTED": weighted.fully_connected,
    "ADD": elementwise.add,
    "MUL": elementwise.mul,
    "AVERAGE_POOL_2D": pools.average_pool_2d,
    "MAX_POOL_2D": pools.max_pool_2d,
    "MEAN": rescaled.mean,
    "REDUCE_MAX": pools.reduce_max,
    "QUANTIZE": rescaled.quantize,
    "DEQUANTIZE": rescaled.dequantize,
    "RELU": activations.relu,
    "RELU6": activations.relu6,
    "HARD_SWISH": hard_swish.hard_swish,
    "SOFTMAX": squashed.softmax,
    "LOG_SOFTMAX": squashed.log_softmax,
    "LOGISTIC": squashed.logistic,
    "RESHAPE": moved.reshape,
    "PAD": moved.pad,
    "TRANSPOSE": moved.transpose,
    "CONCATENATION": moved.concatenation,
    "STRIDED_SLICE": moved.strided_slice,
    "RESIZE_NEAREST_NEIGHBOR": moved.resize_nearest_neighbor,
}
"""By TF-Lite's name: graph, operator and nested lists of inputs to the outputs in raster order."""


def evaluate(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every activation of ``graph`` for one image of the input's type."""
    values = {tensor.name: tensor.values() for tensor in graph.constants()}
    values[graph.input.name] = image
    for operator in graph.operators:
        inputs = [values[name].tolist() for name in operator.inputs]
        array = np.array(FORMULAS[operator.kind](graph, operator, inputs))
        output = graph.output_of(operator)
        if output.dtype != "float32":
            limits = np.iinfo(output.dtype)
            assert array.dtype == np.int64
            assert array.min() >= limits.min
            assert array.max() <= limits.max
        values[operator.outputs[0]] = array.astype(output.dtype).reshape(output.shape)
    return {t.name: values[t.name] for t in graph.activations()}
