"""PAD, TRANSPOSE, CONCATENATION, STRIDED_SLICE, RESIZE_NEAREST_NEIGHBOR: numbers change place."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import (
    Concatenation,
    Pad,
    ResizeNearestNeighbor,
    StridedSlice,
    Transpose,
)
from tinyml_course.mcu.nearest import nearest
from tinyml_course.mcu.reference.operators import Arrays


def pad(graph: Graph, operator: Pad, inputs: Arrays) -> NDArray[Any]:
    """A border of one value, the input in its middle."""
    value = operator.border(graph.output_of(operator))
    return np.pad(inputs[0], operator.paddings, constant_values=value)


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


def strided_slice(graph: Graph, operator: StridedSlice, inputs: Arrays) -> NDArray[Any]:
    """The elements at the taken indices, in their order."""
    taken = inputs[0][np.ix_(*(list(indices) for indices in operator.indices()))]
    return taken.reshape(graph.output_of(operator).shape)


def resize_nearest_neighbor(
    graph: Graph, operator: ResizeNearestNeighbor, inputs: Arrays
) -> NDArray[Any]:
    """Every output pixel copied from its input pixel."""
    x = inputs[0]
    rows, columns = (nearest(operator, x.shape[1 + axis], axis) for axis in range(2))
    resized = np.empty(graph.output_of(operator).shape, x.dtype)
    for row, column in np.ndindex(*operator.size):
        resized[0, row, column] = x[0, rows[row], columns[column]]
    return resized
