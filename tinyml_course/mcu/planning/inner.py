"""What a unit of a schedule keeps beside its input and output, and what of it may share bytes."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, Pool
from tinyml_course.mcu.overlap import lawful_overlap
from tinyml_course.mcu.planning.layout import Role
from tinyml_course.mcu.scheduling import PatchFlow, Region, RowFlow, Tiler, Unit


@dataclass(eq=False)
class Inner:
    """A buffer that only one unit uses.

    Attributes:
        names: of the tensors that lie there, one after the other, or of the operator whose
            scratch it is.
        role: what it holds.
        size_bytes: its extent.
        live: during which steps of the unit it is held.
    """

    names: tuple[str, ...]
    role: Role
    size_bytes: int
    live: NDArray[np.bool_]


@dataclass
class UnitMemory:
    """The buffers of one unit.

    Attributes:
        steps: how many steps the unit has.
        inner: what it keeps inside.
        inner_overlaps: for ``(written, read)`` inside, the largest lawful difference of their
            addresses at which they share bytes.
        output_overlaps: the same for the unit's output over a map that it reads.
    """

    steps: int
    inner: list[Inner]
    inner_overlaps: dict[tuple[Inner, Inner], int] = field(default_factory=dict)
    output_overlaps: dict[str, int] = field(default_factory=dict)


def unit_memory(graph: Graph, unit: Unit) -> UnitMemory:
    """What a unit needs."""
    if isinstance(unit.flow, RowFlow):
        return _streamed(graph, unit.flow)
    if isinstance(unit.flow, PatchFlow):
        return _patched(graph, unit.flow)
    return _whole(graph, unit.operators[0])


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


def _whole(graph: Graph, operator: Operator) -> UnitMemory:
    memory = UnitMemory(1, [])
    size = scratch_bytes(graph, operator)
    if size:
        memory.inner.append(Inner((operator.name,), "scratch", size, np.ones(1, bool)))
    for tensor in graph.activations_of(operator):
        overlap = lawful_overlap(graph, operator, tensor.name)
        if overlap is not None and overlap.multiple == 1:
            memory.output_overlaps[tensor.name] = overlap.most
    return memory


def _streamed(graph: Graph, flow: RowFlow) -> UnitMemory:
    stage = flow.stage
    memory = UnitMemory(len(flow.steps), [])
    rings: dict[str, Inner] = {}
    for name in (stage.source, *stage.inner) if flow.fed else stage.inner:
        size = flow.ring_rows(name) * stage.row_bytes(name)
        rings[name] = Inner((name,), "rows", size, flow.live(name))
    memory.inner += rings.values()
    for index, operator in enumerate(stage.operators):
        # A depthwise convolution reads its rows from the ring, which plays the scratch's part.
        size = 0 if isinstance(operator, DepthwiseConv2D) else scratch_bytes(graph, operator)
        if size:
            live = flow.steps_of(index)
            memory.inner.append(Inner((operator.name,), "scratch", size, live))
        written = rings.get(operator.outputs[0])
        for tensor in graph.activations_of(operator):
            read = rings.get(tensor.name)
            if read is not None and written is not None:
                _allow_one_row(flow, index, (written, read), memory)
    if not flow.fed:
        memory.output_overlaps[stage.source] = flow.distance_bytes
    return memory


def _allow_one_row(
    flow: RowFlow, index: int, pair: tuple[Inner, Inner], memory: UnitMemory
) -> None:
    """Let a row be written over the row that it is made from, where both maps keep one row."""
    stage, operator = flow.stage, flow.stage.operators[index]
    written, read = pair
    source = read.names[0]
    one_each = flow.ring_rows(source) == 1 == flow.ring_rows(written.names[0])
    if not one_each or (written.live & read.live & ~flow.steps_of(index)).any():
        return
    width = stage.size(operator.outputs[0])[1]
    tile = Tiler(stage).tile(index, Region((0, 1), (0, width)))
    overlap = lawful_overlap(tile.graph, tile.operator, source) if tile else None
    if overlap is not None and overlap.multiple == 1:
        memory.inner_overlaps[pair] = overlap.most


def _patched(graph: Graph, flow: PatchFlow) -> UnitMemory:
    stage = flow.stage
    count = len(stage.operators)
    memory = UnitMemory(count, [])
    first = {operator.outputs[0]: index for index, operator in enumerate(stage.operators)}
    first[stage.source] = 0
    last = dict(first)
    for index, operator in enumerate(stage.operators):
        for tensor in graph.activations_of(operator):
            last[tensor.name] = index
    held: dict[str, Inner] = {}
    for name in (stage.source, *stage.inner) if flow.fed else stage.inner:
        live = np.zeros(count, bool)
        live[first[name] : last[name] + 1] = True
        producer = stage.operators[first[name]]
        before = held.get(producer.inputs[0])
        in_place = name != stage.source and _shares_patch(flow, first[name])
        if before is not None and in_place and last[producer.inputs[0]] == first[name]:
            before.names += (name,)
            before.live |= live
            held[name] = before
        else:
            held[name] = Inner((name,), "patch", flow.largest_bytes(name), live)
            memory.inner.append(held[name])
    for index, operator in enumerate(stage.operators):
        size = _patch_scratch(flow, index)
        if size:
            live = np.zeros(count, bool)
            live[index] = True
            memory.inner.append(Inner((operator.name,), "scratch", size, live))
    return memory


def _shares_patch(flow: PatchFlow, index: int) -> bool:
    """Whether an operator may write each patch's region over the region that it reads."""
    stage, operator = flow.stage, flow.stage.operators[index]
    if not isinstance(operator, (DepthwiseConv2D, Pool)):
        return False
    source, output = operator.inputs[0], operator.outputs[0]
    tiler = Tiler(stage)
    for patch in flow.patches:
        tile = tiler.tile(index, patch.regions[output])
        overlap = lawful_overlap(tile.graph, tile.operator, source) if tile else None
        grows = patch.regions[output].pixels > patch.regions[source].pixels
        if overlap is None or overlap.most < 0 or grows:
            return False
    return True


def _patch_scratch(flow: PatchFlow, index: int) -> int:
    stage, operator = flow.stage, flow.stage.operators[index]
    tiler, sizes = Tiler(stage), []
    for patch in flow.patches:
        tile = tiler.tile(index, patch.regions[operator.outputs[0]])
        sizes.append(scratch_bytes(tile.graph, tile.operator) if tile else 0)
    return max(sizes)
