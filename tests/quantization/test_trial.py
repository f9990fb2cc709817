"""Bits on trial, on the network that comes along; and one layer as plain numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError, UnknownNameError
from tinyml_course.graph import from_torch
from tinyml_course.quantization import BitTrial, linear_bytes, one_layer, trained_trial


@pytest.fixture(scope="module")
def trial() -> BitTrial:
    return trained_trial("digit_mobilenet")


def test_the_trained_network_is_as_good_as_stated(trial: BitTrial) -> None:
    assert trial.accuracy({}) > 0.97
    assert trial.accuracy({}, split=trial.data.test) > 0.97


def test_sizes_are_packed_weights_and_scales(trial: BitTrial) -> None:
    assert trial.sizes["stem"] == {b: linear_bytes(16 * 9, b, 16) for b in range(2, 9)}
    assert trial.sizes["block1.depthwise"][3] == linear_bytes(48 * 9, 3, 48)


def test_bits_are_of_the_layers_named_and_do_not_stay(trial: BitTrial) -> None:
    before = trial.loss({})
    assert trial.loss(dict.fromkeys(trial.layers, 2)) > 10 * before
    assert trial.loss({}) == before
    with pytest.raises(UnknownNameError, match="stem"):
        trial.accuracy({"stern": 4})


def test_a_scale_for_each_channel_is_better(trial: BitTrial) -> None:
    bits = dict.fromkeys(trial.layers, 2)
    assert trial.loss(bits) < trial.loss(bits, per_channel=False)


def test_training_through_the_rounding_helps_and_leaves_the_weights(trial: BitTrial) -> None:
    bits = dict.fromkeys(trial.layers, 2)
    before = trial.accuracy(bits)
    assert trial.tuned_accuracy(bits, epochs=1, seed=0) > before + 0.1
    assert trial.accuracy(bits) == before


def test_where_values_saturate(trial: BitTrial) -> None:
    assert set(trial.saturating("minmax").values()) == {0.0}
    few = trial.saturating("minmax", 4)
    assert max(few.values()) > 0.001
    assert trial.network.quantized  # its own ranges are still there
    with pytest.raises(UnknownNameError, match="minmax"):
        trial.saturating("maxmin")


def test_one_layer_of_a_graph() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 12, 1, 1)
    graph = from_torch(nn.Sequential(nn.Flatten(), nn.Linear(12, 7)).eval(), x)
    layer = one_layer(graph)
    assert layer.weight.shape == (7, 1, 1, 12)
    assert layer.bias.dtype == np.int32
    assert layer.input_scale == float(graph.input.scale_and_zero_point()[0])
    two = nn.Sequential(nn.Conv2d(12, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1)).eval()
    with pytest.raises(CompressionError, match="2 convolutions"):
        one_layer(from_torch(two, x))
