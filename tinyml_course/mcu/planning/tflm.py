"""TF-Lite Micro's arena, with its reference kernels and with CMSIS-NN's.

Greedy by size with 16-byte alignment and nothing in place; what an operator pads outside SAME and
VALID is a PAD of its own, which costs a second copy of the map. Behind the activations lie the
interpreter's own structures. The rule equals the arena head that the public interpreter prints,
and with a PAD before every convolution (`explicit_padding(graph, everywhere=True)`, as the
published files were converted) the published figures of the MCUNet networks.
"""

import math

from tinyml_course.graph import Graph, Lifetime, lifetimes
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.graph.padding import explicit_padding
from tinyml_course.mcu.planning.first_fit import Block, first_fit
from tinyml_course.mcu.planning.layout import Buffer, Plan, Role
from tinyml_course.mcu.planning.part import Part

ALIGNMENT = 16

# Interpreter structures: per output channel with a multiplier and shift of its own, per operator,
# and once; the last two fitted to the published figures of microcontrollers (bytes). On a PC with
# its longer pointers the public interpreter takes 220 to 310 bytes an operator.
TAIL_PER_CHANNEL, TAIL_PER_OPERATOR, TAIL_ONCE = 8, 146.9, 554


def tflm(graph: Graph) -> Plan:
    """TF-Lite Micro with its reference kernels, which need no scratch."""
    runnable = explicit_padding(graph)
    return _plan(graph, runnable, "tflm", {})


def cmsis_nn(graph: Graph) -> Plan:
    """TF-Lite Micro with CMSIS-NN: im2col columns in int16 while their operator runs.

    ``4 k k C`` bytes for convolutions larger than 1x1, ``2 k k C`` for depthwise ones.
    """
    runnable = explicit_padding(graph)
    scratch: dict[str, int] = {}
    for operator in runnable.operators:
        if isinstance(operator, (Conv2D, DepthwiseConv2D)):
            inputs = runnable.inputs_of(operator)
            k_h, k_w = operator.kernel(inputs)
            window = k_h * k_w * inputs[0].shape[3]
            if isinstance(operator, DepthwiseConv2D):
                scratch[operator.name] = 2 * window
            elif (k_h, k_w) != (1, 1):
                scratch[operator.name] = 4 * window
    return _plan(graph, runnable, "cmsis_nn", scratch)


def interpreter_bytes(graph: Graph) -> int:
    """The part of the arena that holds the interpreter's structures.

    Convolutions always keep a multiplier and a shift per channel, linear layers only where their
    weights have a scale per channel (TF-Lite Micro, kernels/fully_connected_common.cc).
    """
    channels = sum(
        graph.output_of(operator).shape[-1]
        for operator in graph.operators
        if isinstance(operator, (Conv2D, DepthwiseConv2D))
        or (isinstance(operator, FullyConnected) and _is_per_channel(graph, operator))
    )
    operators = len(graph.operators)
    return math.ceil(TAIL_PER_CHANNEL * channels + TAIL_PER_OPERATOR * operators + TAIL_ONCE)


def _is_per_channel(graph: Graph, operator: FullyConnected) -> bool:
    quantization = graph.inputs_of(operator)[1].quantization
    return quantization is not None and not quantization.is_per_tensor


def _plan(source: Graph, graph: Graph, policy: str, scratch: dict[str, int]) -> Plan:
    spans = lifetimes(graph)
    steps = {operator.name: step for step, operator in enumerate(graph.operators)}
    # The planner's requests in its order: tensors, then scratch. Scratch has a name of its own,
    # because an operator and the tensor it writes may share one.
    requests: list[tuple[str, Role, int, Lifetime]] = [
        (tensor.name, "activation", tensor.size_bytes, spans[tensor.name])
        for tensor in graph.activations()
    ]
    requests += [
        (name, "scratch", size, Lifetime(steps[name], steps[name]))
        for name, size in scratch.items()
    ]
    blocks = [
        Block((f"{role}/{name}",), (Part(_aligned(size), life),))
        for name, role, size, life in requests
    ]
    position = {block.names[0]: index for index, block in enumerate(blocks)}
    # Of two requests of one size the later one goes first.
    offsets = first_fit(blocks, lambda b: (-b.size_bytes, -position[b.names[0]]))
    buffers = [
        Buffer(name, role, offsets[f"{role}/{name}"], size, life)
        for name, role, size, life in requests
    ]
    head = max(_aligned(buffer.end) for buffer in buffers)
    whole = Lifetime(0, len(graph.operators) - 1)
    buffers.append(Buffer("interpreter", "runtime", head, interpreter_bytes(graph), whole))
    return Plan(graph, policy, buffers, source=source)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT
