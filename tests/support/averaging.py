"""A network that averages its map, and the schedule in which that takes sums only."""

import numpy as np

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import AveragePool2D, Conv2D
from tinyml_course.mcu.scheduling import Schedule, Stream

Q = Quantization.per_tensor(0.1, 3)


def averaging_network(padding: tuple[int, int] = (0, 0), size: tuple[int, int] = (9, 7)) -> Graph:
    """A convolution and an average of its map, 9 x 7 pixels of 8 channels."""
    rng, builder = np.random.default_rng(0), GraphBuilder("average")
    x = builder.input((1, 9, 7, 3), Q)
    weight = rng.integers(-127, 128, (8, 3, 3, 3)).astype(np.int8)
    scale, bias = np.full(8, 0.003, np.float32), np.zeros(8, np.int32)
    pads = ((1, 1), (1, 1))
    x = builder.weighted(Conv2D, "conv", x, weight, scale, bias, Q, padding=pads)
    builder.apply(AveragePool2D, "pool", [x], size=size, padding=(padding, (0, 0)))
    return builder.finish("pool")


def streamed_average(graph: Graph) -> Schedule:
    """All of it, row by row."""
    return Schedule(graph, [Stream("conv", "pool")])
