"""What a network costs on a board with fewer channels, and how many fit a budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph
from tinyml_course.mcu import Board, Report, plan, report
from tinyml_course.pruning.budget import Budget
from tinyml_course.pruning.coupling.groups import ChannelGroup
from tinyml_course.pruning.errors import InfeasibleBudgetError
from tinyml_course.pruning.shrunk_graph import shrunk_graph

Counts = tuple[int, ...]
"""Channels that stay, of each group from which channels may go."""
Ratios = NDArray[np.float64]
"""The same as shares, above 0."""

SCALINGS = 7
"""Halvings in which a candidate is scaled to the budget; the last step is 1/128 of the way."""


@dataclass(eq=False)
class ChannelCosts:
    """What a network costs on a board with so many channels in each group.

    Attributes:
        graph: the large network.
        groups: all its groups.
        board: where it runs.
        budget: what it may cost.
        least: fewest channels of a group.
        policy: memory planner.
    """

    graph: Graph
    groups: Sequence[ChannelGroup]
    board: Board
    budget: Budget
    least: int = 1
    policy: str = "tight"
    _known: dict[Counts, Report] = field(default_factory=dict)

    @cached_property
    def free(self) -> list[ChannelGroup]:
        """The groups from which channels may go."""
        return [group for group in self.groups if group.prunable]

    def of(self, counts: Counts) -> Report:
        """The report of the plan."""
        if counts not in self._known:
            kept = {g.name: range(n) for g, n in zip(self.free, counts, strict=True)}
            shrunk = shrunk_graph(self.graph, self.groups, kept)
            self._known[counts] = report(plan(shrunk, policy=self.policy), self.board)
        return self._known[counts]

    def fits(self, counts: Counts) -> bool:
        """Whether nothing is above its limit."""
        return not self.budget.exceeded(self.of(counts))

    def counts(self, ratios: Ratios) -> Counts:
        """Shares of channels as whole numbers."""
        return tuple(
            min(group.size, max(self.least, round(float(ratio) * group.size)))
            for group, ratio in zip(self.free, ratios, strict=True)
        )

    def largest(self, ratios: Ratios) -> Counts:
        """The ratios, all multiplied by the largest number with which they meet the budget."""
        low, high = 0.0, 1 / float(ratios.min())
        if self.fits(self.counts(np.minimum(ratios * high, 1))):
            return self.counts(np.minimum(ratios * high, 1))
        for _ in range(SCALINGS):
            middle = (low + high) / 2
            if self.fits(self.counts(np.minimum(ratios * middle, 1))):
                low = middle
            else:
                high = middle
        return self.counts(np.minimum(ratios * low, 1))

    def check_reachable(self) -> None:
        """Raise unless the fewest channels meet the budget.

        Raises:
            InfeasibleBudgetError: with the smallest reachable value of what does not suffice.
        """
        smallest = self.of(self.counts(np.zeros(len(self.free))))
        for resource, (spent, limit) in self.budget.exceeded(smallest).items():
            raise InfeasibleBudgetError(
                resource,
                spent,
                limit,
                f"that is with {self.least} of the channels of each of {len(self.free)} groups; "
                "raise the budget, allow fewer channels, or begin with a smaller network",
            )
