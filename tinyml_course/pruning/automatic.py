"""Channel ratios chosen by search under a budget: the idea of AMC (He et al. 2018).

As in AMC a candidate is brought within the budget before it is looked at, its accuracy is that
before fine-tuning, with weights chosen anew by least squares, on validation images, and what it
costs is what the device needs: here the figures of the plan. Instead of a trained agent an
evolutionary search proposes the candidates.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm.auto import tqdm

from tinyml_course.data import DataSet, Split
from tinyml_course.graph import from_torch
from tinyml_course.mcu import Board, Report
from tinyml_course.models.fit import accuracy, predict
from tinyml_course.pruning.batch_statistics import settle_statistics
from tinyml_course.pruning.budget import Budget
from tinyml_course.pruning.channel_costs import ChannelCosts, Counts, Ratios
from tinyml_course.pruning.channel_criteria import group_importance
from tinyml_course.pruning.counts import Floats
from tinyml_course.pruning.coupling.smaller import smaller_network, strongest
from tinyml_course.pruning.coupling.trace import channel_groups
from tinyml_course.pruning.errors import PruningError
from tinyml_course.pruning.least_squares import reconstruct

COMPENSATED_BY = 256
"""Training images for weights and statistics of a candidate."""
TRIES_PER_EVALUATION = 6
"""Candidates drawn for each evaluation; the others have been seen already."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of channel counts that meets the budget.

    Attributes:
        counts: channels that stay, by the group's name.
        costs: of the pruned network.
        validation_accuracy: before fine-tuning, on the search's validation images.
    """

    counts: dict[str, int]
    costs: Report
    validation_accuracy: float


@dataclass(frozen=True, eq=False)
class Found:
    """What the search found.

    Attributes:
        network: the best one, in eval mode, not fine-tuned.
        kept: the channels it has, by the group's name.
        best: its counts, costs and accuracy.
        history: every candidate that was evaluated, in order; the first keeps the same share of
            all groups.
    """

    network: nn.Module
    kept: dict[str, NDArray[np.int64]]
    best: Candidate
    history: tuple[Candidate, ...]


def search_channels(
    module: nn.Module,
    data: DataSet,
    board: Board,
    budget: Budget,
    *,
    evaluations: int = 60,
    seed: int = 0,
    importance: Mapping[str, Floats] | None = None,
    images: int = 1000,
    least: int = 1,
    population: int = 12,
    policy: str = "tight",
    progress: bool = True,
) -> Found:
    """Choose how many channels every group keeps, for the best accuracy within a budget.

    Which channels those are follows from their importance. Weights that lost inputs and batch-norm
    statistics are chosen anew, on training images, before a candidate is judged. Fine-tune what
    comes out, and report its accuracy on the test split, which is not looked at here.

    Args:
        module: trained, in eval mode; it is not changed.
        data: training images for statistics and ranges, validation images to judge by.
        board: whose memory plan and latency count.
        budget: what the pruned network may cost.
        evaluations: candidates whose accuracy is measured, at most.
        seed: of the search.
        importance: of the channels, as `group_importance` gives it; by default by L2 norm.
        images: of the validation split to judge by, at most.
        least: fewest channels of a group.
        population: candidates that breed.
        policy: memory planner.
        progress: show a progress bar.

    Raises:
        InfeasibleBudgetError: a budget below the smallest reachable network, which is told.
        PruningError: nothing may be removed; counts below 1.
    """
    if min(evaluations, images, least) < 1 or population < 2:
        raise PruningError(
            "evaluations, images and least must be at least 1 and population at least 2, got "
            f"{evaluations}, {images}, {least} and {population}"
        )
    example = torch.from_numpy(data.train.images[:8])
    groups = channel_groups(module, example[:1])
    costs = ChannelCosts(from_torch(module, example), groups, board, budget, least, policy)
    if not costs.free:
        raise PruningError("the channels of every group are fixed; nothing can be removed")
    costs.check_reachable()
    ranks = group_importance(module, groups) if importance is None else importance
    judge = CandidateJudge(module, costs, ranks, data, images)
    history = _evolve(judge, costs, evaluations, population, seed, progress)
    best = max(history, key=lambda candidate: candidate.validation_accuracy)
    kept = judge.kept(tuple(best.counts.values()))
    return Found(judge.network(kept), kept, best, tuple(history))


@dataclass(eq=False)
class CandidateJudge:
    """Accuracy of a candidate without fine-tuning.

    Attributes:
        module: the dense network, in eval mode.
        costs: of its candidates on a board.
        ranks: importance of the channels, by the group's name.
        data: training images to choose weights anew by, validation images to judge by.
        images: of the validation split, at most.
    """

    module: nn.Module
    costs: ChannelCosts
    ranks: Mapping[str, Floats]
    data: DataSet
    images: int

    @cached_property
    def validation(self) -> Split:
        """The images to judge by."""
        split = self.data.validation
        return Split(split.images[: self.images], split.labels[: self.images])

    def kept(self, counts: Counts) -> dict[str, NDArray[np.int64]]:
        """The channels that stay, by the group's name."""
        return {
            group.name: strongest(self.ranks[group.name], count)
            for group, count in zip(self.costs.free, counts, strict=True)
        }

    def network(self, kept: Mapping[str, NDArray[np.int64]]) -> nn.Module:
        """The smaller network, its weights and statistics chosen anew."""
        smaller = smaller_network(self.module, self.costs.groups, kept)
        train = self.data.train
        few = Split(train.images[:COMPENSATED_BY], train.labels[:COMPENSATED_BY])
        reconstruct(self.module, smaller, self.costs.groups, kept, few)
        settle_statistics(smaller, torch.from_numpy(few.images))
        return smaller

    def candidate(self, counts: Counts) -> Candidate:
        """Costs and accuracy with so many channels in each free group."""
        network = self.network(self.kept(counts))
        names = [group.name for group in self.costs.free]
        return Candidate(
            dict(zip(names, counts, strict=True)),
            self.costs.of(counts),
            accuracy(predict(network, self.validation), self.validation.labels),
        )


