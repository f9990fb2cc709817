"""Channel importance of groups: planted dead and doubled channels are found by each criterion."""

import numpy as np
import pytest
import torch
from pruned_networks import bright_halves, images, network, seeded
from torch import nn

from tinyml_course.data import Split
from tinyml_course.errors import UnknownNameError
from tinyml_course.pruning import (
    PruningError,
    channel_groups,
    channel_importance,
    group_importance,
    reconstruct,
    smaller_network,
    taylor_importance,
)
from tinyml_course.pruning.channel_criteria import CRITERIA

SPLIT = Split(images(32, seed=1).numpy(), np.arange(32) % 3)


def planted() -> nn.Sequential:
    """Two convolutions; channel 2 of the first makes nothing, and is read by nobody."""
    with seeded(0):
        model = nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            nn.Conv2d(5, 4, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * 36, 3),
        ).eval()
    with torch.no_grad():
        for tensor in (model[0].weight, model[0].bias, model[1].weight, model[1].bias):
            tensor[2] = 0
    return model


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_dead_channel_matters_least(criterion: str) -> None:
    model = planted()
    groups = [g for g in channel_groups(model, images()) if g.name == "0"]
    scores = group_importance(model, groups, criterion, SPLIT)["0"]
    assert scores.shape == (5,)
    assert scores.argmin() == 2
    assert (np.delete(scores, 2) > scores[2]).all()


@pytest.mark.parametrize("criterion", ["l1", "l2", "taylor", "apoz", "reconstruction"])
@pytest.mark.parametrize("name", ["residual", "dense", "gate", "shared", "mobile"])
def test_every_prunable_group_is_scored(name: str, criterion: str) -> None:
    model = network(name)
    groups = channel_groups(model, images())
    classes = model(images(1)).shape[1]
    split = Split(SPLIT.images, np.arange(32) % classes)
    scores = group_importance(model, groups, criterion, split)
    assert {n: len(s) for n, s in scores.items()} == {g.name: g.size for g in groups if g.prunable}
    assert all(np.isfinite(s).all() for s in scores.values())


def test_norms_are_summed_over_all_layers_that_make_a_channel() -> None:
    model = network("residual")
    groups = channel_groups(model, images())
    makers = [model.stem[0], model.body[0], model.side[0]]
    expected = sum(channel_importance(m.weight.detach().numpy(), 2) ** 2 for m in makers)
    assert group_importance(model, groups, "l2")["stem.0"] == pytest.approx(expected)
    expected = sum(channel_importance(m.weight.detach().numpy(), 1) for m in makers)
    assert group_importance(model, groups, "l1")["stem.0"] == pytest.approx(expected)


def test_scales_of_all_batch_norms_of_a_group_are_summed() -> None:
    model = network("residual")
    groups = channel_groups(model, images())
    scales = [m[1].weight.detach().numpy() for m in (model.stem, model.body, model.side)]
    expected = np.abs(scales).sum(0)
    assert group_importance(model, groups, "bn_scale")["stem.0"] == pytest.approx(expected)
    assert group_importance(model, groups, "bn_scale")["fc1"].shape == (10,)


def test_taylor_is_summed_over_a_channels_weights() -> None:
    model = planted()
    groups = [g for g in channel_groups(model, images()) if g.name == "0"]
    few = Split(SPLIT.images[:16], SPLIT.labels[:16])
    loss = nn.functional.cross_entropy(
        model(torch.from_numpy(few.images)), torch.from_numpy(few.labels)
    )
    (gradient,) = torch.autograd.grad(loss, [model[0].weight])
    expected = taylor_importance(model[0].weight.detach().numpy(), gradient.numpy())
    got = group_importance(model, groups, "taylor", few)["0"]
    assert got == pytest.approx(expected.sum((1, 2, 3)), rel=1e-4)  # single precision


def test_apoz_counts_what_the_reader_sees() -> None:
    model = planted()
    groups = [g for g in channel_groups(model, images()) if g.name == "3"]
    with torch.no_grad():
        x = model[:5](torch.from_numpy(SPLIT.images))
    expected = 1 - (x == 0).double().mean((0, 2, 3)).numpy()
    assert group_importance(model, groups, "apoz", SPLIT)["3"] == pytest.approx(expected)


