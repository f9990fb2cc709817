"""What weights go through: values by formula, gradients by the papers' equations."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import GraphError
from tinyml_course.graph.torch_importer.float_layers import FloatLayer
from tinyml_course.quantization import (
    BinaryWeights,
    LearnedStep,
    LinearWeightQuantizer,
    SharedWeights,
    TernaryWeights,
    TrainedTernaryWeights,
    WeightQuantizer,
    centroid_gradients,
    fake_quantize,
)
from tinyml_course.quantization.fake_quantization import round_through


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def layer(kind: str) -> FloatLayer:
    shape = {"conv": (4, 3, 3, 5), "depthwise": (1, 3, 3, 4), "linear": (4, 7)}[kind]
    return FloatLayer(kind, kind, ["input"], kind, normal(*shape).numpy(), np.zeros(4))


KINDS = ["conv", "depthwise", "linear"]


def channels(weight: torch.Tensor, kind: str) -> torch.Tensor:
    """``(C_out, rest)``."""
    return (weight.movedim(3, 0) if kind == "depthwise" else weight).flatten(1)


def gradient(quantizer: WeightQuantizer, weight: torch.Tensor, of: FloatLayer) -> torch.Tensor:
    """Of a sum with different summands, so that each weight's own shows."""
    weight = weight.clone().requires_grad_()
    (quantizer(weight, of) * normal(*weight.shape, seed=9)).sum().backward()
    return weight.grad


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_fake_quantize_is_torch_s_but_for_halves(bits: int) -> None:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    x = (3 * normal(500)).requires_grad_()
    ours = fake_quantize(x, 0.13, 1, least, most)
    theirs = torch.fake_quantize_per_tensor_affine(x, 0.13, 1, least, most)
    torch.testing.assert_close(ours, theirs)
    (first,) = torch.autograd.grad(ours.sum(), x)
    (second,) = torch.autograd.grad(theirs.sum(), x)
    torch.testing.assert_close(first, second)
    assert {0.0, 1.0} >= set(first.tolist())
    halves = torch.tensor([0.5, -0.5, 1.5, 2.5, -2.5])
    assert fake_quantize(halves, 1.0, 0, -128, 127).tolist() == [1, -1, 2, 3, -3]


def test_rounding_is_trunc_s_to_the_bit() -> None:
    steps = torch.arange(-4000, 4000) / 8
    odd = torch.tensor([0.0, -0.0, 0.1, -0.1, 2.0**22 + 0.5, 2.0**23 + 1, 1e30, torch.inf])
    halves = torch.arange(-99, 100) + 0.5
    beside = [torch.nextafter(halves, torch.tensor(end)) for end in (-torch.inf, torch.inf)]
    x = torch.cat([steps, odd, -odd, halves, *beside])
    for dtype in (torch.float32, torch.float64):
        given = x.to(dtype)
        expected = torch.trunc(given + torch.copysign(torch.tensor(0.5, dtype=dtype), given))
        got = round_through(given)
        assert got.dtype == dtype
        assert torch.equal(got, expected)
        assert torch.equal(torch.signbit(got), torch.signbit(expected))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_linear_weights_have_a_grid_for_each_channel(kind: str, bits: int) -> None:
    of, limit = layer(kind), 2 ** (bits - 1) - 1
    weight = torch.from_numpy(of.weight)
    out = channels(LinearWeightQuantizer(bits)(weight, of), kind)
    plain = channels(weight, kind)
    step = plain.abs().amax(1, keepdim=True) / limit
    torch.testing.assert_close((out / step).round() * step, out)
    assert ((out - plain).abs() <= step / 2 * (1 + 1e-5)).all()
    assert ((out / step).abs().amax(1) - limit).abs().max() < 1e-4
    one = LinearWeightQuantizer(bits, per_channel=False)(weight, of)
    grid = one / (weight.abs().max() / limit)
    torch.testing.assert_close(grid.round(), grid, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        gradient(LinearWeightQuantizer(bits), weight, of), normal(*weight.shape, seed=9)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_a_learned_step_is_equation_3(kind: str) -> None:
    of, bits = layer(kind), 3
    weight, limit = torch.from_numpy(of.weight), 3
    quantizer = LearnedStep(weight, of, bits)
    plain = channels(weight, kind)
    start = 2 * plain.abs().mean(1) / limit**0.5
    torch.testing.assert_close(quantizer.step.detach().flatten(), start)
    quantizer.step.data /= 2  # so that something saturates
    start /= 2
    incoming = normal(*weight.shape, seed=9)
    (quantizer(weight, of) * incoming).sum().backward()
    ratio = plain / start[:, None]
    inside = ratio.abs() < limit + 0.5  # beyond, it rounds to more than the limit
    inside &= ratio.round().abs() <= limit
    slope = torch.where(inside, ratio.round() - ratio, ratio.sign() * limit)
    expected = (slope * channels(incoming, kind)).sum(1) / (plain[0].numel() * limit) ** 0.5
    torch.testing.assert_close(quantizer.step.grad.flatten(), expected, rtol=1e-4, atol=1e-5)
    assert (~inside).any()
    assert inside.any()


def test_a_learned_step_finds_the_best_one() -> None:
    """By its gradient, as good as the best of 200 steps tried."""
    of = FloatLayer("linear", "linear", ["input"], "linear", normal(1, 2000).numpy(), np.zeros(1))
    weight = torch.from_numpy(of.weight)

    def error(out: torch.Tensor) -> torch.Tensor:
        return (out - weight).square().mean()

    quantizer = LearnedStep(weight, of, 3)
    optimizer = torch.optim.Adam(quantizer.parameters(), 0.01)
    for _ in range(100):
        optimizer.zero_grad()
        error(quantizer(weight, of)).backward()
        optimizer.step()
    best = min(error(fake_quantize(weight, s, 0, -3, 3)) for s in np.linspace(0.2, 1.2, 200))
    assert error(quantizer(weight, of)) < 1.02 * best
    assert error(LinearWeightQuantizer(3)(weight, of)) > 2 * best  # the largest magnitude decides


@pytest.mark.parametrize("kind", KINDS)
def test_ternary_weights_by_equations_5_and_6(kind: str) -> None:
    of = layer(kind)
    weight = torch.from_numpy(of.weight)
    for found, plain in zip(
        channels(TernaryWeights()(weight, of), kind), channels(weight, kind), strict=True
    ):
        large = plain.abs() > 0.7 * plain.abs().mean()
        expected = plain.sign() * large * plain.abs()[large].mean()
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        gradient(TernaryWeights(), weight, of), normal(*weight.shape, seed=9)
    )


