"""The schedule for a board: the fastest that fits, or the one with the least SRAM.

A graph can be cut wherever one map only is alive. Between two cuts operators run as a whole, or as
one stage that streams; the first stage may run patch by patch instead. What a stretch needs does
not depend on how the others run, so the best way through all cuts is a shortest path.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.planning import Plan, plan
from tinyml_course.mcu.planning.inner import least_patch_bytes, stage_bytes
from tinyml_course.mcu.planning.tight import unit_bytes
from tinyml_course.mcu.scheduling import (
    Patches,
    PatchFlow,
    RowFlow,
    Schedule,
    Stage,
    Stream,
    cut_points,
    stage_graph,
)
from tinyml_course.mcu.scheduling.schedule import Image

MOST_PATCHES = 6
"""Patches a side that are tried. More leave halos larger than the patches themselves."""

Rung = Literal["unfused", "fused", "streamed"]
"""Which stages may stream: none; such with one window over rows, as an inverted bottleneck has; all
(columns b, c and d of vMCU's and StreamNet's successors)."""


@dataclass(frozen=True, eq=False)
class Scheduled:
    """A schedule and its plan.

    Attributes:
        schedule: the stages.
        plan: its memory, of the policy ``tight``.
    """

    schedule: Schedule
    plan: Plan

    @property
    def peak_bytes(self) -> int:
        """Size of the arena."""
        return self.plan.peak_bytes

    @property
    def macs(self) -> int:
        """Multiply-accumulates that are executed."""
        return self.schedule.macs

    @property
    def binds(self) -> str:
        """The operator or stage during which the most bytes are held."""
        return self.plan.peak_step.operator


class ScheduleSearch:
    """The schedules of one graph.

    Args:
        graph: the network.
        image: ``"memory"`` if the input lies in SRAM as a whole, ``"fed"`` if it arrives part by
            part, as from a camera or a decoder; then a stage begins with the first operator.
        rung: which stages may stream.
    """

    def __init__(self, graph: Graph, image: Image = "memory", rung: Rung = "streamed") -> None:
        self.graph, self.image, self.rung = graph, image, rung
        self.edges = [-1, *cut_points(graph), len(graph.operators) - 1]
        whole = unit_bytes(Schedule(graph))
        self._whole = [
            max(whole[first + 1 : last + 1])
            for first, last in zip(self.edges[:-1], self.edges[1:], strict=True)
        ]
        self._streams: dict[tuple[int, int], tuple[int, int] | None] = {}

    def unfused(self) -> Scheduled:
        """Operator by operator."""
        return self._planned([], "memory")

    def least_sram(self) -> Scheduled:
        """The least SRAM at which nothing is computed twice; of several the fewest stages' work.

        With the image in memory never worse than operator by operator.

        Raises:
            ScheduleError: the image is to be fed, and the first operator cannot take a part of it,
                or no stage may stream.
        """
        if self.image == "fed" and self.rung == "unfused":
            raise ScheduleError('a fed image needs a stage; take the rung "fused" or "streamed"')
        return self._lightest(self._least_bytes[0])

    def fastest(self, budget_bytes: int) -> Scheduled:
        """The schedule with the least latency whose arena is no larger than ``budget_bytes``.

        Without a stage if that fits; then with as few MACs inside of stages as will do; then with
        patches, whose halos are computed again, at the fewest MACs.

        Raises:
            ScheduleError: none is that small; the message says how low one can get, and how.
        """
        unfused = self.unfused()
        if self.image == "memory" and unfused.peak_bytes <= budget_bytes:
            return unfused
        enough = max(budget_bytes, self._least_bytes[0])
        candidates = [self._lightest(enough), self.least_sram(), *self.patched()]
        fitting = [found for found in candidates if found.peak_bytes <= budget_bytes]
        if fitting:
            return min(fitting, key=lambda found: found.macs)
        best = min(candidates, key=lambda found: found.peak_bytes)
        raise ScheduleError(
            f"{self.graph.name} does not fit into {budget_bytes:,} B: the least that can be "
            f"reached is {best.peak_bytes:,} B, at {best.macs / self.unfused().macs:.2f} of the "
            f"MACs, with {best.schedule}; {best.binds} binds it"
        )

    def patched(self) -> tuple[Scheduled, ...]:
        """Schedules whose first stage runs patch by patch, the best for ever more MACs.

        Each needs less SRAM than all with fewer MACs, streamed ones (if any may stream) among
        them.
        """
        return self._patched

    def front(self) -> tuple[Scheduled, ...]:
        """Peak SRAM against MACs: none needs less of both than one of these."""
        return (self.least_sram(), *self.patched())

    @cached_property
    def _patched(self) -> tuple[Scheduled, ...]:
        graph = self.graph
        streams = self.rung != "unfused"
        least = (self.least_sram() if streams else self.unfused()).peak_bytes
        tried: list[tuple[int, int, Patches, int]] = []
        for last in range(1, len(self.edges) - 1):
            rest = self._least_bytes[last]
            output = graph.output_of(graph.operators[self.edges[last]])
            if max(rest, output.size_bytes) >= least:
                continue
            for flow in self._patch_flows(last):
                if least_patch_bytes(flow) >= least:
                    continue
                peak = max(stage_bytes(flow)[0], rest)
                if peak < least:
                    names = graph.operators[0].name, graph.operators[self.edges[last]].name
                    stage = Patches(*names, flow.rows, flow.columns)
                    macs = Schedule(graph, [stage], self.image).macs
                    tried.append((macs, peak, stage, last))
        found = []
        for _, peak, stage, last in sorted(tried, key=lambda entry: entry[:2]):
            if peak < least:
                scheduled = self._planned([stage, *self._stages(last, peak)], self.image)
                if scheduled.peak_bytes < least:
                    found.append(scheduled)
                    least = scheduled.peak_bytes
        return tuple(found)

    def _patch_flows(self, last: int) -> Iterator[PatchFlow]:
        try:
            stage = stage_graph(self.graph, 0, self.edges[last])
        except ScheduleError:
            return
        side = min(*stage.size(stage.output), MOST_PATCHES)
        for patches in range(2, side + 1):
            yield PatchFlow(stage, patches, patches, self.image == "fed")

    @cached_property
    def _least_bytes(self) -> list[int]:
        """For each cut the least peak of everything behind it."""
        count = len(self.edges)
        least = [0] * count
        for first in range(count - 2, -1, -1):
            best = max(self._whole[first], least[first + 1])
            if self.image == "fed" and first == 0:
                stage_graph(self.graph, 0, self.edges[1])  # or say why it cannot be fed
                best = sum(tensor.size_bytes for tensor in self.graph.activations())
            for last in range(first + 1, count):
                sizes = self._stream_bytes(first, last)
                if sizes is None or sizes[1] > best:
                    break
                best = min(best, max(sizes[0], least[last]))
            least[first] = best
        return least

    def _lightest(self, budget_bytes: int) -> Scheduled:
        """The schedule with the fewest MACs inside of stages that needs no more.

        Offsets need not reach what every unit needs by itself: behind a stage that ends with a
        wide map the next output may have to start before it, where nothing is left. Then stages
        that end with narrow maps are tried too.

        Raises:
            ScheduleError: there is none.
        """
        found = self._planned(self._stages(0, budget_bytes), self.image)
        if found.peak_bytes > budget_bytes:
            try:
                narrow = self._planned(self._stages(0, budget_bytes, self._narrow), self.image)
            except ScheduleError:
                narrow = found
            found = min(found, narrow, key=lambda one: one.peak_bytes)
        if self.image == "fed":
            return found
        unfused = self.unfused()
        return unfused if unfused.peak_bytes <= found.peak_bytes else found

    @cached_property
    def _narrow(self) -> set[int]:
        """Edges whose map is no larger than those at the edges before and behind it."""
        operators, tensors = self.graph.operators, self.graph.tensors
        sizes = [tensors[operators[edge].outputs[0]].size_bytes for edge in self.edges[1:]]
        sizes = [self.graph.input.size_bytes, *sizes, 0]
        inner = range(1, len(self.edges))
        return {i for i in inner if sizes[i] <= min(sizes[i - 1], sizes[i + 1]) or not sizes[i + 1]}

    def _stages(self, start: int, budget_bytes: int, ends: set[int] | None = None) -> list[Stage]:
        """Stages behind a cut, the fewest MACs inside of them, each stretch within the budget.

        Args:
            start: index of the cut among the edges.
            budget_bytes: for each stretch by itself.
            ends: edges at which a stage may end; by default all.
        """
        count, operators = len(self.edges), self.graph.operators
        macs = Schedule(self.graph).operator_macs
        unreachable = sum(macs) + 1
        best: list[tuple[int, int, bool]] = [(unreachable, -1, False)] * count
        best[count - 1] = (0, -1, False)
        for first in range(count - 2, start - 1, -1):
            fed = self.image == "fed" and first == 0
            if self._whole[first] <= budget_bytes and not fed:
                best[first] = (best[first + 1][0], first + 1, False)
            for last in range(first + 1, count):
                macs_inside = sum(macs[self.edges[first] + 1 : self.edges[last] + 1])
                if macs_inside >= best[first][0]:  # so will all that end later
                    break
                sizes = self._stream_bytes(first, last)
                if sizes is None or sizes[1] > budget_bytes:
                    break
                allowed = sizes[0] <= budget_bytes and (ends is None or last in ends)
                if allowed and macs_inside + best[last][0] < best[first][0]:
                    best[first] = (macs_inside + best[last][0], last, True)
        if best[start][0] >= unreachable:
            raise ScheduleError(f"no stages of {self.graph.name} fit into {budget_bytes:,} B")
        stages: list[Stage] = []
        while start < count - 1:
            _, last, streams = best[start]
            if streams:
                names = operators[self.edges[start] + 1].name, operators[self.edges[last]].name
                stages.append(Stream(*names))
            start = last
        return stages

    def _stream_bytes(self, first: int, last: int) -> tuple[int, int] | None:
        """What a streamed stage between two cuts needs: in all, and inside.

        Inside it needs no less if it ends later. ``None`` if it cannot be, nor one that ends
        later.
        """
        key = first, last
        if key not in self._streams:
            self._streams[key] = self._measure(first, last)
        return self._streams[key]

    def _measure(self, first: int, last: int) -> tuple[int, int] | None:
        if self.rung == "unfused":
            return None
        try:
            stage = stage_graph(self.graph, self.edges[first] + 1, self.edges[last])
        except ScheduleError:
            return None
        if self.rung == "fused" and sum(rows.kernel > 1 for rows, _ in stage.windows) > 1:
            return None
        return stage_bytes(RowFlow(stage, self.image == "fed" and first == 0))

    def _planned(self, stages: list[Stage], image: Image) -> Scheduled:
        schedule = Schedule(self.graph, stages, image)
        return Scheduled(schedule, plan(schedule))


def schedule(
    graph: Graph,
    board: Board | None = None,
    budget_bytes: int | None = None,
    image: Image = "memory",
) -> Schedule:
    """How a network should run.

    Args:
        graph: the network.
        board: the fastest schedule that fits into its SRAM is chosen.
        budget_bytes: the same for a part of the SRAM. With neither, the schedule with the least
            SRAM at which nothing is computed twice.
        image: ``"memory"`` if the input lies in SRAM as a whole, ``"fed"`` if it arrives part by
            part.

    Raises:
        ScheduleError: no schedule is that small; the message says how low one can get, and how.
    """
    search = ScheduleSearch(graph, image)
    limits = [] if board is None else [board.sram_bytes]
    limits += [] if budget_bytes is None else [budget_bytes]
    found = search.fastest(min(limits)) if limits else search.least_sram()
    return found.schedule
