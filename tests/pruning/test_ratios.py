"""Per-layer ratios: read off a scan by rule, and enough in all."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pruned_networks import bright_halves, small_cnn

from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.pruning import (
    PruningError,
    Sensitivity,
    SparsityError,
    apply_masks,
    channel_mask,
    fine_grained_mask,
    network_masks,
    ratios_for,
    sensitivity_ratios,
    sensitivity_scan,
    settle_statistics,
    uniform_ratios,
)

SPARSITIES = (0.2, 0.5, 0.8)
CURVES = {"a": (0.9, 0.8, 0.5), "b": (0.9, 0.7, 0.9), "c": (0.3, 0.2, 0.1)}


def test_the_highest_sparsity_before_the_first_fall_is_taken() -> None:
    assert sensitivity_ratios(SPARSITIES, CURVES, 0.75) == {"a": 0.5, "b": 0.2, "c": 0.0}
    assert sensitivity_ratios(SPARSITIES, CURVES, 0.8) == {"a": 0.5, "b": 0.2, "c": 0.0}
    assert sensitivity_ratios(SPARSITIES, CURVES, 0.0) == dict.fromkeys("abc", 0.8)
    assert sensitivity_ratios(SPARSITIES, CURVES, 0.95) == dict.fromkeys("abc", 0.0)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_lower_bound_never_prunes_less(curves: list[list[float]]) -> None:
    table = {str(i): curve for i, curve in enumerate(curves)}
    before = dict.fromkeys(table, 0.0)
    for bound in (1.0, 0.8, 0.5, 0.2, 0.0):
        ratios = sensitivity_ratios(SPARSITIES, table, bound)
        assert all(ratios[name] >= before[name] for name in table)
        before = ratios


def scan() -> Sensitivity:
    return Sensitivity(0.92, SPARSITIES, CURVES)


WEIGHTS = {"a": 100, "b": 200, "c": 50}


@given(st.floats(0, 0.8))
def test_ratios_for_a_sparsity_reach_it_at_the_highest_bound(sparsity: float) -> None:
    ratios = ratios_for(scan(), WEIGHTS, sparsity)
    total = sum(WEIGHTS.values())
    assert sum(ratios[name] * WEIGHTS[name] for name in WEIGHTS) / total >= sparsity
    every = sorted({a for curve in CURVES.values() for a in curve})
    for bound in every:
        higher = sensitivity_ratios(SPARSITIES, CURVES, bound)
        reached = sum(higher[name] * WEIGHTS[name] for name in WEIGHTS) / total
        if reached >= sparsity:
            assert all(ratios[name] <= higher[name] for name in WEIGHTS)


def test_ratios_that_cannot_be_are_refused() -> None:
    with pytest.raises(SparsityError, match=r"most reachable is 0.8"):
        ratios_for(scan(), WEIGHTS, 0.81)
    with pytest.raises(PruningError, match="the scan has"):
        ratios_for(scan(), {"a": 1}, 0.5)
    with pytest.raises(SparsityError, match="must rise"):
        sensitivity_ratios((0.5, 0.5), {"a": (1, 1)}, 0.5)
    with pytest.raises(SparsityError, match="must rise"):
        sensitivity_ratios((), {}, 0.5)
    with pytest.raises(PruningError, match="a: 2 accuracies for 3 sparsities"):
        sensitivity_ratios(SPARSITIES, {"a": (1, 1)}, 0.5)
    with pytest.raises(SparsityError, match="outside"):
        uniform_ratios(["a"], 1.1)
    assert uniform_ratios(["a", "b"], 0.5) == {"a": 0.5, "b": 0.5}


def test_a_scan_prunes_one_layer_at_a_time_on_the_validation_split() -> None:
    data, model = bright_halves(), small_cnn()
    fit(model, data, epochs=3, seed=0, progress=False)
    object.__setattr__(data, "test", None)  # not looked at
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = sensitivity_scan(model, data.validation, (0.0, 0.5, 1.0), progress=False)
    assert all((value == before[name]).all() for name, value in model.state_dict().items())
    dense = accuracy(predict(model, data.validation), data.validation.labels)
    assert found.baseline == dense
    assert list(found.accuracies) == ["0.weight", "4.weight", "9.weight"]
    for curve in found.accuracies.values():
        assert curve[0] == dense
        assert curve[2] == 0.25  # a layer of zeros gives every image the same class
    kernels = sensitivity_scan(
        model, data.validation, (0.5,), ["4.weight"], channel_mask, progress=False
    )
    assert list(kernels.accuracies) == ["4.weight"]
    with pytest.raises(SparsityError):
        sensitivity_scan(model, data.validation, (0.5, 1.5), progress=False)


def test_a_scan_may_settle_the_batch_norms_of_what_it_pruned() -> None:
    data, model = bright_halves(), small_cnn()
    fit(model, data, epochs=3, seed=0, progress=False)
    images, name, validation = torch.from_numpy(data.train.images), "4.weight", data.validation
    strict = sensitivity_scan(model, validation, (0.9,), [name], progress=False)
    settled = sensitivity_scan(model, validation, (0.9,), [name], progress=False, settle_by=images)
    by_hand = copy.deepcopy(model)
    apply_masks(by_hand, network_masks(model, {name: 0.9}, fine_grained_mask))
    assert strict.accuracies[name] == (accuracy(predict(by_hand, validation), validation.labels),)
    settle_statistics(by_hand, images)
    assert settled.accuracies[name] == (accuracy(predict(by_hand, validation), validation.labels),)
    assert settled.accuracies[name] != strict.accuracies[name]
    assert settled.baseline == strict.baseline
