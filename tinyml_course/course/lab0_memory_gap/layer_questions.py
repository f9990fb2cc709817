"""Questions 1 to 5: one layer's size, parameters, MACs and bytes."""

# ruff: noqa: ARG005 - a planted mistake leaves out what it should use

import math

from tinyml_course.course.question import Mistake, Question, case
from tinyml_course.graph.counting import (
    activation_bytes,
    conv_macs,
    conv_output_size,
    conv_params,
)
from tinyml_course.memory_gap.macs import network_macs
from tinyml_course.memory_gap.network import Layer

Pair = tuple[int, int]


def layer(
    kind: str,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    kernel: Pair = (1, 1),
    groups: int = 1,
) -> Layer:
    """A layer as `memory_gap.layers` gives it, for cases."""
    return Layer(
        name=kind,
        kind=kind,
        reads=["x"],
        writes="y",
        input_shape=input_shape,
        output_shape=output_shape,
        kernel=kernel,
        groups=groups,
        params=0,
    )


OUTPUT_SIZE = Question(
    name="q1",
    title="output size of a convolution",
    points=6,
    reference=conv_output_size,
    cases=(
        case(224, 3, 2, 2),
        case(7, 3),
        case(10, 3, 2),
        case(224, 7, 2, 6),
        case(13, 4, 3, 1),
        case(5, 5),
    ),
    mistakes=(
        Mistake(
            "The first window is not a step: it takes one more than the number of steps, + 1.",
            lambda size, kernel, stride=1, padding=0: (size + padding - kernel) // stride,
        ),
        Mistake(
            "The stride is not used. It divides the way that the window can go.",
            lambda size, kernel, stride=1, padding=0: size + padding - kernel + 1,
        ),
        Mistake(
            "Padding is counted twice. Here it is the total of both sides; PyTorch's "
            "`padding=1` is 2 here.",
            lambda size, kernel, stride=1, padding=0: (size + 2 * padding - kernel) // stride + 1,
        ),
        Mistake(
            "The padding is not used. It makes the input larger before the window moves.",
            lambda size, kernel, stride=1, padding=0: (size - kernel) // stride + 1,
        ),
        Mistake(
            "You rounded up. A window that would hang over the edge is left out: round down.",
            lambda size, kernel, stride=1, padding=0: -(-(size + padding - kernel) // stride) + 1,
        ),
        Mistake(
            "The result has a fraction. Rows are whole: divide with `//`.",
            lambda size, kernel, stride=1, padding=0: (size + padding - kernel) / stride + 1,
        ),
        Mistake(
            "The 1 is added before the division. First divide, then add the first window.",
            lambda size, kernel, stride=1, padding=0: (size + padding - kernel + 1) // stride,
        ),
        Mistake(
            "Size over stride holds only where the padding is just right. The kernel counts too.",
            lambda size, kernel, stride=1, padding=0: -(-size // stride),
        ),
    ),
)

PARAMS = Question(
    name="q2",
    title="parameters of a convolution",
    points=6,
    reference=conv_params,
    cases=(
        case(3, 32, (3, 3)),
        case(16, 16, (3, 3), 16),
        case(8, 20, (1, 5)),
        case(12, 24, (3, 5), 4, False),
        case(32, 64, (1, 1), 1, False),
    ),
    mistakes=(
        Mistake(
            "The biases are missing: one for each output channel.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * (c_in // groups) * math.prod(kernel)
            ),
        ),
        Mistake(
            "There is a bias for each output channel, not for each input channel.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * (c_in // groups) * math.prod(kernel) + bias * c_in
            ),
        ),
        Mistake(
            "Biases are counted where `bias` is False.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * (c_in // groups) * math.prod(kernel) + c_out
            ),
        ),
        Mistake(
            "The groups are not used. An output channel reads only `c_in / groups` channels.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * c_in * math.prod(kernel) + bias * c_out
            ),
        ),
        Mistake(
            "Both channel counts are divided by the groups. All `c_out` channels exist; each reads "
            "fewer inputs.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                (c_out // groups) * (c_in // groups) * math.prod(kernel) + bias * c_out
            ),
        ),
        Mistake(
            "The kernel is taken as square. It has `kernel[0]` rows and `kernel[1]` columns.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * (c_in // groups) * kernel[0] ** 2 + bias * c_out
            ),
        ),
        Mistake(
            "One bias is counted for the whole layer. Each output channel has its own.",
            lambda c_in, c_out, kernel, groups=1, bias=True: (
                c_out * (c_in // groups) * math.prod(kernel) + bias
            ),
        ),
    ),
)

