"""Constants in flash: every one once per reader, aligned, and with the bytes it had."""

import numpy as np
import pytest
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.graph import Graph, count_params
from tinyml_course.mcu.flash import ALIGNMENT, WEIGHTED, FlashLayout
from tinyml_course.mcu.requantization import requantization
from tinyml_course.models import definition, random_graph


@given(int8_graphs())
def test_the_image_holds_every_constant(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    layout = FlashLayout(graph)
    image = layout.image()
    assert image.dtype == np.uint8
    assert image.size == layout.size_bytes
    covered = np.zeros(image.size, bool)
    for segment in layout.segments:
        assert segment.offset % ALIGNMENT == 0
        place = slice(segment.offset, segment.offset + segment.size_bytes)
        assert image[place].tobytes() == segment.data.tobytes()
        assert not covered[place].any()
        covered[place] = True
    assert (image[~covered] == 0xFF).all()  # erased
    assert np.count_nonzero(~covered) < ALIGNMENT * max(1, len(layout.segments))


@given(int8_graphs())
def test_each_weighted_operator_has_its_four_constants(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    layout = FlashLayout(graph)
    for operator in graph.operators:
        segments = layout.of(operator.name)
        if not isinstance(operator, WEIGHTED):
            assert segments == {}
            assert layout.bytes_of(operator.name) == 0
            continue
        _, weight, bias = graph.inputs_of(operator)
        table = requantization(graph, operator)
        expected = {
            "weight": (np.int8, weight.values()),
            "bias": (np.int32, bias.values()),
            "multiplier": (np.int32, table.multiplier),
            "shift": (np.int8, table.shift),
        }
        assert segments.keys() == expected.keys()
        for role, (dtype, values) in expected.items():
            assert segments[role].data.dtype == dtype
            assert np.array_equal(segments[role].data, values)
        channels = bias.shape[0]
        assert layout.bytes_of(operator.name) == weight.elements + (4 + 4 + 1) * channels


@pytest.mark.parametrize("name", ["vww0@64", "mbv2@64"])
def test_size_by_formula(name: str) -> None:
    graph = random_graph(definition(name))
    channels = sum(graph.output_of(o).shape[-1] for o in graph.operators if isinstance(o, WEIGHTED))
    weights = count_params(graph) - channels
    size = FlashLayout(graph).size_bytes
    unaligned = weights + 9 * channels
    operators = sum(isinstance(o, WEIGHTED) for o in graph.operators)
    # At most three bytes behind each weight and each shift table.
    assert unaligned <= size <= unaligned + 2 * 3 * operators
