"""One-shot, iterative, gradual, lottery tickets: sparsities, zeros, rewinding."""

import copy
from itertools import pairwise

import pytest
import torch
from pruned_networks import bright_halves, small_cnn
from torch import nn

from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.pruning import (
    EmptyLayerError,
    SparsityError,
    cubic_sparsity,
    find_ticket,
    fine_tune,
    prunable_weights,
    prune_gradually,
    prune_iteratively,
    rewind,
    round_sparsities,
    sparsity_of,
)
from tinyml_course.pruning.training import magnitude_masks

DATA = bright_halves()


def trained() -> nn.Module:
    model = small_cnn()
    fit(model, DATA, epochs=6, seed=0, progress=False)
    return model


def zeros(model: nn.Module) -> float:
    weights = list(prunable_weights(model).values())
    return sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights)


def test_fine_tuning_brings_accuracy_back_and_keeps_zeros() -> None:
    model = trained()
    masks = magnitude_masks()(model, 0.8)
    before = zeros(model)
    result = fine_tune(model, masks, DATA, epochs=6, seed=0, progress=False)
    assert before == 0
    assert zeros(model) == pytest.approx(0.8, abs=1e-3)
    assert result.validation_accuracy > 0.85  # 0.95 or more over four seeds
    table = dict(model.named_parameters())
    assert all(not table[name][~mask].any() for name, mask in masks.items())


def test_iterative_pruning_goes_through_its_rounds() -> None:
    model, asked = trained(), []

    def make(net: nn.Module, sparsity: float) -> dict[str, torch.Tensor]:
        asked.append(sparsity)
        return magnitude_masks()(net, sparsity)

    done = prune_iteratively(
        model, DATA, 0.8, rounds=3, epochs=1, seed=0, make_masks=make, progress=False
    )
    assert asked == round_sparsities(0.8, 3)
    assert len(done.fits) == 3
    assert zeros(model) == pytest.approx(0.8, abs=1e-3)
    assert sparsity_of(done.masks) == pytest.approx(0.8, abs=1e-3)


def test_iterative_pruning_is_rounds_of_fine_tuning_by_hand() -> None:
    model, by_hand = small_cnn(), small_cnn()
    prune_iteratively(model, DATA, 0.75, rounds=2, epochs=1, seed=3, progress=False)
    for number, sparsity in enumerate((0.5, 0.75)):
        masks = magnitude_masks()(by_hand, sparsity)
        fine_tune(by_hand, masks, DATA, epochs=1, seed=3 + number, progress=False)
    state = by_hand.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_later_rounds_prune_what_earlier_ones_pruned() -> None:
    model, seen = trained(), []

    def make(net: nn.Module, sparsity: float) -> dict[str, torch.Tensor]:
        seen.append(magnitude_masks()(net, sparsity))
        return seen[-1]

    prune_iteratively(model, DATA, 0.9, rounds=3, epochs=1, seed=0, make_masks=make, progress=False)
    for earlier, later in pairwise(seen):
        assert all(not (later[name] & ~earlier[name]).any() for name in later)


def test_gradual_pruning_follows_the_cubic_schedule() -> None:
    model, asked = trained(), []

    def make(net: nn.Module, sparsity: float) -> dict[str, torch.Tensor]:
        asked.append(sparsity)
        return magnitude_masks()(net, sparsity)

    # 64 images in batches of 8: 8 steps an epoch, 40 in all, pruning ends at step 20
    done = prune_gradually(
        model,
        DATA,
        0.75,
        epochs=5,
        seed=0,
        every=6,
        ramp=0.5,
        batch_size=8,
        make_masks=make,
        progress=False,
    )
    steps = [6, 12, 18, 20]
    assert asked == [cubic_sparsity(step, begin=0, end=20, final=0.75) for step in steps]
    assert zeros(model) == pytest.approx(0.75, abs=1e-3)
    table = dict(model.named_parameters())
    assert all(not table[name][~mask].any() for name, mask in done.masks.items())


