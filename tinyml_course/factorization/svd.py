"""Truncated singular value decomposition: of a linear layer, and of a convolution's channels."""

import torch
from torch import Tensor, nn

from tinyml_course.errors import CompressionError
from tinyml_course.factorization.layers import (
    check_conv,
    check_finite,
    check_rank,
    conv_of,
    pair,
)


def truncated_svd(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two factors whose product is nearest to a matrix among all of that rank (Eckart-Young).

    Args:
        matrix: ``(m, k)``.
        rank: ``t``, 1 to ``min(m, k)``.

    Returns:
        ``(m, t)`` and ``(t, k)``; the singular values are shared out as square roots, so that both
        have weights of one size, which quantizes better.

    Raises:
        CompressionError: a rank out of range, or weights that are no numbers.
    """
    check_finite(matrix, "truncated_svd")
    check_rank(rank, min(matrix.shape), "truncated_svd")
    u, s, v = torch.linalg.svd(matrix.detach().double(), full_matrices=False)
    root = s[:rank].sqrt()
    left, right = u[:, :rank] * root, root[:, None] * v[:rank]
    return left.to(matrix.dtype), right.to(matrix.dtype)


def rank_for_energy(matrix: Tensor, share: float) -> int:
    """The least rank that keeps a share of the squared weights.

    Args:
        matrix: ``(m, k)``; a convolution's ``weight.flatten(1)``.
        share: of the sum of squared singular values, above 0 and at most 1.

    Raises:
        CompressionError: a share out of range.
    """
    if not 0 < share <= 1:
        raise CompressionError(f"rank_for_energy: share {share} is out of 0..1, 0 excluded")
    check_finite(matrix, "rank_for_energy")
    energy = torch.linalg.svdvals(matrix.detach().double()).square().cumsum(0)
    # Less than the rounding of the sum is no missing energy.
    reached = energy >= (share - 1e-12) * energy[-1]
    return int(reached.nonzero()[0]) + 1


def split_linear(linear: nn.Linear, rank: int) -> nn.Sequential:
    """``W x`` as ``U (V x)``: ``m k`` multiplications become ``t (m + k)``.

    Raises:
        CompressionError: a rank out of range.
    """
    left, right = truncated_svd(linear.weight, rank)
    first = nn.Linear(linear.in_features, rank, bias=False)
    second = nn.Linear(rank, linear.out_features, bias=linear.bias is not None)
    first.weight.data, second.weight.data = right, left
    if linear.bias is not None:
        second.bias.data = linear.bias.detach().clone()
    return nn.Sequential(first, second)


def split_channels(conv: nn.Conv2d, rank: int) -> nn.Sequential:
    """A ``K x K`` convolution to ``rank`` channels, then a pointwise one (Zhang et al. 2016).

    Args:
        conv: ``(C_out, C_in, K, K)``; a pointwise one becomes two pointwise ones.
        rank: 1 to ``min(C_out, C_in K K)``.

    Raises:
        CompressionError: a rank out of range, or a convolution with groups or dilation.
    """
    check_conv(conv, "split_channels")
    weight = conv.weight
    left, right = truncated_svd(weight.flatten(1), rank)
    first = conv_of(
        right.reshape(rank, *weight.shape[1:]), None, pair(conv.stride), pair(conv.padding)
    )
    return nn.Sequential(first, conv_of(left[:, :, None, None], conv.bias))
