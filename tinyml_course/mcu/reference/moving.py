"""PAD, TRANSPOSE and CONCATENATION: numbers change place, not value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Concatenation, Pad, Transpose
from tinyml_course.mcu.reference.operators import Arrays


def pad(graph: Graph, operator: Pad, inputs: Arrays) -> NDArray[Any]:
    """A border of zero points, the input in its middle."""
    zero_point = graph.output_of(operator).scale_and_zero_point()[1]
    return np.pad(inputs[0], operator.paddings, constant_values=zero_point)


def transpose(graph: Graph, operator: Transpose, inputs: Arrays) -> NDArray[Any]:
    """Output axis ``i`` runs along input axis ``permutation[i]``."""
    moved = np.empty(graph.output_of(operator).shape, inputs[0].dtype)
    for index in np.ndindex(inputs[0].shape):
        moved[tuple(index[axis] for axis in operator.permutation)] = inputs[0][index]
    return moved


def concatenation(graph: Graph, operator: Concatenation, inputs: Arrays) -> NDArray[Any]:
    """Each input written behind the one before."""
    joined = np.empty(graph.output_of(operator).shape, inputs[0].dtype)
    start = 0
    for x in inputs:
        end = start + x.shape[operator.axis]
        joined[(slice(None),) * operator.axis + (slice(start, end),)] = x
        start = end
    return joined
