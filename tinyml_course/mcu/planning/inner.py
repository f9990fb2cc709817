"""What a unit of a schedule keeps beside its input and output, and what of it may share bytes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, Padding, Pool
from tinyml_course.mcu.overlap import depthwise_ring_rows, lawful_overlap
from tinyml_course.mcu.packed_weights import unpacked_bytes
from tinyml_course.mcu.planning.layout import Role
from tinyml_course.mcu.scheduling import PatchFlow, Region, RowFlow, StageGraph, Tile, Tiler, Unit


@dataclass(eq=False)
class Inner:
    """A buffer that only one unit uses.

    Attributes:
        names: of the tensors that lie there, one after the other, or of the operator whose
            scratch it is.
        role: what it holds.
        size_bytes: its extent.
        live: during which steps of the unit it is held.
        alignment: its address must be a multiple of this.
    """

    names: tuple[str, ...]
    role: Role
    size_bytes: int
    live: NDArray[np.bool_]
    alignment: int = 1


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

    def inner_bytes(self) -> int:
        """What the buffers inside need at least, at the unit's most crowded step."""
        held = np.zeros(self.steps, np.int64)
        for inner in self.inner:
            held += inner.live * inner.size_bytes
        for (written, read), most in self.inner_overlaps.items():
            held -= (written.live & read.live) * saving(most, written.size_bytes, read.size_bytes)
        return int(held.max())


def saving(most: int, written: int, read: int) -> int:
    """Bytes that an output and the input that it may overlap need less than both apart.

    Args:
        most: largest lawful difference of their addresses.
        written: size of the output.
        read: size of the input.
    """
    distance = max(min(0, most), -written)
    together = max(read - distance, written)
    return max(0, read + written - together)


def least_patch_bytes(flow: PatchFlow) -> int:
    """What a stage needs at least, at a glance: the whole maps and the largest region."""
    stage, tensors = flow.stage, flow.stage.graph.tensors
    regions = max((flow.largest_bytes(name) for name in stage.inner), default=0)
    source = flow.largest_bytes(stage.source) if flow.fed else tensors[stage.source].size_bytes
    return tensors[stage.output].size_bytes + (
        max(source, regions) if flow.fed else source + regions
    )


def stage_bytes(flow: RowFlow | PatchFlow) -> tuple[int, int]:
    """What a stage needs where nobody else holds anything, as a lower bound for any offsets.

    Returns:
        All of it, and what of that is neither its input nor its output: a stage that begins with
        the same operators and ends later needs no less of it.
    """
    stage = flow.stage
    memory = _streamed(flow) if isinstance(flow, RowFlow) else _patched(flow)
    tensors, inner = stage.graph.tensors, memory.inner_bytes()
    written = tensors[stage.output].size_bytes
    if flow.fed:
        return inner + written, inner
    read = tensors[stage.source].size_bytes
    most = memory.output_overlaps.get(stage.source, read)
    return inner + written + read - saving(most, written, read), inner


def unit_memory(graph: Graph, unit: Unit, packed: Collection[str] = ()) -> UnitMemory:
    """What a unit needs.

    Args:
        graph: the network.
        unit: of its schedule.
        packed: operators whose weights are packed.
    """
    if isinstance(unit.flow, RowFlow):
        memory = _streamed(unit.flow)
    elif isinstance(unit.flow, PatchFlow):
        memory = _patched(unit.flow)
    else:
        memory = _whole(graph, unit.operators[0])
    memory.inner += _unpacked_weights(graph, unit, packed)
    return memory


def _unpacked_weights(graph: Graph, unit: Unit, packed: Collection[str]) -> Iterator[Inner]:
    """They are unpacked again whenever the operator runs: between, others may have the bytes."""
    for index, operator in enumerate(unit.operators):
        if operator.name not in packed:
            continue
        live = np.ones(1, bool) if unit.flow is None else unit.flow.steps_of(index)
        if live.any():
            size = unpacked_bytes(graph.inputs_of(operator)[1].elements)
            yield Inner((operator.name,), "unpacked weights", size, live, WORD_BYTES)


WORD_BYTES = 4
"""Columns of a convolution are loaded two words at a time, which no Cortex-M does off a word's
boundary; so are sums."""


def _scratch(graph: Graph, operator: Operator, size: int, live: NDArray[np.bool_]) -> Inner:
    by_bytes = isinstance(operator, DepthwiseConv2D) and not is_convolution(graph, operator)
    return Inner((operator.name,), "scratch", size, live, 1 if by_bytes else WORD_BYTES)


