"""Coarse-grained pruning: whole vectors, kernels or channels go (Mao et al. 2017, figure 2).

A block's importance is the sum over its weights. With the default, their squares, blocks are
ranked by their L2 norm; ``importance=np.abs(w)`` ranks by L1.
"""

import numpy as np

from tinyml_course.pruning.counts import (
    Floats,
    Mask,
    check_weight,
    importance_of,
    keep_most,
    pruned_count,
)
from tinyml_course.pruning.errors import SparsityError


def vector_mask(w: Floats, sparsity: float, importance: Floats | None = None) -> Mask:
    """Prune rows of kernels: blocks of ``K_w`` weights.

    Args:
        w: ``(C_out, C_in, K_h, K_w)``.
        sparsity: share of the rows to prune, in 0..1; their count is rounded.
        importance: of each weight, shape of ``w``; by default its square.

    Returns:
        Bool of ``w``'s shape, true where a weight is kept.

    Raises:
        SparsityError: a sparsity outside of 0..1.
        WeightError: no weights, not four axes, NaN or infinity.
    """
    check_weight(w, axes=4)
    return _block_mask(w, sparsity, (3,), importance)


def kernel_mask(w: Floats, sparsity: float, importance: Floats | None = None) -> Mask:
    """Prune kernels: blocks of ``K_h K_w`` weights; arguments as for `vector_mask`."""
    check_weight(w, axes=4)
    return _block_mask(w, sparsity, (2, 3), importance)


def channel_mask(
    w: Floats, sparsity: float, importance: Floats | None = None, axis: int = 0
) -> Mask:
    """Prune channels of one layer: everything with one index along ``axis``.

    Zeros only. `channel_prune` takes the channels out of the network.

    Args:
        w: ``(C_out, C_in, ...)``.
        sparsity: share of the channels to prune, in 0..1; their count is rounded.
        importance: of each weight, shape of ``w``; by default its square.
        axis: 0 for output channels (filters), 1 for input channels.

    Returns:
        Bool of ``w``'s shape, true where a weight is kept.

    Raises:
        SparsityError: a sparsity outside of 0..1, or no such axis.
        WeightError: no weights, NaN or infinity.
    """
    check_weight(w)
    if not 0 <= axis < w.ndim:
        raise SparsityError(f"weights of shape {w.shape} have no axis {axis}")
    return _block_mask(w, sparsity, tuple(set(range(w.ndim)) - {axis}), importance)


def _block_mask(
    w: Floats, sparsity: float, within: tuple[int, ...], importance: Floats | None
) -> Mask:
    """Prune blocks that extend over the axes ``within``."""
    blocks = importance_of(w, importance, power=2).sum(within, keepdims=True)
    kept = keep_most(blocks, pruned_count(blocks.size, sparsity))
    return np.broadcast_to(kept, w.shape).copy()
