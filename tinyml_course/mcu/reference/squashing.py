"""SOFTMAX and LOGISTIC, one element at a time in Python integers."""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import Logistic, Softmax
from tinyml_course.mcu.exponential import divide_by_power_of_two, multiply, reciprocal
from tinyml_course.mcu.reference.operators import Arrays
from tinyml_course.mcu.squashing import SOFTMAX_SUM_BITS, logistic_table, softmax_exponentials


def softmax(graph: Graph, operator: Softmax, inputs: Arrays) -> NDArray[np.int8]:
    """Exponentials of the distances to the largest, times the reciprocal of their sum."""
    exponentials = softmax_exponentials(graph, operator)
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    output = [_row([int(x) for x in row], exponentials) for row in rows]
    return np.array(output, np.int8).reshape(inputs[0].shape)


def _row(row: list[int], exponentials: tuple[int, ...]) -> list[int]:
    largest = max(row)
    terms = [exponentials[largest - x] if largest - x < len(exponentials) else 0 for x in row]
    total = sum(divide_by_power_of_two(term, SOFTMAX_SUM_BITS) for term in terms)
    scale, bits = reciprocal(total, SOFTMAX_SUM_BITS)
    # A result with no integer bits becomes 0..255: 31 - 8 fraction bits too many.
    return [
        min(divide_by_power_of_two(multiply(scale, term), bits + 23) - 128, 127) for term in terms
    ]


def logistic(graph: Graph, operator: Logistic, inputs: Arrays) -> NDArray[np.int8]:
    """A look-up: there are only 256 inputs."""
    table = np.array(logistic_table(graph, operator), np.int8)
    return table[inputs[0].astype(np.int64) + 128]
