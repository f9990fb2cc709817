"""`tight`: the least SRAM without computing anything twice or changing the order of the MACs.

In place where it is lawful (depthwise with a ring of a few rows, addition, pools), a convolution's
output over the part of its input that no later pixel reads (the idea of vMCU, MLSys 2024), no
stem kernel in SRAM, scratch that only holds what a good kernel needs, and offsets searched until
they meet the lower bound or the orders are exhausted.
"""

from collections.abc import Sequence

from tinyml_course.graph import Graph, Lifetime, Operator, lifetimes
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, Pool
from tinyml_course.mcu.overlap import Overlap, lawful_overlap
from tinyml_course.mcu.planning.layout import Buffer, Plan, Role
from tinyml_course.mcu.planning.order import memory_order
from tinyml_course.mcu.planning.packing import Item, Order, keep_apart, pack
from tinyml_course.mcu.planning.part import Part


def tight(graph: Graph) -> Plan:
    """The plan with the lowest peak that is known for unscheduled execution."""
    as_given = _Problem(graph, graph).solve()
    ordered = memory_order(graph)
    if ordered is graph:
        return as_given
    reordered = _Problem(ordered, graph).solve()
    return reordered if reordered.peak_bytes < as_given.peak_bytes else as_given


def step_bytes(graph: Graph) -> list[int]:
    """For each step the bytes that any choice of offsets needs under this policy."""
    return _Problem(graph, graph).extents


class _Problem:
    """What is to be placed, under which rules, and how low it can get."""

    def __init__(self, graph: Graph, source: Graph) -> None:
        self.graph, self.source = graph, source
        self.spans = lifetimes(graph)
        self.held = _activation_items(graph, self.spans)
        self.scratch = {
            operator.name: Item(operator.name, [Part(size, Lifetime(step, step))])
            for step, operator in enumerate(graph.operators)
            if (size := scratch_bytes(graph, operator))
        }
        self.items = [*dict.fromkeys(self.held.values()), *self.scratch.values()]
        overlaps = _overlaps(graph, self.spans, self.held)
        _forbid(self.items, overlaps)
        self.extents = _extents(graph, self.items, overlaps)

    def solve(self) -> Plan:
        """Place everything."""
        graph, bound = self.graph, max(self.extents)
        offsets = pack(self.items, _orders(self.extents), bound)
        buffers = [
            Buffer(
                t.name, "activation", offsets[self.held[t.name]], t.size_bytes, self.spans[t.name]
            )
            for t in graph.activations()
        ]
        role: Role = "scratch"
        buffers += [
            Buffer(name, role, offsets[item], item.size_bytes, item.lifetime)
            for name, item in self.scratch.items()
        ]
        return Plan(graph, "tight", buffers, lower_bound_bytes=bound, source=self.source)


def scratch_bytes(graph: Graph, operator: Operator) -> int:
    """What a good kernel needs beside input and output.

    Two int16 columns of a convolution's window, which SMLAD multiplies; a ring of the kernel's
    rows of one padded channel for a depthwise convolution. Everything else works in registers.
    """
    inputs = graph.inputs_of(operator)
    if isinstance(operator, Conv2D):
        k_h, k_w = operator.kernel(inputs)
        return 4 * k_h * k_w * inputs[0].shape[3]
    if isinstance(operator, DepthwiseConv2D):
        k_h, _ = operator.kernel(inputs)
        _, height, width, _ = inputs[0].shape
        overlap = lawful_overlap(graph, operator, inputs[0].name)
        least = overlap.scratch_bytes if overlap else 0
        return max(least, min(k_h, height) * (width + sum(operator.padding[1])))
    return 0


def _activation_items(graph: Graph, spans: dict[str, Lifetime]) -> dict[str, Item]:
    """One item for each chain of activations that share a start address, each its part."""
    held: dict[str, Item] = {}
    for name in graph.inputs:
        held[name] = Item(name, [Part(graph.tensors[name].size_bytes, spans[name])])
    for step, operator in enumerate(graph.operators):
        output, source = graph.output_of(operator), operator.inputs[0]
        part = Part(output.size_bytes, spans[output.name])
        item = held.get(source)
        if item is not None and _shares_address(graph, operator, step, spans):
            item.parts.append(part)
            held[output.name] = item
        else:
            held[output.name] = Item(output.name, [part])
    return held


def _shares_address(
    graph: Graph, operator: Operator, step: int, spans: dict[str, Lifetime]
) -> bool:
    """Whether the output can start where the input starts, without growing beyond it."""
    if not isinstance(operator, (DepthwiseConv2D, Pool)):
        return False
    source = graph.tensors[operator.inputs[0]]
    overlap = lawful_overlap(graph, operator, source.name)
    return (
        overlap is not None
        and overlap.most >= 0
        and spans[source.name].last == step
        and graph.output_of(operator).size_bytes <= source.size_bytes
    )


Overlaps = dict[tuple[Item, Item], Overlap]


def _overlaps(graph: Graph, spans: dict[str, Lifetime], held: dict[str, Item]) -> Overlaps:
    """For each operator whose output may lie over a dying input: ``(output, input)``."""
    found: Overlaps = {}
    for step, operator in enumerate(graph.operators):
        output = held[operator.outputs[0]]
        for name in operator.inputs:
            source = held.get(name)
            if source is None or source is output:
                continue
            # Both items must meet in this step alone: a chain of in-place tensors lives longer.
            dies_here = spans[name].last == step == source.lifetime.last
            born_here = output.lifetime.first == step
            overlap = lawful_overlap(graph, operator, name)
            if dies_here and born_here and overlap is not None and overlap.multiple == 1:
                found[output, source] = overlap
    return found


def _forbid(items: Sequence[Item], overlaps: Overlaps) -> None:
    for index, first in enumerate(items):
        for second in items[index + 1 :]:
            if not first.lifetime.overlaps(second.lifetime):
                continue
            if (first, second) in overlaps:
                _allow_overlap(first, second, overlaps[first, second])
            elif (second, first) in overlaps:
                _allow_overlap(second, first, overlaps[second, first])
            else:
                keep_apart(first, second)


def _allow_overlap(output: Item, source: Item, overlap: Overlap) -> None:
    written, read = output.parts[0].size_bytes, source.parts[-1].size_bytes
    if overlap.most < read:
        output.forbid(source, max(overlap.most, -written), read)


def _extents(graph: Graph, items: Sequence[Item], overlaps: Overlaps) -> list[int]:
    """For each step the bytes that any choice of offsets needs: the lower bound is their maximum.

    An output and the input that it may overlap need ``max(input - d, output)`` bytes at the best
    lawful distance ``d <= 0``. Where both inputs of a sum die, both savings are subtracted: the
    bound stays one, though it may then be out of reach.
    """
    extents = [0] * len(graph.operators)
    for item in items:
        for step in range(item.lifetime.first, item.lifetime.last + 1):
            extents[step] += item.bytes_at(step)
    savings = [0] * len(graph.operators)
    for (output, source), overlap in overlaps.items():
        step = output.lifetime.first
        written, read = output.parts[0].size_bytes, source.parts[-1].size_bytes
        distance = max(min(0, overlap.most), -written)
        together = max(read - distance, written)
        savings[step] += max(0, read + written - together)
    return [extent - saving for extent, saving in zip(extents, savings, strict=True)]


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
