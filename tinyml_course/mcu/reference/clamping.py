"""REDUCE_MAX, RELU6 and HARD_SWISH: one number chosen, clamped, or looked up."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import HardSwish, ReduceMax, Relu6
from tinyml_course.mcu.hard_swish import hard_swish_table
from tinyml_course.mcu.reference.operators import Arrays
from tinyml_course.mcu.requantization import activation_limits


def reduce_max(graph: Graph, operator: ReduceMax, inputs: Arrays) -> NDArray[Any]:
    """The largest number over some axes."""
    output = graph.output_of(operator)
    largest = np.full(output.shape, np.iinfo(output.dtype).min, output.dtype)
    moved = np.moveaxis(inputs[0], operator.axes, range(len(operator.axes)))
    for index in np.ndindex(moved.shape[: len(operator.axes)]):
        largest = np.maximum(largest, moved[index].reshape(largest.shape))
    return largest


def relu6(graph: Graph, operator: Relu6, inputs: Arrays) -> NDArray[Any]:
    """Clamped between the integers of 0 and 6."""
    low, high = activation_limits("RELU6", graph.output_of(operator))
    return np.clip(inputs[0], low, high)


def hard_swish(graph: Graph, operator: HardSwish, inputs: Arrays) -> NDArray[Any]:
    """A look-up: there are only 256 inputs."""
    x = inputs[0]
    table = np.array(hard_swish_table(graph, operator), x.dtype)
    return table[x.astype(np.int64) - np.iinfo(x.dtype).min]
