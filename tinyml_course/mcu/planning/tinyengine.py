"""TinyEngine's memory: depthwise in place, one im2col buffer, a reordered stem kernel in SRAM.

The rules reproduce the peak that the engine's own code generator prints (MCUNet, section 3.2;
MCUNetV2's released code), to the byte.
"""

from collections.abc import Iterator

from tinyml_course.graph import Graph, Lifetime, Operator, lifetimes
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu.planning.first_fit import Block, first_fit
from tinyml_course.mcu.planning.layout import Buffer, Plan, Role
from tinyml_course.mcu.planning.part import Part

ALIGNMENT = 4


def tinyengine(graph: Graph) -> Plan:
    """Activations by first fit with depthwise in place, then im2col scratch, then kernel copies.

    - activations are rounded up to 4 bytes; a depthwise output takes its input's place;
    - ``max(4 k k C over convolutions, 2 (H+2p)(W+2p) over depthwise)`` bytes of scratch, int16
      columns of two pixels or one padded channel; the classifier counts as a 1x1 convolution;
    - ``max(2 k k C C_out)`` bytes over convolutions with ``k > 1`` for the reordered int16 kernel.
    """
    spans = lifetimes(graph)
    offsets = first_fit(_blocks(graph, spans))
    buffers = [
        Buffer(t.name, "activation", offsets[t.name], t.size_bytes, spans[t.name])
        for t in graph.activations()
    ]
    activations_end = max(offsets[t.name] + _aligned(t.size_bytes) for t in graph.activations())
    scratch = dict(_scratch(graph))
    copies = dict(_kernel_copies(graph))
    copies_start = activations_end + max(scratch.values(), default=0)
    regions: list[tuple[Role, int, dict[str, int]]] = [
        ("scratch", activations_end, scratch),
        ("kernel copy", copies_start, copies),
    ]
    for step, operator in enumerate(graph.operators):
        buffers += [
            Buffer(operator.name, role, start, sizes[operator.name], Lifetime(step, step))
            for role, start, sizes in regions
            if operator.name in sizes
        ]
    return Plan(graph, "tinyengine", buffers)


def runs_in_place(graph: Graph, operator: Operator) -> bool:
    """Whether a depthwise convolution may write over its input.

    It reads one channel into scratch and writes that channel back, so the other channels are
    untouched; but the input must not be needed afterwards, nor be one that arrives from outside.
    """
    if not isinstance(operator, DepthwiseConv2D):
        return False
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    return (
        operator.multiplier(graph.inputs_of(operator)) == 1
        and len(graph.consumers(source.name)) == 1
        and source.name not in (*graph.inputs, *graph.outputs)
        and output.size_bytes <= source.size_bytes
    )


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT


def _blocks(graph: Graph, spans: dict[str, Lifetime]) -> list[Block]:
    parts: dict[str, list[Part]] = {}
    leader: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    in_place = {o.outputs[0]: o.inputs[0] for o in graph.operators if runs_in_place(graph, o)}
    for tensor in graph.activations():
        head = leader.get(in_place.get(tensor.name, ""), tensor.name)
        leader[tensor.name] = head
        names.setdefault(head, []).append(tensor.name)
        part = Part(_aligned(tensor.size_bytes), spans[tensor.name])
        parts.setdefault(head, []).append(part)
    return [Block(tuple(names[head]), tuple(parts[head])) for head in names]


def _scratch(graph: Graph) -> Iterator[tuple[str, int]]:
    for operator in graph.operators:
        inputs = graph.inputs_of(operator)
        if isinstance(operator, (Conv2D, FullyConnected)):
            # A kernel reads this many inputs: k k C, or all features of a linear layer.
            yield operator.name, 4 * (inputs[1].elements // inputs[1].shape[0])
        elif isinstance(operator, DepthwiseConv2D):
            k_h, k_w = operator.kernel(inputs)
            _, height, width, _ = inputs[0].shape
            yield operator.name, 2 * (height + 2 * (k_h // 2)) * (width + 2 * (k_w // 2))


def _kernel_copies(graph: Graph) -> Iterator[tuple[str, int]]:
    for operator in graph.operators:
        if isinstance(operator, Conv2D):
            c_out, k_h, k_w, c_in = graph.inputs_of(operator)[1].shape
            if (k_h, k_w) != (1, 1):
                yield operator.name, 2 * k_h * k_w * c_in * c_out
