"""Graphs whose weights have few bits."""

import dataclasses

import numpy as np

from tinyml_course.graph import Graph
from tinyml_course.mcu.packed_weights import WEIGHTED


def of_few_bits(graph: Graph, seed: int, least: int = 2, most: int = 7) -> Graph:
    """The graph with other weights: for each operator some number of bits.

    They lie in the top bits of their bytes, on symmetric grids.

    Args:
        graph: the network.
        seed: of bits and weights.
        least: bits.
        most: bits.
    """
    rng = np.random.default_rng(seed)
    changed = {}
    for operator in graph.operators:
        if isinstance(operator, WEIGHTED) and operator.inputs[1] not in changed:
            weight, bits = graph.inputs_of(operator)[1], int(rng.integers(least, most + 1))
            limit = 2 ** (bits - 1) - 1
            values = rng.integers(-limit, limit + 1, weight.shape) << 8 - bits
            values.flat[0] = 1 << 8 - bits  # none has fewer bits by chance
            changed[weight.name] = dataclasses.replace(weight, data=values.astype(np.int8))
    tensors = [changed.get(name, tensor) for name, tensor in graph.tensors.items()]
    return Graph(graph.name, tensors, graph.operators, graph.inputs, graph.outputs)
