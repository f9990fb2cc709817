"""The search under a budget: every candidate meets it, the best is found, or none can be."""

import numpy as np
import pytest
import torch
from pruned_networks import bright_halves, small_cnn
from torch import nn

from tinyml_course.data import DataSet
from tinyml_course.errors import UnknownNameError
from tinyml_course.graph import from_torch
from tinyml_course.mcu import board, plan, report
from tinyml_course.models import compact
from tinyml_course.models.fit import accuracy, fit, predict
from tinyml_course.models.torch_network import build
from tinyml_course.pruning import (
    Budget,
    InfeasibleBudgetError,
    PruningError,
    budget_from,
    channel_groups,
    search_channels,
    settle_statistics,
)
from tinyml_course.pruning.budget import RESOURCES, spent_of
from tinyml_course.pruning.channel_costs import ChannelCosts

DATA = bright_halves()
BOARD = board("stm32f746")


def trained() -> nn.Module:
    model = build(compact(8, 1, 4, width=0.5), 0)
    fit(model, DATA, epochs=4, seed=0, progress=False)
    return model


MODEL = trained()
EXAMPLE = torch.from_numpy(DATA.train.images[:8])
GRAPH = from_torch(MODEL, EXAMPLE)
DENSE = report(plan(GRAPH), BOARD)


def costs(budget: Budget, least: int = 1) -> ChannelCosts:
    return ChannelCosts(GRAPH, channel_groups(MODEL, EXAMPLE[:1]), BOARD, budget, least)


def search(budget: Budget, data: DataSet = DATA, **changes: object) -> object:
    arguments = {"evaluations": 6, "population": 3, "seed": 0, "progress": False} | changes
    return search_channels(MODEL, data, BOARD, budget, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_candidate_meets_the_budget(resource: str) -> None:
    share = 0.9 if resource == "flash_bytes" else 0.7  # code takes most of this flash
    limit = share * spent_of(DENSE, resource)
    found = search(budget_from({resource: limit}))
    assert 2 <= len(found.history) <= 6
    for candidate in found.history:
        assert spent_of(candidate.costs, resource) <= limit
    own = report(plan(from_torch(found.network, EXAMPLE)), BOARD)
    assert spent_of(own, resource) == spent_of(found.best.costs, resource)
    assert {name: len(channels) for name, channels in found.kept.items()} == found.best.counts


def test_the_best_is_the_most_accurate_and_judged_as_told() -> None:
    found = search(Budget(macs=DENSE.macs / 2))
    best = max(candidate.validation_accuracy for candidate in found.history)
    assert found.best.validation_accuracy == best
    assert accuracy(predict(found.network, DATA.validation), DATA.validation.labels) == best
    assert len({tuple(c.counts.values()) for c in found.history}) == len(found.history)


def test_it_repeats_by_its_seed_and_leaves_model_and_test_split_alone() -> None:
    class NoTest(DataSet):
        def __getattribute__(self, name: str) -> object:
            if name == "test":
                raise AssertionError("the search looked at the test split")
            return super().__getattribute__(name)

    fields = (DATA.name, DATA.train, DATA.validation, DATA.test, DATA.class_names, DATA.card)
    before = {name: value.clone() for name, value in MODEL.state_dict().items()}
    first, again = (search(Budget(macs=DENSE.macs / 2), NoTest(*fields)) for _ in range(2))
    assert [c.counts for c in first.history] == [c.counts for c in again.history]
    other = search(Budget(macs=DENSE.macs / 2), seed=1)
    assert [c.counts for c in first.history] != [c.counts for c in other.history]
    assert all(torch.equal(value, before[name]) for name, value in MODEL.state_dict().items())


def test_several_limits_bind_together() -> None:
    budget = Budget(macs=0.6 * DENSE.macs, sram_bytes=0.8 * DENSE.sram_peak_bytes)
    for candidate in search(budget).history:
        assert not budget.exceeded(candidate.costs)
    assert budget.exceeded(DENSE) == {
        "macs": (DENSE.macs, 0.6 * DENSE.macs),
        "sram_bytes": (DENSE.sram_peak_bytes, 0.8 * DENSE.sram_peak_bytes),
    }


def test_a_candidate_uses_the_budget_as_far_as_it_can() -> None:
    limit = DENSE.macs / 2
    under = costs(Budget(macs=limit))
    counts = under.largest(np.ones(len(under.free)))
    assert under.fits(counts)
    assert under.of(counts).macs > 0.8 * limit  # one channel of one group is at most a fifth here
    wide = costs(Budget(macs=2 * DENSE.macs))
    assert wide.largest(np.full(len(wide.free), 0.3)) == tuple(g.size for g in wide.free)
    assert wide.of(wide.largest(np.ones(len(wide.free)))) == DENSE


def test_a_budget_below_the_smallest_network_is_infeasible() -> None:
    smallest = costs(Budget(macs=1.0)).of(tuple(1 for g in costs(Budget(macs=1.0)).free))
    with pytest.raises(InfeasibleBudgetError, match="the smallest reachable is") as caught:
        search(Budget(macs=smallest.macs - 1))
    assert caught.value.smallest == smallest.macs
    assert caught.value.resource == "macs"
    assert f"{smallest.macs:,g}" in str(caught.value)
    found = search(Budget(macs=smallest.macs), evaluations=1)  # the bound itself can be met
    assert found.best.costs.macs == smallest.macs
    with pytest.raises(InfeasibleBudgetError, match="with 4 of the channels"):
        search(Budget(macs=smallest.macs), least=4)
    with pytest.raises(InfeasibleBudgetError) as caught:
        search(Budget(macs=DENSE.macs, sram_bytes=10))
    assert caught.value.resource == "sram_bytes"


def test_bad_budgets_and_counts_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown budget key 'mac'; did you mean 'macs'"):
        budget_from({"mac": 3})
    with pytest.raises(PruningError, match="a limit at least: macs, latency_ms"):
        Budget()
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(PruningError, match="above 0 and finite"):
            Budget(latency_ms=wrong)
    with pytest.raises(PruningError, match="must be at least 1"):
        search(Budget(macs=1e6), evaluations=0)
    with pytest.raises(PruningError, match="population at least 2"):
        search(Budget(macs=1e6), population=1)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).eval()
    with pytest.raises(PruningError, match="every group are fixed"):
        search_channels(linear, DATA, BOARD, Budget(macs=100), progress=False)


def test_statistics_are_the_mean_over_the_images() -> None:
    model = small_cnn().eval()
    x = torch.from_numpy(DATA.train.images)
    settle_statistics(model, x, batch_size=32)
    with torch.no_grad():
        first = model[0](x)
    assert torch.allclose(model[1].running_mean, first.mean((0, 2, 3)), atol=1e-5)
    assert model[1].momentum == 0.1
    assert not model.training
