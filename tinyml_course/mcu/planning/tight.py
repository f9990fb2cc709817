"""`tight`: the least SRAM for a schedule, without changing the order of the MACs.

In place where it is lawful (depthwise with a ring of a few rows, addition, pools), a convolution's
or a stage's output over the part of its input that nobody reads any more (the idea of vMCU, MLSys
2024), no stem kernel in SRAM, scratch that only holds what a good kernel needs, and offsets
searched until they meet the lower bound or the orders are exhausted.
"""

from collections.abc import Sequence

from tinyml_course.graph import Graph, Lifetime, Operator, lifetimes
from tinyml_course.graph.operators import DepthwiseConv2D, Pool
from tinyml_course.mcu.overlap import lawful_overlap
from tinyml_course.mcu.planning.inner import Inner, UnitMemory, saving, unit_memory
from tinyml_course.mcu.planning.layout import Buffer, Plan
from tinyml_course.mcu.planning.order import memory_order
from tinyml_course.mcu.planning.packing import Item, Order, keep_apart, pack
from tinyml_course.mcu.planning.part import Part
from tinyml_course.mcu.scheduling import Schedule


def tight(graph: Graph) -> Plan:
    """The plan with the lowest peak that is known for unscheduled execution."""
    as_given = tight_schedule(Schedule(graph))
    ordered = memory_order(graph)
    if ordered is graph:
        return as_given
    reordered = _Problem(Schedule(ordered)).solve(graph)
    return reordered if reordered.peak_bytes < as_given.peak_bytes else as_given


def tight_schedule(schedule: Schedule) -> Plan:
    """The same for a schedule, whose operators stay in the order given."""
    return _Problem(schedule).solve(schedule.graph)


def unit_bytes(schedule: Schedule) -> list[int]:
    """For each unit the bytes that any choice of offsets needs under this policy."""
    return _Problem(schedule).extents


