"""Magnitude, Taylor, batch norm, zeros: the formulas, and what they predict."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.data import Split
from tinyml_course.pruning import (
    WeightError,
    apoz,
    bn_scale_importance,
    channel_importance,
    channel_taylor,
    mean_taylor,
    taylor_importance,
)
from tinyml_course.pruning.importance import l1_importance, l2_importance

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("axis", [0, 1])
def test_channel_importance_is_the_norm(order: int, axis: int) -> None:
    expected = [
        (np.abs(np.take(W, c, axis).astype(float)) ** order).sum() ** (1 / order)
        for c in range(W.shape[axis])
    ]
    assert channel_importance(W, order, axis) == pytest.approx(expected)  # double precision


def test_magnitudes() -> None:
    assert np.array_equal(l1_importance(W), np.abs(W.astype(float)))
    assert np.array_equal(l2_importance(W), W.astype(float) ** 2)
    assert bn_scale_importance(np.array([-2.0, 0.5])).tolist() == [2.0, 0.5]
    with pytest.raises(WeightError, match="order 3"):
        channel_importance(W, order=3)
    with pytest.raises(WeightError, match="1 are needed"):
        bn_scale_importance(W)


def test_taylor_is_the_change_of_a_linear_loss() -> None:
    """Where the loss is linear in the weights, first order is all there is."""
    gradient = RNG.normal(size=W.shape)
    base = (gradient * W).sum()
    scores = taylor_importance(W, gradient)
    for at in np.ndindex(2, 2, 2, 2):
        without = W.astype(float).copy()
        without[at] = 0
        assert scores[at] == pytest.approx(((gradient * without).sum() - base) ** 2, rel=1e-6)


def test_channel_taylor_is_molchanovs_formula() -> None:
    a, g = RNG.normal(size=(5, 3, 2, 4)), RNG.normal(size=(5, 3, 2, 4))
    expected = [np.mean([abs(np.mean(a[n, c] * g[n, c])) for n in range(5)]) for c in range(3)]
    assert channel_taylor(a, g) == pytest.approx(expected)


def test_mean_taylor_is_the_mean_over_batches() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3)).eval()
    x = RNG.normal(size=(10, 1, 2, 3)).astype(np.float32)
    split = Split(x, np.arange(10) % 3)
    got = mean_taylor(model, ["1.weight"], split, batch_size=4)["1.weight"]
    expected = np.zeros((3, 6))
    for part in (slice(0, 4), slice(4, 8), slice(8, 10)):
        loss = nn.functional.cross_entropy(
            model(torch.from_numpy(x[part])), torch.from_numpy(split.labels[part])
        )
        (gradient,) = torch.autograd.grad(loss, [model[1].weight])
        expected += (gradient * model[1].weight).detach().numpy().astype(float) ** 2 / 3
    assert got == pytest.approx(expected, rel=1e-4)  # single precision
    assert model[1].weight.grad is None


def test_apoz_counts_zeros() -> None:
    x = np.ones((2, 3, 2, 2))
    x[:, 1, 0] = 0
    x[0, 2] = 0
    assert apoz(x).tolist() == [0.0, 0.5, 0.5]
    assert apoz(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    "call",
    [
        lambda: taylor_importance(W, W[:1]),
        lambda: taylor_importance(W, np.full(W.shape, np.nan)),
        lambda: channel_taylor(W, W[:1]),
        lambda: apoz(np.zeros((0, 3))),
        lambda: l1_importance(np.array([np.nan])),
    ],
)
def test_bad_input_is_refused(call: object) -> None:
    with pytest.raises(WeightError):
        call()  # type: ignore[operator]
