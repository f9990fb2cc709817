"""Random stages of random networks: windows of the usual sizes, on maps wide enough for them."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from lively_graphs import LivelyGraph
from random_graphs import RandomGraph, random_image

from tinyml_course.errors import ScheduleError
from tinyml_course.graph.operators import Concatenation
from tinyml_course.mcu.scheduling import Patches, Schedule, Stage, Stream, cut_points, stage_graph

KINDS = ("conv", "pointwise", "depthwise", "depthwise", "add", "mul", "average_pool", "max_pool")
MORE_KINDS = (*KINDS, "unary", "pad", "concatenation")
MOST_PATCHES = 4
LARGEST, SMALL = (20, 20, 8), (8, 8, 4)


class UsualGraph(LivelyGraph):
    """Square windows of odd sizes, mostly padded so that a map keeps its size."""

    def window(
        self, size: tuple[int, int], pool: bool = False
    ) -> tuple[tuple[int, int], dict[str, Any]]:
        """Kernel, and stride, padding and activation that go with it."""
        kernel = min(int(self.rng.choice([2, 3] if pool else [1, 3, 3, 5, 7])), *size)
        around = kernel // 2 if self.rng.random() < 0.8 else 0
        around = min(around, kernel - 1) if pool else around
        stride = int(self.rng.choice([1, 1, 2]))
        padding = ((around, around), (around, around))
        attributes = {"stride": (stride, stride), "padding": padding}
        return (kernel, kernel), {**attributes, "activation": self.activation()}

    def concatenation(self, name: str, source: str) -> None:
        """Two maps of one size and quantization, one channel behind the other."""
        tensors = self.builder.tensors
        like = tensors[source]
        fitting = [
            m
            for m in self.maps
            if tensors[m].shape[:3] == like.shape[:3]
            and tensors[m].quantization.same_as(like.quantization)
        ]
        parts = [source, str(self.rng.choice(fitting))]
        self.builder.apply(Concatenation, name, parts, axis=3)


@st.composite
def stages(draw: st.DrawFn, patches: bool) -> tuple[Schedule, np.ndarray]:
    """A schedule with one stage, from some cut to another, and an image."""
    usual = draw(st.booleans())
    kinds = draw(st.lists(st.sampled_from(MORE_KINDS), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(int(n) for n in rng.integers(2, np.add(LARGEST if usual else SMALL, 1)))
    network = (UsualGraph if usual else RandomGraph)(rng, (1, *shape))
    for kind in kinds:
        network.append(kind)
    graph = network.finish(linear=False)
    edges = [-1, *cut_points(graph), len(graph.operators) - 1]
    first, last = sorted(draw(st.sets(st.sampled_from(range(len(edges))), min_size=2, max_size=2)))
    try:
        part = stage_graph(graph, edges[first] + 1, edges[last])
    except ScheduleError:
        assume(False)
    names = graph.operators[edges[first] + 1].name, graph.operators[edges[last]].name
    fed = first == 0 and draw(st.booleans())
    stage: Stage = Stream(*names)
    if patches:
        rows, columns = (
            draw(st.integers(1, min(size, MOST_PATCHES))) for size in part.size(part.output)
        )
        stage = Patches(*names, rows, columns)
    return Schedule(graph, [stage], "fed" if fed else "memory"), random_image(graph, rng)
