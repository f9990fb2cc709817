"""Receptive fields against brute force: change a pixel, see which outputs move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_graphs import int8_graphs

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.local_window import LocalWindow, Reach
from tinyml_course.graph.operators import Conv2D
from tinyml_course.graph.receptive_field import Span, receptive_fields
from tinyml_course.mcu import reference
from tinyml_course.models import compact, definition, mobilenet_v2, random_graph


@given(int8_graphs(most_operators=4))
def test_a_pixel_outside_the_field_changes_nothing(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    before = reference.run_all(graph, image)
    rng = np.random.default_rng(int(image.sum()) % 2**32)
    row, column = (int(rng.integers(n)) for n in image.shape[1:3])
    changed = image.copy()
    changed[0, row, column] = -1 - changed[0, row, column]
    after = reference.run_all(graph, changed)
    for name, field in receptive_fields(graph).items():
        moved = np.argwhere((before[name] != after[name]).any(axis=3)[0])
        for y, x in moved:
            assert 0 <= row - y * field.rows.step - field.rows.first < field.rows.size
            assert 0 <= column - x * field.columns.step - field.columns.first < field.columns.size


@given(
    st.integers(1, 6), st.integers(1, 3), st.integers(0, 8), st.integers(1, 7),
    st.integers(0, 9), st.integers(1, 4),
)  # fmt: skip
def test_the_reach_of_some_outputs_is_counted_tap_by_tap(
    kernel: int, stride: int, before: int, size: int, start: int, count: int
) -> None:
    reach = LocalWindow(kernel, stride, before).reach(start, start + count, size)
    first = start * stride - before
    taps = range(first, (start + count - 1) * stride - before + kernel)
    inside = [tap for tap in taps if 0 <= tap < size]
    assert list(range(reach.start, reach.stop)) == inside
    assert reach.before == sum(tap < 0 for tap in taps)
    assert reach.after == sum(tap >= size for tap in taps)
    assert 0 <= reach.start <= reach.stop <= size
    assert reach.moved() == Reach(0, reach.size, reach.before, reach.after)


def test_the_field_of_two_stacked_convolutions_by_hand() -> None:
    builder = GraphBuilder("stack")
    x = builder.input((1, 16, 16, 1), Quantization.per_tensor(0.1))
    out = Quantization.per_tensor(0.1)
    for index, (kernel, stride) in enumerate(((3, 2), (5, 1))):
        weight = np.ones((1, kernel, kernel, 1), np.int8)
        scale, bias, pad = np.ones(1, np.float32), np.zeros(1, np.int32), (kernel // 2,) * 2
        attributes = {"stride": (stride, stride), "padding": (pad, pad)}
        x = builder.weighted(Conv2D, f"c{index}", x, weight, scale, bias, out, **attributes)
    field = receptive_fields(builder.finish(x))["c1"]
    # 3 + (5 - 1) * 2 rows; the first starts 1 + 2 * 2 rows above the image.
    assert field.rows == Span(first=-5, last=5, step=2)
    assert field.columns == field.rows


@pytest.mark.parametrize("graph", [random_graph(compact(8, 1, 10))])
def test_behind_the_flattening_there_is_no_field(graph: Graph) -> None:
    fields = receptive_fields(graph)
    assert "classifier" not in fields
    assert fields["pool"].rows.size >= 8  # the pool sees the whole image


def test_published_strides() -> None:
    for network in (mobilenet_v2(0.35, 64), definition("vww1@80")):
        fields = receptive_fields(random_graph(network))
        last = [name for name in fields if name.endswith("project")][-1]
        assert fields[last].rows.step == 32
