"""Building graphs step by step."""

import numpy as np
import pytest

from tinyml_course.errors import GraphError
from tinyml_course.graph import GraphBuilder, Quantization
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape

Q = Quantization.per_tensor(0.1, -5)


def test_shapes_are_inferred_and_scales_inherited() -> None:
    b = GraphBuilder("flat")
    x = b.input((1, 2, 2, 3), Q)
    graph = b.finish(b.apply(Reshape, "flatten", [x], shape=(1, 12)))
    assert graph.output.shape == (1, 12)
    assert graph.output.quantization is Q
    assert graph.inputs == ("input",)
    assert graph.outputs == ("flatten",)


@pytest.mark.parametrize(
    ("kind", "shape", "channels", "axis"),
    [
        (Conv2D, (4, 3, 3, 2), 4, 0),
        (DepthwiseConv2D, (1, 3, 3, 6), 6, 3),
        (FullyConnected, (7, 50), 7, 0),
    ],
)
def test_weighted_layers_get_lawful_constants(
    kind: type, shape: tuple[int, ...], channels: int, axis: int
) -> None:
    b = GraphBuilder("one")
    x = b.input((1, 5, 5, 2), Q)
    scale = np.linspace(0.01, 0.02, channels, dtype=np.float32)
    bias = np.arange(channels, dtype=np.int32)
    y = b.weighted(kind, "layer", x, np.ones(shape, np.int8), scale, bias, Q, activation="RELU")
    graph = b.finish(y)
    weight, stored_bias = graph.tensors["layer/weight"], graph.tensors["layer/bias"]
    assert weight.quantization.axis == axis
    assert np.array_equal(weight.quantization.scale, scale)
    assert not weight.quantization.zero_point.any()
    assert np.array_equal(stored_bias.quantization.scale, np.float32(0.1) * scale)
    assert np.array_equal(stored_bias.values(), bias)
    assert graph.operators[0].activation == "RELU"


def test_a_name_is_taken_once() -> None:
    b = GraphBuilder("twice")
    x = b.input((1, 4), Q)
    b.apply(Reshape, "flat", [x], shape=(1, 4))
    with pytest.raises(GraphError, match="twice: two tensors are called 'flat'"):
        b.apply(Reshape, "flat", [x], shape=(1, 4))
    with pytest.raises(GraphError, match="two tensors are called 'input'"):
        b.input((1, 4), Q)
