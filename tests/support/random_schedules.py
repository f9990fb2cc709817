"""Random schedules for random graphs: every stage that is lawful may be streamed or patched."""

import numpy as np
from hypothesis import strategies as st
from random_graphs import MORE_KINDS, int8_graphs

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu.scheduling import Patches, Schedule, Stage, Stream, cut_points, stage_graph

# Chains of what can run part by part, and now and then what cannot.
KINDS = (*["conv", "depthwise", "pointwise", "add", "average_pool", "max_pool"] * 3, *MORE_KINDS)


@st.composite
def schedules(draw: st.DrawFn, most_operators: int = 8) -> tuple[Schedule, np.ndarray]:
    """A schedule and an image for its graph."""
    graph, image = draw(int8_graphs(most_operators, KINDS))
    edges = [-1, *cut_points(graph), len(graph.operators) - 1]
    stages: list[Stage] = []
    at = 0
    while at < len(edges) - 1:
        to = draw(st.integers(at + 1, len(edges) - 1))
        stage = _stage(draw, graph, edges[at] + 1, edges[to])
        if stage is None:
            at += 1
        else:
            stages.append(stage)
            at = to
    begins = bool(stages) and stages[0].first == graph.operators[0].name
    image_is_fed = begins and draw(st.booleans())
    return Schedule(graph, stages, "fed" if image_is_fed else "memory"), image


def _stage(draw: st.DrawFn, graph: Graph, first: int, last: int) -> Stage | None:
    kind = draw(st.sampled_from(["whole", "stream", "stream", "patches"]))
    try:
        part = stage_graph(graph, first, last)
    except ScheduleError:
        return None
    names = graph.operators[first].name, graph.operators[last].name
    if kind == "whole":
        return None
    if kind == "stream":
        return Stream(*names)
    height, width = part.size(part.output)
    rows, columns = draw(st.integers(1, height)), draw(st.integers(1, width))
    return Patches(*names, rows, columns)
