"""All executors against the scalar formulas, to the bit."""

import int8_formulas as formulas
import numpy as np
from executors import EXECUTORS

from tinyml_course.graph import Graph, Operator, Tensor

EVERY_BYTE = np.arange(-128, 128, dtype=np.int8)


def assert_formula(graph: Graph, image: np.ndarray) -> np.ndarray:
    """All executors give what the formulas give; returns it."""
    expected = formulas.evaluate(graph, image)[graph.output.name]
    for name, execute in EXECUTORS.items():
        got = execute(graph, image)
        assert got.dtype == expected.dtype, name
        assert got.shape == expected.shape, name
        assert got.tobytes() == expected.tobytes(), name
    return expected


def one_unary(kind: type[Operator], source: Tensor, output: Tensor) -> Graph:
    """A graph of one operator without attributes, between tensors of any type."""
    operator = kind("one", (source.name,), (output.name,))
    return Graph("one", [source, output], [operator], [source.name], [output.name])