def is_convolution(graph: Graph, operator: Operator) -> bool:
    """Whether an operator is one: a depthwise one of a single channel with several outputs is."""
    if not isinstance(operator, DepthwiseConv2D):
        return isinstance(operator, Conv2D)
    channels = graph.inputs_of(operator)[0].shape[3]
    return channels == 1 < graph.output_of(operator).shape[3]


def scratch_bytes(graph: Graph, operator: Operator) -> int:
    """What a good kernel needs beside input and output.

    Two int16 columns of a convolution's window, which SMLAD multiplies; a ring of the kernel's
    rows of one padded channel for a depthwise convolution. Everything else works in registers.
    """
    inputs = graph.inputs_of(operator)
    if isinstance(operator, (Conv2D, DepthwiseConv2D)) and is_convolution(graph, operator):
        k_h, k_w = operator.kernel(inputs)
        return 4 * k_h * k_w * inputs[0].shape[3]
    if isinstance(operator, DepthwiseConv2D):
        size = inputs[0].shape[1], inputs[0].shape[2]
        columns = graph.output_of(operator).shape[2]
        return _ring_bytes(graph, operator, size, operator.padding, columns)
    return 0


def _ring_bytes(
    graph: Graph, operator: DepthwiseConv2D, size: tuple[int, int], padding: Padding, columns: int
) -> int:
    """Scratch of a depthwise convolution over a map or a region of ``size``."""
    inputs = graph.inputs_of(operator)
    k_h, _ = operator.kernel(inputs)
    height, width = size
    ring = min(k_h, height) * (width + sum(padding[1]))
    if operator.multiplier(inputs) != 1:
        return ring
    return max(ring, width * depthwise_ring_rows(k_h, padding[0][0], size, columns))


def _whole(graph: Graph, operator: Operator) -> UnitMemory:
    memory = UnitMemory(1, [])
    size = scratch_bytes(graph, operator)
    if size:
        memory.inner.append(_scratch(graph, operator, size, np.ones(1, bool)))
    for tensor in graph.activations_of(operator):
        overlap = lawful_overlap(graph, operator, tensor.name)
        if overlap is not None and overlap.multiple == 1:
            memory.output_overlaps[tensor.name] = overlap.most
    return memory


def _streamed(flow: RowFlow) -> UnitMemory:
    stage, graph = flow.stage, flow.stage.graph
    memory = UnitMemory(len(flow.steps), [])
    rings: dict[str, Inner] = {}
    planar = planar_maps(stage)
    for name in (stage.source, *stage.inner) if flow.fed else stage.inner:
        if size := flow.ring_rows(name) * stage.row_bytes(name):
            rings[name] = Inner((name,), "rows", size, flow.live(name))
    memory.inner += rings.values()
    for index, operator in enumerate(stage.operators):
        # Of rows that lie channel by channel the ring plays the scratch's part.
        by_planes = isinstance(operator, DepthwiseConv2D) and not is_convolution(graph, operator)
        reads_planes = by_planes and operator.inputs[0] in planar
        size = 0 if reads_planes else _row_scratch(graph, operator)
        live = flow.sums_live(index) if flow.sum_bytes[index] else flow.steps_of(index)
        size = flow.sum_bytes[index] or size
        if size and live.any():
            memory.inner.append(_scratch(graph, operator, size, live))
        written = rings.get(operator.outputs[0])
        for tensor in graph.activations_of(operator):
            read = rings.get(tensor.name)
            if read is not None and written is not None and operator.outputs[0] not in planar:
                _allow_one_row(flow, index, (written, read), memory)
    if not flow.fed:
        memory.output_overlaps[stage.source] = flow.distance_bytes
    return memory


def planar_maps(stage: StageGraph) -> set[str]:
    """Maps of which a stream keeps rows channel by channel: only depthwise convolutions read them.

    A convolution writes its rows in that order as easily as pixel by pixel, other operators do not.
    Of one channel, both orders are the same.
    """
    graph = stage.graph
    others: set[str] = set()
    for operator in stage.operators:
        if not isinstance(operator, DepthwiseConv2D):
            others.update(tensor.name for tensor in graph.activations_of(operator))
    written = {o.outputs[0] for o in stage.operators if is_convolution(graph, o)}
    return {
        name
        for name in (stage.source, *stage.inner)
        if name not in others and (name in written or graph.tensors[name].shape[3] == 1)
    }


