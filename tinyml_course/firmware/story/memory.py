"""SRAM for a set of steps: what each of them asks for, and nothing that it does not.

Maps and scratch share one arena, placed by first fit, largest first.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tinyml_course.firmware.story.layers import Layer, padded_size, taps_of
from tinyml_course.graph import Graph, Lifetime, lifetimes
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.planning.first_fit import Block, first_fit
from tinyml_course.mcu.planning.layout import Buffer, Plan, Role
from tinyml_course.mcu.planning.part import Part
from tinyml_course.mcu.planning.tinyengine import runs_in_place

ALIGNMENT = 4
NODE_BYTES = 116
"""Of one operator in the interpreter, ``sizeof(story_node)``; C checks it."""
WORDS_PER_CHANNEL = 2
"""That it keeps of a layer: multiplier and shift."""
RUNTIME = "interpreter"


@dataclass(frozen=True)
class _Extra:
    """What is kept beside the maps: its name, its bytes, and when."""

    name: str
    role: Role
    size_bytes: int
    lifetime: Lifetime


def story_plan(graph: Graph, steps: Collection[str]) -> Plan:
    """Where everything lies.

    Args:
        graph: int8.
        steps: names; see `steps.checked`.
    """
    spans = lifetimes(graph)
    extra = [*_extra(graph, steps)]
    blocks = _map_blocks(graph, spans, "in_place" in steps)
    blocks += [_block(one.name, one.size_bytes, one.lifetime) for one in extra]
    offsets = first_fit(blocks)
    buffers = [
        Buffer(t.name, "activation", offsets[t.name], t.size_bytes, spans[t.name])
        for t in graph.activations()
    ]
    buffers += [
        Buffer(one.name, one.role, offsets[one.name], one.size_bytes, one.lifetime) for one in extra
    ]
    return Plan(graph, "story", buffers)


def place(plan: Plan, operator: str, what: str) -> int | None:
    """Offset of an operator's ``scratch``, ``padded`` map or ``sums``; ``None`` if it has none."""
    name = f"{operator} {what}"
    return next((buffer.offset for buffer in plan.buffers if buffer.name == name), None)


def columns_of(graph: Graph, operator: Layer, steps: Collection[str]) -> int:
    """Windows that a convolution copies at a time.

    With tiling as many as fit where two of the largest layer do (MCUNet, equations 1 and 2; the
    paper says one, its released code keeps room for two).
    """
    if "tiling" not in steps or isinstance(operator, DepthwiseConv2D):
        return 1
    room = 2 * max(
        taps_of(graph, o) for o in graph.operators if isinstance(o, (Conv2D, FullyConnected))
    )
    output = graph.output_of(operator)
    pixels = output.elements // output.shape[-1]
    return min(room // taps_of(graph, operator), pixels)


def _extra(graph: Graph, steps: Collection[str]) -> Iterator[_Extra]:
    if "codegen" not in steps:
        whole = Lifetime(0, len(graph.operators) - 1)
        yield _Extra(RUNTIME, "runtime", _runtime_bytes(graph), whole)
    for index, operator in enumerate(graph.operators):
        if isinstance(operator, (Conv2D, DepthwiseConv2D, FullyConnected)):
            for what, size in _beside(graph, operator, steps):
                name = f"{operator.name} {what}"
                yield _Extra(name, "scratch", size, Lifetime(index, index))


def _beside(graph: Graph, operator: Layer, steps: Collection[str]) -> Iterator[tuple[str, int]]:
    """Bytes that a layer needs beside its maps, by purpose."""
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    rows, columns = padded_size(graph, operator)
    padded = rows * columns * source.shape[-1]
    if "fusion" not in steps:
        yield "sums", 4 * output.elements
        if padded > source.size_bytes:
            yield "padded", padded
    if "im2col" in steps:
        held = rows * columns
        if not isinstance(operator, DepthwiseConv2D):
            held = columns_of(graph, operator, steps) * taps_of(graph, operator)
        yield "scratch", 2 * held


def _runtime_bytes(graph: Graph) -> int:
    channels = sum(
        graph.output_of(o).shape[-1]
        for o in graph.operators
        if isinstance(o, (Conv2D, DepthwiseConv2D, FullyConnected))
    )
    nodes = sum(not isinstance(operator, Reshape) for operator in graph.operators)
    return NODE_BYTES * nodes + 4 * WORDS_PER_CHANNEL * channels


def _map_blocks(graph: Graph, spans: dict[str, Lifetime], in_place: bool) -> list[Block]:
    """A block for each map; one for a chain of maps that share a place."""
    # A RESHAPE has nothing to do, in any step.
    shared = {o.outputs[0]: o.inputs[0] for o in graph.operators if isinstance(o, Reshape)}
    reshaped = {*shared}
    for operator in graph.operators:
        if in_place and runs_in_place(graph, operator) and operator.inputs[0] not in reshaped:
            shared[operator.outputs[0]] = operator.inputs[0]
    heads: dict[str, str] = {}
    blocks: dict[str, Block] = {}
    for tensor in graph.activations():
        head = heads[tensor.name] = heads.get(shared.get(tensor.name, ""), tensor.name)
        one = _block(tensor.name, tensor.size_bytes, spans[tensor.name])
        before = blocks.get(head, Block((), ()))
        blocks[head] = Block(before.names + one.names, before.parts + one.parts)
    return list(blocks.values())


def _block(name: str, size: int, lifetime: Lifetime) -> Block:
    return Block((name,), (Part(-(-size // ALIGNMENT) * ALIGNMENT, lifetime),))
