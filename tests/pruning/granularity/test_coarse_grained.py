"""Vectors, kernels and channels: whole blocks, exact counts, torch's own answer."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import prune

from tinyml_course.pruning import (
    SparsityError,
    WeightError,
    channel_mask,
    kernel_mask,
    vector_mask,
)
from tinyml_course.pruning.counts import Floats, Mask

BLOCKS: dict[Callable[..., Mask], tuple[int, ...]] = {
    vector_mask: (3,),
    kernel_mask: (2, 3),
    channel_mask: (1, 2, 3),
}
WAYS = pytest.mark.parametrize("make", BLOCKS, ids=lambda f: f.__name__)


def weights(seed: int, shape: tuple[int, ...] = (6, 4, 3, 5)) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@WAYS
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_whole_blocks_go_and_their_count_is_exact(
    make: Callable[..., Mask], share: float, seed: int
) -> None:
    w = weights(seed)
    mask = make(w, share)
    within = BLOCKS[make]
    some, every = mask.any(within), mask.all(within)
    assert np.array_equal(some, every)
    assert (~every).sum() == round(share * every.size)


@WAYS
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_weakest_blocks_by_l2_norm_go(
    make: Callable[..., Mask], share: float, seed: int
) -> None:
    w = weights(seed)
    kept = make(w, share).all(BLOCKS[make])
    norms = np.sqrt((w.astype(float) ** 2).sum(BLOCKS[make]))
    if kept.any() and not kept.all():
        assert norms[kept].min() > norms[~kept].max()
    assert np.array_equal(make(w * make(w, share), share), make(w, share))


@WAYS
def test_ties_have_one_answer(make: Callable[..., Mask]) -> None:
    flat = make(np.ones((4, 2, 3, 3)), 0.5).all(BLOCKS[make]).reshape(-1)
    assert not flat[: flat.size // 2].any()
    assert flat[flat.size // 2 :].all()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_torch_prunes_the_same_channels(axis: int, order: int, share: float) -> None:
    w = weights(7, (8, 6, 4, 3))
    layer = torch.nn.Conv2d(6, 8, (4, 3))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
    prune.ln_structured(layer, "weight", amount=share, n=order, dim=axis)
    mask = channel_mask(w, share, np.abs(w) if order == 1 else None, axis)
    assert np.array_equal(mask, layer.weight_mask.numpy() > 0)


def test_l1_and_l2_can_disagree() -> None:
    w = np.array([[3.0, 0.0, 0.0], [1.5, 1.5, 1.5]])
    assert channel_mask(w, 0.5)[:, 0].tolist() == [True, False]
    assert channel_mask(w, 0.5, importance=np.abs(w))[:, 0].tolist() == [False, True]


def test_bad_input_is_refused() -> None:
    with pytest.raises(SparsityError, match="have no axis 2"):
        channel_mask(np.ones((2, 2)), 0.5, axis=2)
    with pytest.raises(WeightError, match="have 2 axes; 4 are needed"):
        kernel_mask(np.ones((2, 2)), 0.5)
    with pytest.raises(WeightError, match="4 are needed"):
        vector_mask(np.ones(3), 0.5)
    for make in BLOCKS:
        with pytest.raises(SparsityError, match=r"outside of 0..1"):
            make(np.ones((2, 2, 3, 3)), 1.01)
        with pytest.raises(WeightError, match="nan"):
            make(np.full((2, 2, 3, 3), np.nan), 0.5)