class _Problem:
    """What is to be placed, under which rules, and how low it can get."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.graph = schedule, schedule.graph
        packed = schedule.packed
        self.memory = [unit_memory(self.graph, unit, packed) for unit in schedule.units]
        self.spans = _map_lifetimes(schedule)
        self.held = _map_items(schedule, self.spans)
        self.inner = {
            buffer: Item(
                buffer.names[0],
                [Part(buffer.size_bytes, Lifetime(index, index))],
                buffer.alignment,
            )
            for index, memory in enumerate(self.memory)
            for buffer in memory.inner
        }
        self.maps = list(dict.fromkeys(self.held.values()))
        self.items = [*self.maps, *self.inner.values()]
        self.overlaps = self._map_overlaps()
        self._forbid()
        self.extents = self._extents()

    def solve(self, source: Graph) -> Plan:
        """Place everything."""
        graph, bound = self.graph, max(self.extents)
        offsets = pack(self.items, _orders(self.extents), bound)
        buffers = [
            Buffer(name, "activation", offsets[item], graph.tensors[name].size_bytes, span)
            for name, span in self.spans.items()
            for item in (self.held[name],)
        ]
        buffers += [
            Buffer(name, inner.role, offsets[item], inner.size_bytes, item.lifetime)
            for inner, item in self.inner.items()
            for name in inner.names
        ]
        return Plan(graph, "tight", buffers, bound, source, self.schedule)

    def _map_overlaps(self) -> dict[tuple[Item, Item], int]:
        """For each unit whose output may lie over a dying input: ``(output, input)``."""
        found: dict[tuple[Item, Item], int] = {}
        for unit, memory in zip(self.schedule.units, self.memory, strict=True):
            output = self.held[unit.operators[-1].outputs[0]]
            for name, most in memory.output_overlaps.items():
                source = self.held.get(name)
                if source is None or source is output:
                    continue
                # Both items must meet in this unit alone: a chain of in-place tensors lives longer.
                dies_here = self.spans[name].last == unit.index == source.lifetime.last
                if dies_here and output.lifetime.first == unit.index:
                    found[output, source] = most
        return found

    def _forbid(self) -> None:
        for index, first in enumerate(self.maps):
            for second in self.maps[index + 1 :]:
                if not first.lifetime.overlaps(second.lifetime):
                    continue
                if (first, second) in self.overlaps:
                    _allow_overlap(first, second, self.overlaps[first, second])
                elif (second, first) in self.overlaps:
                    _allow_overlap(second, first, self.overlaps[second, first])
                else:
                    keep_apart(first, second)
        for memory in self.memory:
            for index, inner in enumerate(memory.inner):
                item = self.inner[inner]
                for held in self.maps:
                    keep_apart(item, held)
                for other in memory.inner[index + 1 :]:
                    self._forbid_inner(memory, inner, other)

    def _forbid_inner(self, memory: UnitMemory, first: Inner, second: Inner) -> None:
        if not (first.live & second.live).any():
            return
        for written, read in ((first, second), (second, first)):
            most = memory.inner_overlaps.get((written, read))
            if most is not None:
                _allow_overlap(self.inner[written], self.inner[read], most)
                return
        keep_apart(self.inner[first], self.inner[second])

    def _extents(self) -> list[int]:
        """For each unit the bytes any choice of offsets needs: the lower bound is their maximum.

        An output and the input that it may overlap need ``max(input - d, output)`` bytes at the
        best lawful distance ``d <= 0``. Where both inputs of a sum die, both savings are
        subtracted: the bound stays one, though it may then be out of reach.
        """
        extents = [memory.inner_bytes() for memory in self.memory]
        for item in self.maps:
            for step in range(item.lifetime.first, item.lifetime.last + 1):
                extents[step] += item.bytes_at(step)
        for (output, source), most in self.overlaps.items():
            first, last = output.parts[0].size_bytes, source.parts[-1].size_bytes
            extents[output.lifetime.first] -= saving(most, first, last)
        return extents


def _map_lifetimes(schedule: Schedule) -> dict[str, Lifetime]:
    """Units during which each whole map is kept; maps inside of stages, or fed, are never whole."""
    inside: set[str] = set()
    for unit in schedule.units:
        if unit.flow is not None:
            inside.update(unit.flow.stage.inner)
    if schedule.image == "fed":
        inside.update(schedule.graph.inputs)
    unit_of = schedule.unit_of
    return {
        name: Lifetime(unit_of[span.first], unit_of[span.last])
        for name, span in lifetimes(schedule.graph).items()
        if name not in inside
    }


def _map_items(schedule: Schedule, spans: dict[str, Lifetime]) -> dict[str, Item]:
    """One item for each chain of activations that share a start address, each its part."""
    graph = schedule.graph
    held: dict[str, Item] = {}
    for name in graph.inputs:
        if name in spans:
            held[name] = Item(name, [Part(graph.tensors[name].size_bytes, spans[name])])
    for unit in schedule.units:
        operator = unit.operators[-1]
        output, source = graph.output_of(operator), operator.inputs[0]
        part = Part(output.size_bytes, spans[output.name])
        item = held.get(source) if unit.flow is None else None
        if item is not None and _shares_address(graph, operator, spans[source].last == unit.index):
            item.parts.append(part)
            held[output.name] = item
        else:
            held[output.name] = Item(output.name, [part])
    return held


def _shares_address(graph: Graph, operator: Operator, dies: bool) -> bool:
    """Whether the output can start where the input starts, without growing beyond it."""
    if not isinstance(operator, (DepthwiseConv2D, Pool)):
        return False
    source = graph.tensors[operator.inputs[0]]
    overlap = lawful_overlap(graph, operator, source.name)
    return (
        overlap is not None
        and overlap.most >= 0
        and dies
        and graph.output_of(operator).size_bytes <= source.size_bytes
    )


def _allow_overlap(output: Item, source: Item, most: int) -> None:
    written, read = output.parts[0].size_bytes, source.parts[-1].size_bytes
    if most < read:
        output.forbid(source, max(most, -written), read)


def _orders(extents: Sequence[int]) -> list[Order]:
    """Ways to line up the items: crowded steps first, large first, long-lived first, in time."""

    def crowding(item: Item) -> int:
        return max(extents[item.lifetime.first : item.lifetime.last + 1])

    def length(item: Item) -> int:
        return item.lifetime.last - item.lifetime.first

    return [
        lambda item: (-item.size_bytes,),
        lambda item: (-crowding(item), -item.size_bytes),
        lambda item: (-crowding(item), -length(item), -item.size_bytes),
        lambda item: (-length(item), -item.size_bytes),
        # An output that must start before its input is placed before it.
        lambda item: (-item.lifetime.first, -item.size_bytes),
        lambda item: (item.lifetime.first, -item.size_bytes),
    ]
