"""Splits of kernels: spatial, Tucker and CP."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course.errors import CompressionError
from tinyml_course.factorization import (
    cp_decomposition,
    split_cp,
    split_spatial,
    split_tucker,
    tucker2,
)
from tinyml_course.factorization.cp import compose

CONVS = [
    nn.Conv2d(3, 5, (3, 5), (2, 1), (1, 2)),
    nn.Conv2d(3, 5, (3, 5), (1, 3), (0, 1), bias=False),
    nn.Conv2d(8, 3, 1),
]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@pytest.mark.parametrize("conv", CONVS)
def test_at_full_rank_nothing_is_lost(conv: nn.Conv2d) -> None:
    x = normal(2, conv.in_channels, 9, 11)
    c_out, c_in, k_h, k_w = conv.weight.shape
    spatial = split_spatial(conv, min(c_in * k_h, c_out * k_w))
    torch.testing.assert_close(spatial(x), conv(x), rtol=1e-4, atol=1e-5)
    tucker = split_tucker(conv, (c_out, c_in))
    torch.testing.assert_close(tucker(x), conv(x), rtol=1e-4, atol=1e-5)


def test_a_kernel_that_is_a_column_times_a_row_needs_rank_one() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data = torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0]))[
        None, None
    ]  # Sobel's
    x = normal(1, 1, 6, 6)
    torch.testing.assert_close(split_spatial(conv, 1)(x), conv(x))
    torch.testing.assert_close(split_cp(conv, 1)(x), conv(x))


def test_tucker_factors_are_orthonormal_and_the_core_is_the_projection() -> None:
    weight = normal(7, 5, 3, 3)
    core, outer, inner = tucker2(weight, (4, 3))
    assert core.shape == (4, 3, 3, 3)
    for factor, rank in ((outer, 4), (inner, 3)):
        torch.testing.assert_close(factor.T @ factor, torch.eye(rank), rtol=1e-5, atol=1e-5)
    # What is kept and what is lost are at right angles: the errors add up as squares.
    near = torch.einsum("rskl,or,is->oikl", core, outer, inner)
    assert float((weight - near).square().sum()) == pytest.approx(
        float(weight.square().sum() - core.square().sum()), rel=1e-4
    )


def test_iterating_beats_the_unfoldings_alone() -> None:
    weight = normal(8, 8, 3, 3, seed=3)
    core, _, _ = tucker2(weight, (3, 3))
    outer = torch.linalg.svd(weight.flatten(1))[0][:, :3]
    inner = torch.linalg.svd(weight.transpose(0, 1).flatten(1))[0][:, :3]
    plain = torch.einsum("oikl,or,is->rskl", weight, outer, inner)
    assert core.norm() > plain.norm()  # of a random kernel; never less by construction


def test_more_channels_than_an_unfolding_has_directions() -> None:
    weight = normal(9, 2, 1, 1)
    core, outer, inner = tucker2(weight, (9, 2))
    near = torch.einsum("rskl,or,is->oikl", core, outer, inner)
    torch.testing.assert_close(near, weight, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(outer.T @ outer, torch.eye(9), rtol=1e-5, atol=1e-5)


def test_cp_finds_a_tensor_that_has_the_rank() -> None:
    parts = [normal(n, 3, seed=n) for n in (6, 5, 3, 4)]
    tensor = compose(parts)
    by_hand = torch.einsum("ar,br,cr,dr->abcd", *parts)
    torch.testing.assert_close(tensor, by_hand)
    found = cp_decomposition(tensor, 3, seed=0, rounds=500)
    error = float((compose(found) - tensor).norm() / tensor.norm())
    assert error < 1e-5  # twelve seeds: at most 1.4e-7, the rounding of float32
    lengths = torch.stack([factor.norm(dim=0) for factor in found])
    torch.testing.assert_close(lengths, lengths[:1].expand_as(lengths), rtol=1e-4, atol=1e-6)


def test_cp_repeats_by_its_seed_and_gets_better_with_rank() -> None:
    tensor = normal(6, 5, 3, 3)
    first, again = (cp_decomposition(tensor, 4, seed=1) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    errors = [
        float((compose(cp_decomposition(tensor, rank, seed=1)) - tensor).norm())
        for rank in (1, 4, 16)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_a_cp_split_is_the_composed_kernel() -> None:
    conv = nn.Conv2d(4, 6, 3, (2, 1), (1, 0))
    x = normal(2, 4, 9, 8)
    factors = cp_decomposition(conv.weight, 5, seed=0)
    conv_near = nn.functional.conv2d(x, compose(factors), conv.bias, (2, 1), (1, 0))
    split = split_cp(conv, 5)
    torch.testing.assert_close(split(x), conv_near, rtol=1e-4, atol=1e-5)
    assert [layer.groups for layer in split] == [1, 5, 5, 1]


def test_an_empty_kernel_stays_empty() -> None:
    zero = torch.zeros(4, 3, 3, 3)
    assert not compose(cp_decomposition(zero, 2, seed=0)).any()
    assert not tucker2(zero, (2, 2))[0].any()


def test_ranks_out_of_range() -> None:
    with pytest.raises(CompressionError, match=r"tucker2, input channels: rank 6 is out of 1\.\.5"):
        tucker2(normal(7, 5, 3, 3), (4, 6))
    with pytest.raises(CompressionError, match="rank 0 is below 1"):
        cp_decomposition(normal(7, 5), 0, seed=0)
    with pytest.raises(CompressionError, match=r"out of 1\.\.9"):
        split_spatial(nn.Conv2d(3, 4, 3), 10)
