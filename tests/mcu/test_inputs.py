"""Images as a graph takes them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, GraphBuilder, Quantization, dequantize, quantize
from tinyml_course.graph.operators import Reshape
from tinyml_course.mcu.inputs import to_integers

Q = Quantization.per_tensor(0.05, -3)


def graph() -> Graph:
    b = GraphBuilder("net")
    return b.finish(b.apply(Reshape, "flat", [b.input((1, 4, 5, 3), Q)], shape=(1, 60)))


@given(int8_graphs())
def test_int8_passes_and_its_reals_come_back_to_it(case: tuple[Graph, np.ndarray]) -> None:
    net, image = case
    assert np.array_equal(to_integers(net, image), image)
    assert np.array_equal(to_integers(net, image[0]), image)
    assert np.array_equal(to_integers(net, dequantize(image, net.input.quantization)), image)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_quantized(dtype: Any) -> None:
    image = np.random.default_rng(0).normal(0, 3, (1, 4, 5, 3)).astype(dtype)
    assert np.array_equal(to_integers(graph(), image), quantize(image, Q))


def test_channels_first_is_recognized() -> None:
    with pytest.raises(GraphError, match=r"net takes \(1, 4, 5, 3\), got \(1, 3, 4, 5\).*NHWC"):
        to_integers(graph(), np.zeros((1, 3, 4, 5), np.int8))


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5, 3), (1, 4, 5, 4), (60,), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GraphError, match=r"net takes \(1, 4, 5, 3\), got"):
        to_integers(graph(), np.zeros(shape, np.int8))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool])
def test_other_types_are_refused(dtype: Any) -> None:
    with pytest.raises(GraphError, match=f"got {np.dtype(dtype)}"):
        to_integers(graph(), np.zeros((1, 4, 5, 3), dtype))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(GraphError, match="NaN"):
        to_integers(graph(), np.full((1, 4, 5, 3), np.nan))
