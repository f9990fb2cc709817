"""Masks of networks: held through training, momentum or not; global pruning as torch has it."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pruned_networks import bright_halves, images, network, small_cnn
from torch import nn
from torch.nn.utils import prune

from tinyml_course.errors import UnknownNameError
from tinyml_course.models.fit import fit
from tinyml_course.pruning import (
    PruningError,
    SparsityError,
    WeightError,
    apply_masks,
    channel_mask,
    fine_grained_mask,
    global_masks,
    held,
    network_masks,
    prunable_weights,
    reachable_sparsity,
    sparsity_of,
    uniform_ratios,
    weight_arrays,
)
from tinyml_course.pruning.masks import to_tensors

DATA = bright_halves()


def masks_of(model: nn.Module, sparsity: float = 0.6) -> dict[str, torch.Tensor]:
    return to_tensors(global_masks(weight_arrays(model), sparsity))


def zeros_stay(model: nn.Module, masks: dict[str, torch.Tensor]) -> bool:
    table = dict(model.named_parameters())
    return all(not table[name][~mask].any() for name, mask in masks.items())


def test_the_weights_of_convolutions_and_linear_layers_are_prunable() -> None:
    assert list(prunable_weights(small_cnn())) == ["0.weight", "4.weight", "9.weight"]
    assert list(prunable_weights(nn.Linear(3, 2))) == ["weight"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.95, 1.0])
def test_torch_prunes_the_same_globally(share: float) -> None:
    model = network("mobile")
    masks = global_masks(weight_arrays(model), share)
    pruned = copy.deepcopy(model)
    layers = [m for m in pruned.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    prune.global_unstructured(
        [(layer, "weight") for layer in layers], prune.L1Unstructured, amount=share
    )
    for name, mask in masks.items():
        layer = pruned.get_submodule(name.removesuffix(".weight"))
        assert np.array_equal(mask, layer.weight_mask.numpy() > 0)
    total = sum(mask.size for mask in masks.values())
    assert sum(int((~mask).sum()) for mask in masks.values()) == round(share * total)
    assert sparsity_of(to_tensors(masks)) == pytest.approx(share, abs=0.5 / total)


def test_global_pruning_of_one_layer_is_pruning_it() -> None:
    w = weight_arrays(network("mobile"), ["stem.weight"])
    assert np.array_equal(
        global_masks(w, 0.3)["stem.weight"], fine_grained_mask(w["stem.weight"], 0.3)
    )
    importance = {"stem.weight": -np.abs(w["stem.weight"]).astype(float)}
    inverse = global_masks(w, 0.3, importance)["stem.weight"]
    assert np.abs(w["stem.weight"][~inverse]).min() >= np.abs(w["stem.weight"][inverse]).max()


def test_the_reachable_sparsity_empties_no_layer_and_one_weight_more_does() -> None:
    for weights in (weight_arrays(network("mobile")), {"a": np.ones((2, 3)), "b": np.ones(4)}):
        total = sum(w.size for w in weights.values())
        most = reachable_sparsity(weights)
        assert all(mask.any() for mask in global_masks(weights, most).values())
        assert not all(m.any() for m in global_masks(weights, most + 1 / total).values())
    weights = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0, 5.0])}
    assert reachable_sparsity(weights) == 1 / 5
    assert reachable_sparsity(weights, {"a": weights["a"] * 9, "b": weights["b"]}) == 2 / 5


def test_masks_by_layer_take_their_own_sparsities() -> None:
    model = small_cnn()
    masks = network_masks(model, {"0.weight": 0.5, "4.weight": 0.25}, fine_grained_mask)
    assert [int((~m).sum()) for m in masks.values()] == [27, 108]
    arrays = weight_arrays(model, ["4.weight"])
    reversed_order = network_masks(
        model, {"4.weight": 0.25}, fine_grained_mask, {"4.weight": -np.abs(arrays["4.weight"])}
    )
    assert not torch.equal(reversed_order["4.weight"], masks["4.weight"])


def test_an_error_says_in_which_layer() -> None:
    model = small_cnn()
    with pytest.raises(SparsityError, match=r"4.weight: sparsity 2 is outside"):
        network_masks(model, {"4.weight": 2.0}, fine_grained_mask)
    with torch.no_grad():
        model[9].weight[0, 0] = torch.nan
    with pytest.raises(WeightError, match=r"9.weight: 1 of 128 .* first at \(0, 0\) is nan"):
        network_masks(model, uniform_ratios(["9.weight"], 0.5), fine_grained_mask)
    with pytest.raises(WeightError, match="nan"):
        global_masks(weight_arrays(model), 0.5)
    with pytest.raises(UnknownNameError, match=r"unknown weight '5.weight'"):
        weight_arrays(model, ["5.weight"])
    with pytest.raises(WeightError, match="no layers"):
        global_masks({}, 0.5)


def test_applying_twice_is_applying_once() -> None:
    model = small_cnn()
    masks = masks_of(model)
    before = weight_arrays(model)
    apply_masks(model, masks)
    for name, w in weight_arrays(model).items():
        assert np.array_equal(w, np.where(masks[name].numpy(), before[name], 0))
    once = copy.deepcopy(model.state_dict())
    apply_masks(model, masks)
    assert all(torch.equal(value, once[name]) for name, value in model.state_dict().items())
    again = masks_of(model)
    assert all(torch.equal(again[name], mask) for name, mask in masks.items())


OPTIMIZERS: dict[str, Callable[[object], torch.optim.Optimizer]] = {
    "momentum": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.AdamW(p, 0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_fresh_optimizer_cannot_revive_what_is_pruned(name: str) -> None:
    model = small_cnn().train()
    masks = masks_of(model)
    optimizer = OPTIMIZERS[name](model.parameters())
    x, y = torch.from_numpy(DATA.train.images), torch.from_numpy(DATA.train.labels)
    before = copy.deepcopy(model.state_dict())
    with held(model, masks):
        assert zeros_stay(model, masks)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert zeros_stay(model, masks)
    moved = dict(model.named_parameters())
    for weight, mask in masks.items():
        assert (moved[weight] != before[weight])[mask].float().mean() > 0.9


def test_after_it_gradients_flow_again() -> None:
    model = small_cnn().train()
    masks = masks_of(model)
    with held(model, masks):
        pass
    x, y = torch.from_numpy(DATA.train.images), torch.from_numpy(DATA.train.labels)
    nn.functional.cross_entropy(model(x), y).backward()
    assert model[4].weight.grad[~masks["4.weight"]].any()


def test_momentum_from_before_needs_masks_after_each_step() -> None:
    """Why `apply_masks` is called after each step of gradual pruning."""
    model = small_cnn().train()
    x, y = torch.from_numpy(DATA.train.images), torch.from_numpy(DATA.train.labels)
    optimizer = OPTIMIZERS["momentum"](model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    step()
    masks = masks_of(model)
    with held(model, masks):
        step()
        assert not zeros_stay(model, masks)
        apply_masks(model, masks)
        assert zeros_stay(model, masks)


def test_masks_of_another_shape_are_refused() -> None:
    model = small_cnn()
    with pytest.raises(PruningError, match=r"4.weight: a torch.bool mask of shape \(1,\)"):
        apply_masks(model, {"4.weight": torch.ones(1).bool()})
    with (
        pytest.raises(PruningError, match=r"a torch.float32 mask"),
        held(model, {"4.weight": torch.ones(8, 6, 3, 3)}),
    ):
        pass
    with pytest.raises(UnknownNameError, match="unknown parameter 'x'"):
        apply_masks(model, {"x": torch.ones(1).bool()})


def test_a_zeroed_channel_of_one_layer_is_what_the_smaller_layer_lacks() -> None:
    layer = nn.Conv2d(3, 4, 3, bias=False)
    w = layer.weight.detach().numpy()
    mask = channel_mask(w, 0.5)
    with torch.no_grad():
        dense = layer(images())
        apply_masks(layer, {"weight": torch.from_numpy(mask)})
        masked = layer(images())
    kept = mask.any((1, 2, 3))
    assert torch.equal(masked[:, kept], dense[:, kept])
    assert not masked[:, ~kept].any()


def test_fit_with_masks_held_is_fit_of_a_network_that_never_had_them() -> None:
    """One linear layer: held zeros are as good as missing inputs."""
    mask = torch.zeros(4, 64, dtype=torch.bool)
    mask[:, :32] = True
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    half = nn.Sequential(nn.Flatten(), nn.Linear(32, 4))
    with torch.no_grad():
        half[1].weight.copy_(model[1].weight[:, :32])
        half[1].bias.copy_(model[1].bias)
    top = copy.copy(DATA.train)
    object.__setattr__(top, "images", np.ascontiguousarray(DATA.train.images[:, :, :4]))
    cut = copy.copy(DATA)
    for name in ("train", "validation", "test"):
        object.__setattr__(cut, name, top)
    with held(model, {"1.weight": mask}):
        full = fit(model, DATA, epochs=3, seed=0, progress=False)
    halved = fit(half, cut, epochs=3, seed=0, progress=False)
    assert full.losses == pytest.approx(halved.losses, rel=1e-5)  # sums in another order
