"""Equalization and bias correction: the float network stays, the quantized one comes nearer."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError
from tinyml_course.quantization import (
    LinearWeightQuantizer,
    QuantizableNetwork,
    clipped_normal_mean,
    correct_biases,
    equalizable_pairs,
    equalize,
    relu6_to_relu,
    unequalize,
)


def images(count: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


class Uneven(nn.Module):
    """Channels of very different sizes between layers, as depthwise networks have them."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 8, 3, 1, 1, bias=False),
                nn.BatchNorm2d(8),
                activation(),
                nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False),
                nn.BatchNorm2d(8),
                activation(),
                nn.Conv2d(8, 6, 1, bias=False),
                nn.BatchNorm2d(6),
            )
            self.head = nn.Sequential(
                nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
            )
            for _ in range(100):
                self(images())
            for norm in (self.layers[1], self.layers[4]):
                norm.weight.data = torch.logspace(-2, 1, 8)
                norm.bias.data = norm.weight.data * torch.randn(8)
            for _ in range(100):
                self(images())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x))


def error(network: QuantizableNetwork, wanted: torch.Tensor, x: torch.Tensor) -> float:
    with torch.no_grad():
        return float((network(x) - wanted).square().mean())


def quantized(network: QuantizableNetwork, bits: int, per_channel: bool = False) -> None:
    network.quantize_weights(
        {n.name: LinearWeightQuantizer(bits, per_channel) for n in network.weighted()}
    )


def test_unequalized_it_computes_the_same() -> None:
    module, x = Uneven().eval(), images()
    network = QuantizableNetwork(module, x)
    before = network.weight("layers.3").detach().clone()
    unequalize(network, 8, seed=0)
    with torch.no_grad():
        torch.testing.assert_close(network(x), module(x), rtol=1e-4, atol=1e-4)
        factors = (network.weight("layers.3") / before).amax((0, 1, 2))
    assert factors.max() / factors.min() > 4  # the factors of both sides
    assert 1 / 64 <= factors.min() <= factors.max() <= 64
    network.calibrate(x)
    for wrong, most in ((network, 8), (QuantizableNetwork(module, x), 0.9)):
        with pytest.raises(CompressionError):
            unequalize(wrong, most, seed=0)


def test_equalized_it_computes_the_same() -> None:
    module, x = Uneven().eval(), images()
    network = QuantizableNetwork(module, x)
    assert [(a.name, b.name) for a, b in equalizable_pairs(network)] == [
        ("layers.0", "layers.3"),
        ("layers.3", "layers.6"),
    ]
    assert equalize(network) < 40
    with torch.no_grad():
        torch.testing.assert_close(network(x), module(x), rtol=1e-4, atol=1e-4)


def test_both_sides_of_a_channel_have_one_range_in_the_end() -> None:
    x = images()
    network = QuantizableNetwork(Uneven().eval(), x)
    equalize(network, rounds=200, tolerance=1e-6)
    weights = {n.name: network.weight(n.name).detach().abs() for n in network.weighted()}
    first, depthwise, last = (weights[f"layers.{i}"] for i in (0, 3, 6))
    torch.testing.assert_close(
        first.amax((1, 2, 3)), depthwise.amax((0, 1, 2)), rtol=1e-3, atol=1e-5
    )
    torch.testing.assert_close(
        depthwise.amax((0, 1, 2)), last.amax((0, 1, 2)), rtol=1e-3, atol=1e-5
    )


def test_one_scale_a_tensor_is_enough_once_equalized() -> None:
    module, x = Uneven().eval(), images()
    errors = []
    for even in (False, True):
        network = QuantizableNetwork(module, x)
        with torch.no_grad():
            wanted = network(x)
        if even:
            equalize(network)
        quantized(network, 8)
        errors.append(error(network, wanted, x))
    assert errors[1] < errors[0] / 2  # three sets of images: 3.3 to 4.8 times less


