"""Tucker-2: fewer channels on both sides of a smaller core (Kim et al. 2016)."""

import torch
from torch import Tensor, nn

from tinyml_course.factorization.layers import check_conv, check_finite, check_rank, conv_of, pair

ROUNDS = 20


def tucker2(weight: Tensor, ranks: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Core and two factors of a convolution's weights along its channel axes.

    Higher-order orthogonal iteration: starts from the singular vectors of each unfolding, then
    improves one factor with the other held; every round lowers the squared error or leaves it.

    Args:
        weight: ``(C_out, C_in, K_h, K_w)``.
        ranks: ``(R_out, R_in)``.

    Returns:
        Core ``(R_out, R_in, K_h, K_w)``, and the factors ``(C_out, R_out)``, ``(C_in, R_in)``, with
        orthonormal columns.

    Raises:
        CompressionError: a rank out of range.
    """
    check_finite(weight, "tucker2")
    for rank, channels, side in zip(ranks, weight.shape, ("output", "input"), strict=False):
        check_rank(rank, channels, f"tucker2, {side} channels")
    full = weight.detach().double()
    inner = _leading(full.transpose(0, 1), ranks[1])
    for _ in range(ROUNDS):
        outer = _leading(torch.einsum("oikl,ir->orkl", full, inner), ranks[0])
        inner = _leading(torch.einsum("oikl,or->irkl", full, outer), ranks[1])
    core = torch.einsum("oikl,or,is->rskl", full, outer, inner)
    return core.to(weight.dtype), outer.to(weight.dtype), inner.to(weight.dtype)


def split_tucker(conv: nn.Conv2d, ranks: tuple[int, int]) -> nn.Sequential:
    """Pointwise to ``R_in`` channels, the core, pointwise to ``C_out``.

    Args:
        conv: ``(C_out, C_in, K_h, K_w)``.
        ranks: ``(R_out, R_in)``.

    Raises:
        CompressionError: a rank out of range, or a convolution with groups or dilation.
    """
    check_conv(conv, "split_tucker")
    core, outer, inner = tucker2(conv.weight, ranks)
    return nn.Sequential(
        conv_of(inner.T[:, :, None, None]),
        conv_of(core, None, pair(conv.stride), pair(conv.padding)),
        conv_of(outer[:, :, None, None], conv.bias),
    )


def _leading(tensor: Tensor, count: int) -> Tensor:
    """Left singular vectors of the unfolding along the first axis, ``(n, count)``."""
    u, _, _ = torch.linalg.svd(tensor.flatten(1), full_matrices=False)
    if u.shape[1] < count:  # more channels asked for than the unfolding has directions
        u = torch.linalg.qr(torch.cat([u, torch.eye(len(u), dtype=u.dtype)], 1))[0]
    leading: Tensor = u[:, :count]
    return leading
