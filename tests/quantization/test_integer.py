"""Layers in integers: equal to the deployed graph, to the byte."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError
from tinyml_course.graph import Graph, from_torch
from tinyml_course.graph.operators import Conv2D, FullyConnected
from tinyml_course.mcu import reference
from tinyml_course.quantization import (
    integer_conv2d,
    integer_linear,
    requantization_multipliers,
    requantize,
)


def deployed(module: nn.Module, *shape: int) -> tuple[Graph, np.ndarray]:
    x = torch.randn(16, *shape, generator=torch.Generator().manual_seed(0))
    return from_torch(module.eval(), x), np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def constants(graph: Graph, kind: type) -> tuple:
    """Weight, bias, input's zero point, multipliers, shifts, output's zero point of a layer."""
    (operator,) = [o for o in graph.operators if isinstance(o, kind)]
    source, weight, bias = graph.inputs_of(operator)
    (scale_in, zero_in), output = source.scale_and_zero_point(), graph.output_of(operator)
    scale_out, zero_out = output.scale_and_zero_point()
    table = requantization_multipliers(scale_in, weight.quantization.scale, scale_out)
    return weight.values(), bias.values(), zero_in, *table, zero_out


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_a_convolution_is_the_graph_s(stride: int, padding: int) -> None:
    torch.manual_seed(stride)
    graph, images = deployed(nn.Conv2d(3, 5, 3, stride, padding), 3, 8, 9)
    for image in images[:4]:
        x = (image / graph.input.scale_and_zero_point()[0]).round()
        x = np.clip(x + graph.input.scale_and_zero_point()[1], -128, 127).astype(np.int8)
        ours = integer_conv2d(x, *constants(graph, Conv2D), stride, padding)
        np.testing.assert_array_equal(ours, reference.run(graph, x)[0])


def test_a_linear_layer_is_the_graph_s() -> None:
    torch.manual_seed(0)
    graph, _ = deployed(nn.Sequential(nn.Flatten(), nn.Linear(12, 7)), 3, 2, 2)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.integers(-128, 128, graph.input.shape).astype(np.int8)
        ours = integer_linear(x.reshape(1, -1), *constants(graph, FullyConnected))
        np.testing.assert_array_equal(ours, reference.run(graph, x))


def test_it_rounds_twice_and_saturates() -> None:
    """TF-Lite Micro's multiplication sends halves upwards, its right shift away from zero."""
    half, quarter = (
        requantization_multipliers(s, np.ones(1, np.float32), 1.0) for s in (0.5, 0.25)
    )
    accumulators = np.array([[3], [-3], [1], [-1], [2], [10**6], [-(10**6)]])
    assert requantize(accumulators, *half, 0).ravel().tolist() == [2, -1, 1, 0, 1, 127, -128]
    assert requantize(accumulators, *half, 5).ravel().tolist() == [7, 4, 6, 5, 6, 127, -128]
    accumulators = np.array([[2], [-2], [6], [-6], [4]])
    assert requantize(accumulators, *quarter, 0).ravel().tolist() == [1, -1, 2, -2, 1]


@pytest.mark.parametrize(("size", "channels", "stride"), [(5, 3, 1), (3, 2, 1), (3, 3, 0)])
def test_shapes_that_do_not_fit(size: int, channels: int, stride: int) -> None:
    x, weight = np.zeros((4, 4, 3), np.int8), np.zeros((1, size, size, channels), np.int8)
    table = np.zeros(1, np.int32), 0, np.ones(1, np.int32), np.zeros(1, np.int32), 0
    with pytest.raises(CompressionError, match="do not go over an input"):
        integer_conv2d(x, weight, *table, stride)