MACS = Question(
    name="q3",
    title="MACs of a convolution",
    points=8,
    reference=conv_macs,
    cases=(
        case((112, 112), 3, 32, (3, 3)),
        case((56, 56), 64, 64, (3, 3), 64),
        case((7, 5), 8, 16, (1, 1)),
        case((4, 6), 8, 16, (3, 5), 4),
    ),
    mistakes=(
        Mistake(
            "The groups are not used. A depthwise kernel reads one channel, not all.",
            lambda size, c_in, c_out, kernel, groups=1: (
                math.prod(size) * c_out * c_in * math.prod(kernel)
            ),
        ),
        Mistake(
            "This is twice as much: you count a multiplication and an addition (FLOPs). A MAC is "
            "both together.",
            lambda size, c_in, c_out, kernel, groups=1: (
                2 * math.prod(size) * c_out * (c_in // groups) * math.prod(kernel)
            ),
        ),
        Mistake(
            "This is the number of weights. Each is used once for every output position.",
            lambda size, c_in, c_out, kernel, groups=1: (
                c_out * (c_in // groups) * math.prod(kernel)
            ),
        ),
        Mistake(
            "The map is taken as square. It has `output_size[0]` rows, `output_size[1]` columns.",
            lambda size, c_in, c_out, kernel, groups=1: (
                size[0] ** 2 * c_out * (c_in // groups) * math.prod(kernel)
            ),
        ),
        Mistake(
            "Both channel counts are divided by the groups. Every output channel is computed; each "
            "reads `c_in / groups` channels.",
            lambda size, c_in, c_out, kernel, groups=1: (
                math.prod(size) * (c_out // groups) * (c_in // groups) * math.prod(kernel)
            ),
        ),
        Mistake(
            "The input channels are missing: a kernel reaches through `c_in / groups` of them.",
            lambda size, c_in, c_out, kernel, groups=1: math.prod(size) * c_out * math.prod(kernel),
        ),
        Mistake(
            "The bias is counted. It is added once, with no multiplication.",
            lambda size, c_in, c_out, kernel, groups=1: (
                math.prod(size) * c_out * ((c_in // groups) * math.prod(kernel) + 1)
            ),
        ),
        Mistake(
            "The kernel's area is missing: every output reads `K_h * K_w` positions.",
            lambda size, c_in, c_out, kernel, groups=1: math.prod(size) * c_out * (c_in // groups),
        ),
    ),
)


def _conv_terms(row: Layer, area: tuple[int, ...]) -> int:
    channels = row["output_shape"][2] * (row["input_shape"][2] // row["groups"])
    return math.prod(area[:2]) * channels * math.prod(row["kernel"])


def _is_conv(row: Layer) -> bool:
    return row["kind"] in ("conv", "depthwise")


def _linear(row: Layer) -> int:
    linear = row["kind"] == "linear"
    return row["input_shape"][-1] * row["output_shape"][-1] if linear else 0


def _macs(row: Layer) -> int:
    return _conv_terms(row, row["output_shape"]) if _is_conv(row) else _linear(row)


def _without_linear(network: list[Layer]) -> int:
    return sum(_macs(row) for row in network if _is_conv(row))


def _on_input_size(network: list[Layer]) -> int:
    return sum(
        _conv_terms(row, row["input_shape"]) if _is_conv(row) else _linear(row) for row in network
    )


def _without_groups(network: list[Layer]) -> int:
    return sum(_macs(row) * row["groups"] for row in network)


def _pools_too(network: list[Layer]) -> int:
    pools = [row for row in network if row["kind"] == "pool"]
    work = sum(math.prod(row["output_shape"]) * math.prod(row["kernel"]) for row in pools)
    return work + sum(map(_macs, network))


def _adds_too(network: list[Layer]) -> int:
    adds = [row for row in network if row["kind"] == "add"]
    return sum(math.prod(row["output_shape"]) for row in adds) + sum(map(_macs, network))


def _first_only(network: list[Layer]) -> int:
    return _macs(network[0])


def _without_depthwise(network: list[Layer]) -> int:
    return sum(_macs(row) for row in network if row["kind"] != "depthwise")


_POOL = layer("pool", (8, 8, 16), (1, 1, 16), (8, 8))
_STRIDED = layer("conv", (16, 16, 3), (8, 8, 16), (3, 3))
_DEPTHWISE = layer("depthwise", (8, 8, 16), (8, 8, 16), (3, 3), 16)

NETWORK_MACS = Question(
    name="q4",
    title="MACs of a network",
    points=7,
    reference=network_macs,
    cases=(
        case([_STRIDED]),
        case([_DEPTHWISE, layer("conv", (8, 8, 16), (8, 8, 24))]),
        case([layer("linear", (16,), (10,))]),
        case([_DEPTHWISE, layer("add", (8, 8, 16), (8, 8, 16)), layer("linear", (16,), (3,))]),
        case([_STRIDED, _POOL, layer("reshape", (1, 1, 16), (16,)), layer("linear", (16,), (2,))]),
    ),
    mistakes=(
        Mistake("The linear layers are missing: inputs times outputs.", _without_linear),
        Mistake(
            "You count positions of the input. A kernel runs once for each position of the output.",
            _on_input_size,
        ),
        Mistake("The groups are not used: pass `layer['groups']` on.", _without_groups),
        Mistake("Pooling is counted. It has no weights to multiply by.", _pools_too),
        Mistake("Additions are counted. An addition is no multiply-accumulate.", _adds_too),
        Mistake("Only the first layer is counted. Is `return` inside the loop?", _first_only),
        Mistake("The depthwise layers are missing. They are convolutions too.", _without_depthwise),
    ),
)

ACTIVATION_BYTES = Question(
    name="q5",
    title="bytes of an activation",
    points=5,
    reference=activation_bytes,
    cases=(
        case((112, 112, 32)),
        case((112, 112, 32), 32),
        case((7, 7, 5), 4),
        case((13,), 1),
        case((1,), 4),
    ),
    mistakes=(
        Mistake("These are bits. Eight of them are a byte.", lambda s, bits=8: math.prod(s) * bits),
        Mistake(
            "The last byte is lost: a byte that is only partly used is still taken. Round up.",
            lambda s, bits=8: math.prod(s) * bits // 8,
        ),
        Mistake(
            "Each element is rounded up to a byte of its own. They are packed; round up once.",
            lambda s, bits=8: math.prod(s) * math.ceil(bits / 8),
        ),
        Mistake(
            "The axes are added. An `H x W x C` map has their product of elements.",
            lambda s, bits=8: math.ceil(sum(s) * bits / 8),
        ),
        Mistake("`bits` is not used.", lambda s, bits=8: math.prod(s)),
        Mistake(
            "There is a fraction of a byte left. Memory comes in whole bytes: round up.",
            lambda s, bits=8: math.prod(s) * bits / 8,
        ),
        Mistake(
            "You rounded to the nearest byte. A started byte is a taken byte: round up.",
            lambda s, bits=8: round(math.prod(s) * bits / 8),
        ),
    ),
)

QUESTIONS = (OUTPUT_SIZE, PARAMS, MACS, NETWORK_MACS, ACTIVATION_BYTES)