def _evolve(
    judge: CandidateJudge,
    costs: ChannelCosts,
    evaluations: int,
    population: int,
    seed: int,
    progress: bool,
) -> list[Candidate]:
    """Every candidate that was evaluated, in order."""
    rng = np.random.default_rng(seed)
    seen: dict[Counts, tuple[Candidate, Ratios]] = {}
    size = len(costs.free)
    bar = tqdm(total=evaluations, desc="search", unit="network", disable=not progress)
    for attempt in range(evaluations * TRIES_PER_EVALUATION):
        if len(seen) == evaluations:
            break
        if attempt == 0:
            ratios = np.ones(size)
        elif len(seen) < population:
            ratios = np.exp(rng.uniform(math.log(0.25), 0, size))
        else:
            ratios = _child(list(seen.values()), population, rng)
        counts = costs.largest(ratios)
        if counts in seen or not costs.fits(counts):
            continue
        seen[counts] = judge.candidate(counts), ratios
        bar.update()
    bar.close()
    return [candidate for candidate, _ in seen.values()]


def _child(
    parents: list[tuple[Candidate, Ratios]], population: int, rng: np.random.Generator
) -> Ratios:
    """Two of the best, crossed and changed a little."""
    ranked = sorted(parents, key=lambda pair: -pair[0].validation_accuracy)[:population]
    first, second = rng.choice(len(ranked), 2, replace=False)
    a, b = ranked[first][1], ranked[second][1]
    child = np.where(rng.random(len(a)) < 0.5, a / a.max(), b / b.max())
    changed = rng.random(len(a)) < 0.4
    factors: Ratios = np.exp(rng.normal(0, 0.35, len(a)) * changed)
    clipped: Ratios = np.clip(child * factors, 0.02, 1.0)
    return clipped
