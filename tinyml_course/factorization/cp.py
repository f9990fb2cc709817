"""Canonical polyadic decomposition: a sum of outer products (Lebedev et al. 2015)."""

import torch
from torch import Tensor, nn

from tinyml_course.errors import CompressionError
from tinyml_course.factorization.layers import check_conv, check_finite, conv_of, pair

RIDGE = 1e-10
"""Relative to the Gram matrix: keeps terms that cancel each other from growing without end."""


def cp_decomposition(
    tensor: Tensor, rank: int, *, seed: int, rounds: int = 200, tolerance: float = 1e-7
) -> tuple[Tensor, ...]:
    """Factors whose outer products, summed up over the rank, come near to a tensor.

    Alternating least squares. Unlike with matrices there is no formula for the best, and no rank is
    known beforehand at which nothing is lost; the result depends on where it starts.

    Args:
        tensor: of any shape, ``(n_1, ..., n_d)``.
        rank: number of outer products, at least 1.
        seed: of the start.
        rounds: at most so many.
        tolerance: stop when a round changes the relative error by less.

    Returns:
        ``d`` factors ``(n_i, rank)``, with columns of one length in each.

    Raises:
        CompressionError: a rank below 1, or weights that are no numbers.
    """
    check_finite(tensor, "cp_decomposition")
    if rank < 1:
        raise CompressionError(f"cp_decomposition: rank {rank} is below 1")
    full = tensor.detach().double()
    norm = float(full.norm())
    generator = torch.Generator().manual_seed(seed)
    factors = [torch.randn(n, rank, generator=generator, dtype=full.dtype) for n in full.shape]
    last = float("inf")
    for _ in range(rounds):
        for axis in range(full.ndim):
            factors[axis] = _solve(full, factors, axis)
        error = float((compose(factors) - full).norm()) / max(norm, 1e-300)
        if abs(last - error) < tolerance:
            break
        last = error
    lengths = torch.stack([factor.norm(dim=0) for factor in factors])
    share = lengths.prod(0) ** (1 / full.ndim) / lengths.clamp_min(1e-300)
    return tuple((f * s).to(tensor.dtype) for f, s in zip(factors, share, strict=True))


def compose(factors: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """The tensor that factors ``(n_i, rank)`` stand for, ``(n_1, ..., n_d)``."""
    result = factors[0]
    for factor in factors[1:]:
        result = result.unsqueeze(-2) * factor
    return result.sum(-1)


def split_cp(conv: nn.Conv2d, rank: int, *, seed: int = 0) -> nn.Sequential:
    """Pointwise, a column for each channel, a row for each channel, pointwise.

    Args:
        conv: ``(C_out, C_in, K_h, K_w)``.
        rank: channels between.
        seed: of the decomposition's start.

    Raises:
        CompressionError: a rank below 1, or a convolution with groups or dilation.
    """
    check_conv(conv, "split_cp")
    outer, inner, column, row = cp_decomposition(conv.weight, rank, seed=seed)
    stride, padding = pair(conv.stride), pair(conv.padding)
    return nn.Sequential(
        conv_of(inner.T[:, :, None, None]),
        conv_of(column.T[:, None, :, None], None, (stride[0], 1), (padding[0], 0), rank),
        conv_of(row.T[:, None, None, :], None, (1, stride[1]), (0, padding[1]), rank),
        conv_of(outer[:, :, None, None], conv.bias),
    )


def _solve(full: Tensor, factors: list[Tensor], axis: int) -> Tensor:
    """The best factor of an axis, the others held: normal equations of the Khatri-Rao product."""
    others = [f for i, f in enumerate(factors) if i != axis]
    gram = torch.ones(others[0].shape[1], others[0].shape[1], dtype=full.dtype)
    for factor in others:
        gram = gram * (factor.T @ factor)
    product = full.movedim(axis, 0).unsqueeze(-1)
    for factor in reversed(others):  # the last axis first
        product = (product * factor).sum(-2)
    ridge = RIDGE * gram.diagonal().max().clamp_min(1e-150)  # of no weights at all: still solvable
    gram = gram + ridge * torch.eye(len(gram), dtype=full.dtype)
    solution: Tensor = torch.linalg.solve(gram, product.T).T
    return solution