def test_a_ticket_begins_where_the_dense_network_began() -> None:
    model = small_cnn()
    start = copy.deepcopy(model.state_dict())
    ticket = find_ticket(model, DATA, 0.75, rounds=2, epochs=3, seed=0, progress=False)
    assert len(ticket.fits) == 2
    assert sparsity_of(ticket.masks) == pytest.approx(0.75, abs=1e-3)
    for name, value in model.state_dict().items():
        expected = start[name]
        if name in ticket.masks:
            expected = torch.where(ticket.masks[name], expected, 0.0)
        assert torch.equal(value, expected), name
        assert torch.equal(ticket.start[name], expected)
    fine_tune(
        model,
        ticket.masks,
        DATA,
        epochs=6,
        seed=0,
        learning_rate=0.1,
        batch_size=16,
        progress=False,
    )
    # 1.0 over four seeds
    assert accuracy(predict(model, DATA.validation), DATA.validation.labels) > 0.9


def test_what_a_round_pruned_stays_pruned_in_the_next() -> None:
    seen = []

    def make(net: nn.Module, sparsity: float) -> dict[str, torch.Tensor]:
        seen.append(magnitude_masks()(net, sparsity))
        return seen[-1]

    find_ticket(small_cnn(), DATA, 0.9, rounds=3, epochs=3, seed=0, make_masks=make, progress=False)
    assert len(seen) == 3
    for earlier, later in pairwise(seen):
        assert all(not (later[name] & ~earlier[name]).any() for name in later)


def test_a_late_rewinding_returns_to_trained_weights() -> None:
    begun, model = small_cnn(), small_cnn()
    fit(begun, DATA, epochs=2, seed=0, progress=False)
    ticket = find_ticket(
        model, DATA, 0.5, rounds=1, epochs=1, seed=0, rewind_epochs=2, progress=False
    )
    assert len(ticket.fits) == 2
    mask = ticket.masks["4.weight"]
    kept = torch.where(mask, begun[4].weight, 0.0)
    assert torch.equal(model[4].weight, kept)
    assert torch.equal(
        model[0].weight[ticket.masks["0.weight"]], begun[0].weight[ticket.masks["0.weight"]]
    )


def test_rewinding_twice_is_rewinding_once() -> None:
    model = trained()
    start, masks = small_cnn().state_dict(), magnitude_masks()(model, 0.5)
    rewind(model, start, masks)
    once = copy.deepcopy(model.state_dict())
    rewind(model, start, masks)
    assert all(torch.equal(value, once[name]) for name, value in model.state_dict().items())


def test_bad_wishes_are_refused_before_training() -> None:
    model = small_cnn()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(SparsityError, match="outside"):
        prune_gradually(model, DATA, 1.5, epochs=1, seed=0, progress=False)
    with pytest.raises(SparsityError, match="must end after step 0"):
        prune_gradually(model, DATA, 0.5, epochs=1, seed=0, ramp=0.0, progress=False)
    with pytest.raises(SparsityError, match="rounds"):
        prune_iteratively(model, DATA, 0.5, rounds=0, epochs=1, seed=0, progress=False)
    with pytest.raises(SparsityError, match="below 1"):
        find_ticket(model, DATA, 1.0, rounds=2, epochs=1, seed=0, progress=False)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_layer_that_would_be_empty_is_named_with_the_most_that_can_be() -> None:
    model = small_cnn()
    with torch.no_grad():
        model[4].weight.mul_(1e-3)  # small beside the others: a mask over all layers empties it
    make = magnitude_masks()
    with pytest.raises(EmptyLayerError, match=r"leaves 4.weight no weight") as caught:
        make(model, 0.95)
    assert caught.value.layer == "4.weight"
    assert f"{caught.value.reachable:.3f}"[:4] in str(caught.value)
    assert all(mask.any() for mask in make(model, caught.value.reachable).values())
    told = float(str(caught.value).split("the most is ")[1].split(":")[0])
    assert all(mask.any() for mask in make(model, told).values())
    options = {"epochs": 1, "seed": 0, "progress": False}
    with pytest.raises(EmptyLayerError, match=r"0.95 of all layers"):
        prune_iteratively(model, DATA, 0.95, rounds=1, **options)
    with pytest.raises(EmptyLayerError):
        prune_gradually(model, DATA, 0.95, every=1, batch_size=8, **options)


def test_masks_of_ones_own_may_empty_a_layer() -> None:
    def make(net: nn.Module, _: float) -> dict[str, torch.Tensor]:
        return {"4.weight": torch.zeros_like(dict(net.named_parameters())["4.weight"]) > 0}

    model = small_cnn()
    prune_iteratively(model, DATA, 0.5, rounds=1, epochs=1, seed=0, make_masks=make, progress=False)
    assert not model[4].weight.any()
