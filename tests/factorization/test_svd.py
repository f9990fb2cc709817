"""Truncated SVD: the nearest of its rank, and layers that compute the product."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tinyml_course.errors import CompressionError
from tinyml_course.factorization import (
    rank_for_energy,
    split_channels,
    split_linear,
    truncated_svd,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_the_error_is_what_the_singular_values_say(m: int, k: int, data: st.DataObject) -> None:
    matrix = normal(m, k, seed=m * 10 + k)
    rank = data.draw(st.integers(1, min(m, k)))
    left, right = truncated_svd(matrix, rank)
    assert (left.shape, right.shape) == ((m, rank), (rank, k))
    lost = np.linalg.svd(matrix.numpy().astype(np.float64), compute_uv=False)[rank:]
    error = np.linalg.norm((left @ right - matrix).numpy())
    assert error == pytest.approx(np.linalg.norm(lost), abs=1e-5)  # float32 factors


def test_both_factors_have_weights_of_one_size() -> None:
    left, right = truncated_svd(1000 * normal(6, 9), 4)
    torch.testing.assert_close(left.norm(dim=0), right.norm(dim=1))


def test_rank_for_energy_is_the_least_that_keeps_the_share() -> None:
    matrix = torch.diag(torch.tensor([4.0, 2.0, 1.0, 1.0]))  # squares 16, 4, 1, 1 of 22
    ranks = [rank_for_energy(matrix, share) for share in (16 / 22, 0.73, 20 / 22, 21 / 22, 1.0)]
    assert ranks == [1, 2, 2, 3, 4]


def test_split_linear_computes_the_product_of_its_factors() -> None:
    linear, x = nn.Linear(6, 5), normal(3, 6, seed=1)
    full = split_linear(linear, 5)
    torch.testing.assert_close(full(x), linear(x), rtol=1e-4, atol=1e-5)
    low = split_linear(linear, 2)
    assert [tuple(p.shape) for p in low.parameters()] == [(2, 6), (5, 2), (5,)]
    left, right = truncated_svd(linear.weight, 2)
    torch.testing.assert_close(low(x), x @ (left @ right).T + linear.bias, rtol=1e-4, atol=1e-5)
    assert split_linear(nn.Linear(6, 5, bias=False), 2)[1].bias is None


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (1, 1, 0), ((3, 1), 1, 0)])
def test_split_channels_at_full_rank_is_the_convolution(
    kernel: int | tuple[int, int], stride: int, padding: int
) -> None:
    conv, x = nn.Conv2d(4, 6, kernel, stride, padding), normal(2, 4, 9, 8, seed=2)
    split = split_channels(conv, min(6, conv.weight[0].numel()))
    torch.testing.assert_close(split(x), conv(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 6, True, 2.0])
def test_a_rank_out_of_range_names_the_bound(rank: int) -> None:
    with pytest.raises(CompressionError, match=r"out of 1\.\.5; 5 already loses nothing"):
        split_linear(nn.Linear(6, 5), rank)


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_a_share_out_of_range(share: float) -> None:
    with pytest.raises(CompressionError, match=r"is out of 0\.\.1"):
        rank_for_energy(torch.eye(3), share)


def test_weights_that_are_no_numbers() -> None:
    with pytest.raises(CompressionError, match="NaN or infinity"):
        truncated_svd(torch.tensor([[float("nan"), 1.0]]), 1)


def test_convolutions_that_are_not_split() -> None:
    with pytest.raises(CompressionError, match="has 4 groups"):
        split_channels(nn.Conv2d(4, 4, 3, groups=4), 1)
    for conv in (
        nn.Conv2d(4, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    ):
        with pytest.raises(CompressionError, match="only dilation 1 and zero padding"):
            split_channels(conv, 1)