def _row_scratch(graph: Graph, operator: Operator) -> int:
    """What an operator that makes one row needs beside the rows that it reads."""
    if not isinstance(operator, DepthwiseConv2D) or is_convolution(graph, operator):
        return scratch_bytes(graph, operator)
    _, height, width, _ = graph.inputs_of(operator)[0].shape
    k_h, _ = operator.kernel(graph.inputs_of(operator))
    return min(k_h, height) * (width + sum(operator.padding[1]))


def _allow_one_row(
    flow: RowFlow, index: int, pair: tuple[Inner, Inner], memory: UnitMemory
) -> None:
    """Let a row be written over the row that it is made from, where both maps keep one row."""
    written, read = pair
    if not flow.ring_rows(read.names[0]) == 1 == flow.ring_rows(written.names[0]):
        return
    if isinstance(flow.stage.operators[index], DepthwiseConv2D) or flow.sum_bytes[index]:
        return  # the one would need scratch, which rings are to save; the other has its sums
    if (written.live & read.live & ~flow.steps_of(index)).any():
        return
    most = _one_row_overlap(flow.stage, index, read.names[0])
    if most is not None:
        memory.inner_overlaps[pair] = most


def _one_row_overlap(stage: StageGraph, index: int, source: str) -> int | None:
    """How far a row of an operator's output may reach into the row it is made from."""
    operator = stage.operators[index]
    known = _ONE_ROW_OVERLAPS.setdefault(stage.graph, {})
    key = operator.name, source
    if key not in known:
        width = stage.size(operator.outputs[0])[1]
        tile = Tiler(stage).tile(index, Region((0, 1), (0, width)))
        overlap = lawful_overlap(tile.graph, tile.operator, source) if tile else None
        lawful = overlap is not None and overlap.multiple == 1
        known[key] = overlap.most if lawful and overlap is not None else None
    return known[key]


_ONE_ROW_OVERLAPS: WeakKeyDictionary[Graph, dict[tuple[str, str], int | None]] = WeakKeyDictionary()
"""They depend on the graph alone, and a search asks for them again and again."""


def _patched(flow: PatchFlow) -> UnitMemory:
    stage, graph = flow.stage, flow.stage.graph
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
        elif size := flow.largest_bytes(name):
            held[name] = Inner((name,), "patch", size, live)
            memory.inner.append(held[name])
    for index, operator in enumerate(stage.operators):
        size, live = _patch_scratch(flow, index), flow.steps_of(index)
        if size and live.any():
            memory.inner.append(_scratch(graph, operator, size, live))
    return memory


def _shares_patch(flow: PatchFlow, index: int) -> bool:
    """Whether an operator may write each patch's region over the region that it reads."""
    stage, operator = flow.stage, flow.stage.operators[index]
    source, output = operator.inputs[0], operator.outputs[0]
    if isinstance(operator, DepthwiseConv2D):
        lawful = operator.multiplier(stage.graph.inputs_of(operator)) == 1
    elif isinstance(operator, Pool):
        lawful = all(_pools_in_place(tile, source) for tile in _tiles(flow, index))
    else:
        return False
    return lawful and all(
        patch.regions[source].pixels >= patch.regions[output].pixels for patch in flow.patches
    )


def _pools_in_place(tile: Tile, source: str) -> bool:
    overlap = lawful_overlap(tile.graph, tile.operator, source)
    return overlap is not None and overlap.most >= 0


def _tiles(flow: PatchFlow, index: int) -> Iterator[Tile]:
    tiler = Tiler(flow.stage)
    for shape in flow.shapes(index):
        tile = tiler.tile(index, shape)
        if tile is not None:
            yield tile


def _patch_scratch(flow: PatchFlow, index: int) -> int:
    graph, operator = flow.stage.graph, flow.stage.operators[index]
    if not isinstance(operator, DepthwiseConv2D) or is_convolution(graph, operator):
        return scratch_bytes(graph, operator)  # a window's, whatever the region
    sizes = [0]
    for shape in flow.shapes(index):
        rows, columns = flow.stage.reaches(index, shape)
        if rows.size and columns.size:
            padding = (rows.before, rows.after), (columns.before, columns.after)
            width = shape.columns[1] - shape.columns[0]
            size = rows.size, columns.size
            sizes.append(_ring_bytes(graph, operator, size, padding, width))
    return max(sizes)
