"""Running a graph on plain arrays."""

import numpy as np
import pytest
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.graph import Graph, GraphBuilder, Quantization, dequantize
from tinyml_course.graph.operators import Reshape
from tinyml_course.mcu import reference


@given(int8_graphs())
def test_run_is_the_last_of_run_all(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    values = reference.run_all(graph, image)
    assert list(values) == [t.name for t in graph.activations()]
    assert np.array_equal(reference.run(graph, image), values[graph.output.name])
    for tensor in graph.activations():
        assert values[tensor.name].shape == tensor.shape
        assert values[tensor.name].dtype == np.int8


@given(int8_graphs())
def test_a_float_image_is_quantized_first(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    real = dequantize(image, graph.input.quantization)
    assert np.array_equal(reference.run(graph, real), reference.run(graph, image))


@given(int8_graphs())
def test_neither_the_image_nor_the_graph_is_written_to(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    before = image.copy()
    first = reference.run(graph, image)
    assert np.array_equal(image, before)
    assert np.array_equal(reference.run(graph, image), first)


def test_an_operator_without_reference_is_named() -> None:
    class Strange(Reshape):
        kind = "STRANGE"

    b = GraphBuilder("g")
    x = b.input((1, 4), Quantization.per_tensor(0.1))
    graph = b.finish(b.apply(Strange, "odd", [x], shape=(1, 4)))
    with pytest.raises(UnsupportedOperatorError, match="STRANGE odd has no reference"):
        reference.run(graph, np.zeros((1, 4), np.int8))