def test_relu6_does_not_scale() -> None:
    x = images()
    network = QuantizableNetwork(Uneven(nn.ReLU6).eval(), x)
    assert equalizable_pairs(network) == []
    assert equalize(network) == 1
    assert relu6_to_relu(network) == 2
    assert len(equalizable_pairs(network)) == 2


def test_dead_channels_stay_numbers() -> None:
    module, x = Uneven().eval(), images()
    module.layers[0].weight.data[2] = 0
    module.layers[6].weight.data[:, 5] = 0
    network = QuantizableNetwork(module, x)
    equalize(network)
    with torch.no_grad():
        torch.testing.assert_close(network(x), module(x), rtol=1e-4, atol=1e-4)


def test_equalization_comes_before_calibration() -> None:
    x = images()
    network = QuantizableNetwork(Uneven().eval(), x)
    network.calibrate(x)
    with pytest.raises(CompressionError, match="before calibrate"):
        equalize(network)


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (0.0, math.inf), (-math.inf, math.inf)])
def test_the_mean_of_a_clipped_normal_distribution(low: float, high: float) -> None:
    means, deviations = torch.tensor([-3.0, 0.0, 2.0, 8.0]), torch.tensor([1.0, 2.0, 0.5, 3.0])
    draws = np.random.default_rng(0).normal(means, deviations, (200_000, 4)).clip(low, high)
    found = clipped_normal_mean(means, deviations, low, high)
    # Three standard errors of the sample's mean.
    np.testing.assert_allclose(found, draws.mean(0), atol=3 * 3 / 200_000**0.5)


def test_without_spread_it_is_the_value_clipped() -> None:
    means = torch.tensor([-1.0, 2.0, 9.0])
    found = clipped_normal_mean(means, torch.zeros(3), 0.0, 6.0)
    torch.testing.assert_close(found, torch.tensor([0.0, 2.0, 6.0]))


@pytest.mark.parametrize("with_images", [True, False])
def test_biases_take_the_shift_off(with_images: bool) -> None:
    module, x = Uneven().eval(), images()
    network = QuantizableNetwork(module, x)
    equalize(network)
    with torch.no_grad():
        wanted = network(x)
    quantized(network, 6)
    before = error(network, wanted, x)
    corrected = correct_biases(network, x if with_images else None)
    # The first layer reads the image, of which no batch norm tells; the last one's input is clipped
    # by a ReLU behind which the mean is known too.
    assert corrected == (["layers.0"] if with_images else []) + ["layers.3", "layers.6", "head.3"]
    # Three sets of images: 7 to 12 times less, and 2.2 to 3.3 times without looking at them.
    assert error(network, wanted, x) < before / (4 if with_images else 1.5)
    if with_images:  # by definition, on the images they were taken from
        with torch.no_grad():
            torch.testing.assert_close(network(x).mean(0), wanted.mean(0), atol=1e-4, rtol=1e-4)


def test_without_images_the_shift_is_the_weight_s_error_times_the_expected_input() -> None:
    module, x = Uneven().eval(), images()
    network = QuantizableNetwork(module, x)
    quantized(network, 4)
    errors = {
        n.name: (network.used_weight(n.name) - network.weight(n.name)).detach()
        for n in network.weighted()
    }
    before = {n.name: network.bias(n.name).detach().clone() for n in network.weighted()}
    correct_biases(network)
    norms = {"layers.3": module.layers[1], "layers.6": module.layers[4], "head.3": module.layers[7]}
    for name, norm in norms.items():
        draws = norm.bias + norm.weight.abs() * torch.randn(400_000, len(norm.bias))
        mean = draws.relu().mean(0).detach()
        shift = (errors[name] * mean).movedim(3, 0) if name == "layers.3" else errors[name] * mean
        found = before[name] - network.bias(name).detach()
        torch.testing.assert_close(found, shift.flatten(1).sum(1), rtol=0.05, atol=0.003)


def test_without_quantizers_there_is_nothing_to_correct() -> None:
    x = images()
    assert correct_biases(QuantizableNetwork(Uneven().eval(), x), x) == []
