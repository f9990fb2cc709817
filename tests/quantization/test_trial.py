"""Bits on trial, on the network that comes along; and one layer as plain numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError, UnknownNameError
from tinyml_course.graph import from_torch
from tinyml_course.mcu import reference
from tinyml_course.quantization import (
    BitTrial,
    integer_conv2d,
    linear_bytes,
    one_layer,
    quantize_bias,
    requantization_multipliers,
    trained_trial,
)


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
    # 0.36 before; over eight seeds 0.83 to 0.90 after it.
    assert trial.tuned_accuracy(bits, epochs=1, seed=0) > before + 0.3
    assert trial.accuracy(bits) == before


def test_where_values_saturate(trial: BitTrial) -> None:
    assert set(trial.saturating("minmax").values()) == {0.0}
    few = trial.saturating("minmax", 4)
    assert max(few.values()) > 0.001
    assert trial.network.quantized  # its own ranges are still there
    with pytest.raises(UnknownNameError, match="minmax"):
        trial.saturating("maxmin")


@pytest.mark.filterwarnings("error")  # learners would see them
def test_other_trials_of_the_network_begin_as_this_one_did() -> None:
    """They share a capture; each prepares, calibrates and trains a copy of its own."""
    fresh, used = trained_trial("digit_mobilenet"), trained_trial("digit_mobilenet")
    bits = dict.fromkeys(used.layers, 3)
    used.unequalized(4, seed=1)
    used.saturating("minmax", 4)
    used.tuned_accuracy(bits, epochs=1, seed=0)
    assert used.loss(bits) == fresh.loss(bits)
    grids = [{n: q.item() for n, q in t.network.quantized.items()} for t in (used, fresh)]
    assert grids[0] == grids[1]
    again, first = used.unequalized(4, seed=0), fresh.unequalized(4, seed=0)
    assert again.loss(bits) == first.loss(bits)
    assert all(np.array_equal(w, first.weights[name]) for name, w in again.weights.items())
    assert {layer.activation for layer in used.network.layers.values()} == {"NONE", "RELU6"}
    assert {layer.activation for layer in again.network.layers.values()} == {"NONE", "RELU"}


def test_a_better_calibration_makes_a_smaller_error(trial: BitTrial) -> None:
    assert trial.output_error("minmax") < 0.5 * trial.output_error("minmax", 4)
    with pytest.raises(UnknownNameError, match="minmax"):
        trial.output_error("maxmin")


def test_weights_and_biases_are_copies_in_the_board_s_order(trial: BitTrial) -> None:
    weights, biases = trial.weights, trial.biases
    assert list(weights) == list(biases) == trial.layers
    assert weights["stem"].shape == (16, 3, 3, 1)
    assert weights["block1.depthwise"].shape == (1, 3, 3, 48)
    assert weights["classifier"].shape == (10, 32)
    assert biases["block1.depthwise"].shape == (48,)
    weights["stem"][:] = 0
    assert trial.weights["stem"].any()


def ratios(trial: BitTrial) -> dict[str, float]:
    """By layer, the largest magnitude of the widest channel over that of the narrowest."""
    found = {}
    for name, w in trial.weights.items():
        axis = 3 if "depthwise" in name else 0
        sizes = np.abs(np.moveaxis(w, axis, 0)).reshape(w.shape[axis], -1).max(1)
        found[name] = float(sizes.max() / sizes.min())
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_other_channel_sizes_compute_the_same_and_need_a_scale_each(
    trial: BitTrial, seed: int
) -> None:
    other = trial.unequalized(4, seed=seed)
    images = torch.from_numpy(trial.data.validation.images)
    with torch.no_grad(), trial.network.in_float(), other.network.in_float():
        wanted, got = trial.network(images), other.network(images)
    # ReLU6 became ReLU: few values grow beyond 6.
    assert float((got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt()) < 0.01
    assert min(r for n, r in ratios(other).items() if "depthwise" in n) > 30
    bits = dict.fromkeys(trial.layers, 4)
    assert other.accuracy(bits, per_channel=False) < 0.2  # by chance 0.1
    assert other.accuracy(bits) > 0.95
    with pytest.raises(CompressionError, match="1 or more"):
        trial.unequalized(0.5, seed=0)


def test_what_is_deployed_has_the_bits_that_were_tried(trial: BitTrial) -> None:
    graph = trial.deployed({"stem": 2})
    assert set(np.unique(graph.tensors["stem/weight"].values())) == {-64, 0, 64}
    assert np.abs(graph.tensors["block0.project/weight"].values()).max() == 127
    with pytest.raises(UnknownNameError, match="stem"):
        trial.deployed({"stern": 2})


def test_every_layer_by_hand_is_the_deployed_one(trial: BitTrial) -> None:
    """Biases and multipliers from the float network, the sums of `integer_conv2d`, to the bit."""
    graph = trial.deployed({})
    maps = reference.run_all(graph, trial.data.validation.channels_last()[0])
    for name, floats in trial.biases.items():
        layer = one_layer(graph, name)
        bias = quantize_bias(floats, layer.input_scale, layer.weight_scale)
        np.testing.assert_array_equal(bias, layer.bias)
        table = requantization_multipliers(
            layer.input_scale, layer.weight_scale, layer.output_scale
        )
        channels = [slice(None)]
        if layer.groups > 1:
            channels = [slice(c, c + 1) for c in range(layer.groups)]
        x = maps[layer.source].reshape(layer.input_shape)
        ours = [
            integer_conv2d(
                x[:, :, c],
                layer.weight[c],
                bias[c],
                layer.input_zero_point,
                *(part[c] for part in table),
                layer.output_zero_point,
                layer.stride,
                layer.padding,
            )
            for c in channels
        ]
        np.testing.assert_array_equal(
            np.concatenate(ours, -1), maps[name].reshape(*ours[0].shape[:2], -1)
        )


def test_one_layer_of_a_graph() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 12, 1, 1)
    graph = from_torch(nn.Sequential(nn.Flatten(), nn.Linear(12, 7)).eval(), x)
    layer = one_layer(graph, "1")
    assert layer.weight.shape == (7, 1, 1, 12)
    assert layer.input_shape == (1, 1, 12)
    assert (layer.stride, layer.padding, layer.groups) == (1, 0, 1)
    assert layer.bias.dtype == np.int32
    with pytest.raises(UnknownNameError, match="layer with weights"):
        one_layer(graph, "0")


def test_layers_that_one_number_does_not_describe_are_refused() -> None:
    x = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    uneven = from_torch(nn.Sequential(nn.Conv2d(3, 2, 3, stride=(1, 2))).eval(), x)
    with pytest.raises(CompressionError, match="strides"):
        one_layer(uneven, "0")
    several = from_torch(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3)).eval(), x)
    with pytest.raises(CompressionError, match="6 channels of 3"):
        one_layer(several, "0")
