"""Fine-grained masks: exact counts, ties, idempotence, torch's own answer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from torch.nn.utils import prune

from tinyml_course.pruning import SparsityError, WeightError, fine_grained_mask
from tinyml_course.pruning.counts import Floats, pruned_count

few_values = nps.arrays(
    np.float32,
    nps.array_shapes(max_dims=4, max_side=5),
    elements=st.sampled_from([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
)
sparsity = st.floats(0, 1)


@settings(max_examples=200)
@given(few_values, sparsity)
def test_the_count_is_exact_with_ties_too(w: Floats, share: float) -> None:
    mask = fine_grained_mask(w, share)
    assert mask.shape == w.shape
    assert mask.dtype == np.bool_
    assert (~mask).sum() == round(share * w.size)


@settings(max_examples=200)
@given(few_values, sparsity)
def test_nothing_kept_is_smaller_than_what_went(w: Floats, share: float) -> None:
    mask = fine_grained_mask(w, share)
    if mask.any() and not mask.all():
        assert np.abs(w[mask]).min() >= np.abs(w[~mask]).max()


@settings(max_examples=200)
@given(few_values, sparsity)
def test_pruning_twice_is_pruning_once(w: Floats, share: float) -> None:
    mask = fine_grained_mask(w, share)
    assert np.array_equal(fine_grained_mask(w * mask, share), mask)


@given(few_values, sparsity, sparsity)
def test_more_sparsity_prunes_what_less_prunes_and_more(w: Floats, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert not (fine_grained_mask(w, high) & ~fine_grained_mask(w, low)).any()


def test_of_equals_the_first_goes_first() -> None:
    assert fine_grained_mask(np.ones((2, 3)), 0.5).tolist() == [[False] * 3, [True] * 3]
    assert fine_grained_mask(np.array([0.0, 1.0, -1.0, 1.0]), 0.5).tolist() == [0, 0, 1, 1]


def test_in_a_large_layer_too() -> None:
    """Any sort is stable for a handful of numbers; for thousands only a stable one is."""
    w = np.random.default_rng(0).integers(-3, 4, 5000).astype(np.float32)
    gone = np.flatnonzero(~fine_grained_mask(w, 0.3))
    assert gone.tolist() == sorted(sorted(range(5000), key=lambda i: (abs(w[i]), i))[:1500])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_torch_prunes_the_same(share: float) -> None:
    layer = torch.nn.Conv2d(7, 5, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(5, 7, 3, 3, generator=torch.Generator().manual_seed(1)))
    w = layer.weight.detach().numpy().copy()
    prune.l1_unstructured(layer, "weight", amount=share)
    assert np.array_equal(fine_grained_mask(w, share), layer.weight_mask.numpy() > 0)


def test_the_importance_decides_where_it_is_given() -> None:
    w = np.array([5.0, 1.0, 3.0, 2.0])
    kept = fine_grained_mask(w, 0.5, importance=np.array([0.0, 9.0, 1.0, 2.0]))
    assert kept.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (-0.1, "the nearest is 0"),
        (1.5, "the nearest is 1"),
        (90.0, "a percentage"),
        (float("nan"), "a share in 0..1, got nan"),
        ("half", "a share in 0..1, got 'half'"),
    ],
)
def test_a_sparsity_that_cannot_be_is_refused_with_the_nearest(share: float, told: str) -> None:
    with pytest.raises(SparsityError, match=told):
        fine_grained_mask(np.ones(4), share)


def test_weights_from_which_nothing_can_be_chosen_are_refused() -> None:
    with pytest.raises(WeightError, match=r"shape \(0, 3\) has no weights; leave it out"):
        fine_grained_mask(np.zeros((0, 3)), 0.5)
    w = np.ones((2, 2))
    w[1, 0] = np.nan
    with pytest.raises(
        WeightError, match=r"1 of 4 weights are no numbers, the first at \(1, 0\) is nan"
    ):
        fine_grained_mask(w, 0.5)
    with pytest.raises(WeightError, match="inf"):
        fine_grained_mask(np.array([np.inf, 1.0]), 0.5)
    with pytest.raises(WeightError, match=r"importance of shape \(3,\) for weights of \(4,\)"):
        fine_grained_mask(np.ones(4), 0.5, importance=np.ones(3))


@pytest.mark.parametrize("elements", [1, 2, 3, 10, 17])
def test_halves_are_rounded_as_torch_does(elements: int) -> None:
    module = torch.nn.Linear(elements, 1, bias=False)
    prune.l1_unstructured(module, "weight", amount=0.5)
    assert pruned_count(elements, 0.5) == int((module.weight_mask == 0).sum())