def test_reconstruction_removes_twins_that_cancel() -> None:
    """Channels 0 and 1 are equal and read with opposite signs: both can go for nothing."""
    model = planted()
    with torch.no_grad():
        model[0].weight[1], model[0].bias[1] = model[0].weight[0], model[0].bias[0]
        model[3].weight[:, 1] = -model[3].weight[:, 0]
    groups = channel_groups(model, images())
    scores = group_importance(model, groups, "reconstruction", SPLIT)["0"]
    assert scores[2] == 0
    order = np.argsort(scores).tolist()
    # whichever twin goes first, the other follows at once: together they cost nothing
    assert abs(order.index(0) - order.index(1)) == 1


def test_bad_wishes_are_refused() -> None:
    model = planted()
    groups = channel_groups(model, images())
    with pytest.raises(UnknownNameError, match="unknown criterion 'l3'"):
        group_importance(model, groups, "l3")
    for criterion in ("taylor", "apoz", "reconstruction"):
        with pytest.raises(PruningError, match=f"criterion {criterion} needs images"):
            group_importance(model, groups, criterion)
    with pytest.raises(PruningError, match="3 has no batch norm of its own"):
        group_importance(model, groups, "bn_scale")


@pytest.mark.parametrize("name", ["residual", "dense", "gate", "shared", "mobile"])
def test_least_squares_bring_outputs_nearer(name: str) -> None:
    model = network(name)
    groups = channel_groups(model, images())
    kept = {g.name: np.arange(0, g.size, 2) for g in groups if g.prunable and g.size > 2}
    small = smaller_network(model, groups, kept)
    x = torch.from_numpy(SPLIT.images)
    with torch.no_grad():
        wanted, before = model(x), small(x)
        changed = reconstruct(model, small, groups, kept, SPLIT)
        after = small(x)
    assert changed
    # 0.05 to 0.6 of the error is left
    assert ((after - wanted) ** 2).sum() < 0.8 * ((before - wanted) ** 2).sum()


def test_twins_are_made_up_for_exactly() -> None:
    """Without one of two equal channels nothing is lost but rounding and the ridge."""
    model = planted()
    with torch.no_grad():
        for tensor in (*model[0].parameters(), *model[1].parameters(), model[1].running_mean):
            tensor[1] = tensor[0]
        model[1].running_var[1] = model[1].running_var[0]
    groups = channel_groups(model, images())
    kept = {"0": [0, 3, 4]}  # without a twin and the dead one
    small = smaller_network(model, groups, kept)
    x = images(8, seed=9)
    with torch.no_grad():
        assert not torch.allclose(small(x), model(x), atol=1e-2)
        assert reconstruct(model, small, groups, kept, SPLIT, ridge=1e-9) == ["3"]
        assert torch.allclose(small(x), model(x), atol=1e-3)


def test_every_layer_gives_again_what_its_own_channels_gave() -> None:
    """Layer by layer, not only at the end: a later layer could make up for a wrong target."""
    model = planted()
    groups = channel_groups(model, images())
    kept = {"0": [0, 1, 3, 4], "3": [1, 3]}  # without the dead one, so nothing is lost in "3"
    small = smaller_network(model, groups, kept)
    with torch.no_grad():
        small[3].weight.zero_()
    reconstruct(model, small, groups, kept, SPLIT, ridge=1e-9)
    x = images(8, seed=9)
    with torch.no_grad():
        assert torch.allclose(small[:4](x), model[:4](x)[:, [1, 3]], atol=1e-3)  # the ridge


def test_what_lost_no_inputs_is_left_alone() -> None:
    model = planted()
    groups = channel_groups(model, images())
    small = smaller_network(model, groups, {"3": [0, 1]})
    assert reconstruct(model, small, groups, {"3": [0, 1]}, SPLIT) == ["6"]
    assert torch.equal(small[0].weight, model[0].weight)
    assert torch.equal(small[3].weight, model[3].weight[:2])


def test_training_data_of_the_helper_is_learnable() -> None:
    assert bright_halves().classes == 4