def test_the_ternary_scale_is_the_best_for_its_signs() -> None:
    of = layer("conv")
    weight = torch.from_numpy(of.weight)
    ternary = TernaryWeights()(weight, of)
    best = (ternary - weight).square().sum()
    for factor in (0.95, 1.05):
        assert (factor * ternary - weight).square().sum() > best


def test_trained_ternary_weights_by_equations_7_and_8() -> None:
    of = layer("linear")
    weight = torch.tensor([[1.0, -0.5, 0.01, -1.0], [0.04, 0.06, 0.0, -0.06]])
    quantizer = TrainedTernaryWeights(weight)
    assert quantizer.positive.item() == pytest.approx((1 + 0.5 + 1 + 0.06 + 0.06) / 5)
    quantizer.positive.data.fill_(2.0)
    quantizer.negative.data.fill_(3.0)
    out = quantizer(weight, of)
    assert out.tolist() == [[2, -3, 0, -3], [0, 2, 0, -3]]
    latent = weight.clone().requires_grad_()
    incoming = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    (quantizer(latent, of) * incoming).sum().backward()
    # Equation 7's sums, each over the number of weights in it.
    assert float(quantizer.positive.grad) == (1 + 6) / 2
    assert float(quantizer.negative.grad) == pytest.approx(-(2 + 4 + 8) / 3)
    assert latent.grad.tolist() == [[2, 6, 3, 12], [5, 12, 7, 24]]


@pytest.mark.parametrize("kind", KINDS)
def test_binary_weights_are_signs_times_the_mean(kind: str) -> None:
    of = layer(kind)
    weight = torch.from_numpy(of.weight)
    out, plain = channels(BinaryWeights()(weight, of), kind), channels(weight, kind)
    torch.testing.assert_close(out, plain.sign() * plain.abs().mean(1, keepdim=True))
    straight = gradient(BinaryWeights(), weight, of)
    torch.testing.assert_close(straight, normal(*weight.shape, seed=9) * (weight.abs() <= 1))
    assert BinaryWeights()(torch.zeros(4, 7), layer("linear")).unique().tolist() == [1.0]


def test_shared_weights_learn_by_the_mean_and_keep_their_zeros() -> None:
    of = layer("conv")
    weight = torch.from_numpy(of.weight)
    weight[weight.abs() < 0.6] = 0
    quantizer = SharedWeights(weight, 3, keep_zero=True)
    out = quantizer(weight, of)
    assert ((out == 0) == (weight == 0)).all()
    incoming = normal(*weight.shape, seed=9)
    (out * incoming).sum().backward()
    indices = quantizer.codebook().indices
    sums = centroid_gradients(incoming.numpy(), indices, 8)
    means = sums / np.bincount(indices.ravel(), minlength=8)
    zero = int((quantizer.centroids.detach() == 0).nonzero()[0])
    means[zero] = 0.0
    np.testing.assert_allclose(quantizer.centroids.grad.numpy(), means, rtol=1e-4, atol=1e-5)
    nn.init.ones_(quantizer.centroids)
    assert ((quantizer(weight, of) == 0) == (weight == 0)).all()
    free = SharedWeights(torch.tensor([0.0, 1.0, 2.0]), 2)
    assert free.free.all()
    np.testing.assert_array_equal(free.codebook().weights(), [0, 1, 2])


@pytest.mark.parametrize(
    "make",
    [
        lambda w, of: LinearWeightQuantizer(4),
        lambda w, of: LearnedStep(w, of, 4),
        lambda w, of: TernaryWeights(),
        lambda w, of: BinaryWeights(),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_scales_are_the_grid_s(make, kind: str) -> None:
    of = layer(kind)
    weight = torch.from_numpy(of.weight)
    quantizer = make(weight, of)
    integers = quantizer(weight, of) / quantizer.scales(weight, of)
    torch.testing.assert_close(integers, integers.round(), atol=1e-4, rtol=0)
    assert integers.abs().max() <= max(2 ** (quantizer.bits - 1) - 1, 1) + 1e-4
    zero = torch.zeros_like(weight)
    assert torch.isfinite(quantizer(zero, of)).all()


def test_bits_out_of_range() -> None:
    with pytest.raises(GraphError, match="2 to 8 bits, got 1"):
        LinearWeightQuantizer(1)
    with pytest.raises(GraphError, match="2 to 8 bits, got 9"):
        LearnedStep(torch.from_numpy(layer("conv").weight), layer("conv"), 9)
