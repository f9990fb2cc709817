"""Instructions per multiplication of the C kernels on an emulated Cortex-M, beside their peers.

Counted between entry and return, im2col and requantization included; padded taps count as
multiplications; a conditional instruction in an IT block counts as one. Every output byte is
compared with the reference operators. The peers were measured in the same way: their published
sources compiled with -O3, on the same core. The counts do not depend on the machine.

A layer without activation needs the sign of each sum for TF-Lite's second rounding, and one whose
zero point is its smallest output (RELU, RELU6) does not; the bounds hold for the former.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from harness import main, show

from tinyml_course.firmware import Machine, build
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.depthwise_layer import (
    depthwise_layer,
    depthwise_map_layer,
    ring_rows,
)
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.kernels.sources import headers, sources
from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from tinyml_course.mcu import board, reference
from tinyml_course.mcu.planning.inner import scratch_bytes

BOARDS = {"cortex-m7": "stm32h743", "cortex-m4": "stm32f412"}


@dataclass(frozen=True)
class Layer:
    """A layer to measure; ``bound`` is in instructions per multiplication, on the Cortex-M7.

    ``streamed``: row by row, from or to planar rows. ``k``: rows and columns of the window, 0 of a
    linear layer.
    ``peers``: CMSIS-NN, TinyEngine with TF-Lite's rounding, TinyEngine with a float multiplier.
    """

    title: str
    size: tuple[int, int]
    c_in: int
    c_out: int
    k: int | tuple[int, int]
    stride: int
    depthwise: bool = False
    streamed: bool = False
    bound: float | None = None
    peers: tuple[float, float, float] | None = None

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.k if isinstance(self.k, tuple) else (self.k, self.k)

    @property
    def in_place(self) -> bool:
        """Whether the output lies over the input."""
        return self.depthwise and not self.streamed and self.c_in == self.c_out


LAYERS = {
    "pointwise": Layer(
        "pointwise 20x20x48 -> 96", (20, 20), 48, 96, 1, 1, bound=1.2, peers=(2.24, 2.10, 1.68)
    ),
    "depthwise": Layer(
        "depthwise 3x3, 20x20x96, in place", (20, 20), 96, 96, 3, 1, True,
        bound=4.0, peers=(8.47, 8.37, 6.50),
    ),
    "stem": Layer(
        "stem 3x3 stride 2, 160x160x3 -> 16", (160, 160), 3, 16, 3, 2,
        bound=1.6, peers=(4.90, 2.79, 1.98),
    ),
    "pointwise_rows": Layer(
        "pointwise 20x20x48 -> 96, to planar rows", (20, 20), 48, 96, 1, 1, streamed=True
    ),
    "depthwise_rows": Layer(
        "depthwise 3x3, 20x20x96, from planar rows", (20, 20), 96, 96, 3, 1, True, True
    ),
    "depthwise_5_rows": Layer(
        "depthwise 5x5, 20x20x96, from planar rows", (20, 20), 96, 96, 5, 1, True, True
    ),
    "projection": Layer("pointwise 20x20x96 -> 24", (20, 20), 96, 24, 1, 1),
    "late": Layer("pointwise 5x5x192 -> 96", (5, 5), 192, 96, 1, 1),
    "conv": Layer("conv 3x3, 20x20x16 -> 32", (20, 20), 16, 32, 3, 1),
    "depthwise_stride2": Layer("depthwise 3x3 stride 2, 20x20x96", (20, 20), 96, 96, 3, 2, True),
    "depthwise_5": Layer("depthwise 5x5, 20x20x96", (20, 20), 96, 96, 5, 1, True),
    "depthwise_5_stride2": Layer("depthwise 5x5 stride 2, 20x20x96", (20, 20), 96, 96, 5, 2, True),
    "depthwise_7": Layer("depthwise 7x7, 20x20x96", (20, 20), 96, 96, 7, 1, True),
    "depthwise_of_one": Layer(
        "depthwise 10x8 stride 2, 49x40x1 -> 8", (49, 40), 1, 8, (10, 8), 2, True
    ),
    "depthwise_small": Layer("depthwise 3x3, 3x3x256", (3, 3), 256, 256, 3, 1, True),
    "depthwise_7_small": Layer("depthwise 7x7, 2x2x384", (2, 2), 384, 384, 7, 1, True),
    "linear": Layer("fully connected 640 -> 128", (1, 1), 640, 128, 0, 1),
    "depthwise_7_stride2": Layer("depthwise 7x7 stride 2, 20x20x96", (20, 20), 96, 96, 7, 2, True),
}  # fmt: skip


def graph_of(layer: Layer, activation: str) -> Graph:
    """The layer with random weights."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("one")
    source = builder.input((1, *layer.size, layer.c_in), Quantization.per_tensor(0.05, -7))
    kind = DepthwiseConv2D if layer.depthwise else Conv2D if layer.k else FullyConnected
    k = layer.window
    shape = (1, *k, layer.c_out) if layer.depthwise else (layer.c_out, *k, layer.c_in)
    if kind is FullyConnected:
        shape = layer.c_out, layer.c_in
    weight = rng.integers(-127, 128, shape).astype(np.int8)
    taps = weight.size // layer.c_out
    scales = (rng.uniform(0.5, 1, layer.c_out) / 70 / np.sqrt(taps)).astype(np.float32)
    bias = rng.integers(-5000, 5000, layer.c_out).astype(np.int32)
    output = Quantization.per_tensor(0.03, 3 if activation == "NONE" else -128)
    window = {
        "stride": (layer.stride, layer.stride),
        "padding": ((k[0] // 2, k[0] // 2), (k[1] // 2, k[1] // 2)),
    }
    builder.weighted(
        kind, "layer", source, weight, scales, bias, output,
        activation=activation, **({} if kind is FullyConnected else window),
    )  # fmt: skip
    return builder.finish("layer")


def program(graph: Graph, streamed: bool) -> str:
    """C that defines the layer and runs it."""
    operator = graph.operators[0]
    if isinstance(operator, FullyConnected):
        linear = plain_layer(graph, operator)
        body = f"{linear.function}(&layer, &in, out);"
        return function("fully_connected", linear, body)
    _, height, width, c_in = graph.tensors[operator.inputs[0]].shape
    _, rows, columns, c_out = graph.output_of(operator).shape
    source, target = width * c_in, columns * c_out
    if isinstance(operator, DepthwiseConv2D):
        make = depthwise_layer if streamed else depthwise_map_layer
        code, header = make(graph, operator), "depthwise"
        body = f"{code.function}(&layer, in, out, scratch, {ring_rows(graph, operator)});"
        if streamed:
            k, top = operator.kernel(graph.inputs_of(operator))[0], operator.padding[0][0]
            body = f"""
                for (int y = 0; y < {rows}; y++) {{
                    const int8_t *rows[{k}];
                    for (int ky = 0, row = y * {operator.stride[0]} - {top}; ky < {k}; ky++, row++)
                        rows[ky] = row >= 0 && row < {height} ? in + row * {source} : 0;
                    tinyml_depthwise_row(&layer, rows, out + y * {target});
                }}"""
    else:
        assert isinstance(operator, Conv2D)
        code, header = conv_layer(graph, operator), "conv"
        last = f", {height * width}" if code.function == "tinyml_pointwise" else ""
        body = f"{code.function}(&layer, in, out, scratch{last});"
        if streamed:
            body = f"""
                for (int y = 0; y < {rows}; y++)
                    tinyml_pointwise_planar(
                        &layer, in + y * {source}, out + y * {target}, scratch, {width}
                    );"""
    return function(header, code, body)


def function(header: str, code: LayerCode, body: str) -> str:
    """C that defines the layer and `run`."""
    header = "conv" if code.struct == "tinyml_conv_layer" else header
    return (
        f'#include "tinyml_{header}.h"\n{code.definition("layer")}'
        f"void run(const int8_t *in, int8_t *out, void *scratch) {{ {body} }}\n"
    )


def measure_layer(layer: Layer, activation: str, core: str) -> dict[str, Any]:
    """Instructions, multiplications, bytes of code; raises if a byte is wrong."""
    graph = graph_of(layer, activation)
    operator = graph.operators[0]
    image = np.random.default_rng(1).integers(-128, 128, (1, *layer.size, layer.c_in), np.int8)
    expected = reference.run(graph, image)
    target = board(BOARDS[core])
    files = {**sources(), "layer.c": program(graph, layer.streamed)}
    built = build(target, files, headers(), keep=["run"])
    machine = Machine(target, built)
    stored = image
    if layer.streamed and layer.depthwise:
        stored = image.swapaxes(2, 3)
    elif layer.streamed:
        expected = expected.swapaxes(2, 3)
    source = machine.place(np.resize(stored, max(image.size, expected.size)))
    out = source if layer.in_place else machine.place(np.zeros(expected.size, np.int8))
    scratch = machine.place(np.zeros(scratch_bytes(graph, operator), np.int8))
    done = machine.call("run", source, out, scratch)
    if not np.array_equal(machine.read(out, expected.shape), expected):
        raise AssertionError(f"{layer.title}, {activation}, {core}: wrong bytes")
    macs = operator.macs(graph.inputs_of(operator))
    return {
        "instructions": done.instructions,
        "macs": macs,
        "instructions_per_mac": round(done.instructions / macs, 4),
        "stack_bytes": done.stack_depth_bytes,
    }


def measure() -> dict[str, Any]:
    results: dict[str, Any] = {}
    rows = []
    for name, layer in LAYERS.items():
        figures = {
            core: {a: measure_layer(layer, a, core) for a in ("NONE", "RELU6")} for core in BOARDS
        }
        ours = {c: figures[c]["NONE"]["instructions_per_mac"] for c in BOARDS}
        relu = {c: figures[c]["RELU6"]["instructions_per_mac"] for c in BOARDS}
        verdict = ""
        if layer.bound is not None:
            verdict = "PASS" if ours["cortex-m7"] <= layer.bound else "MISS"
        peers = [f"{p:.2f}" for p in layer.peers] if layer.peers else ["", "", ""]
        rows.append(
            [layer.title, *(f"{v:.2f}" for v in (*ours.values(), *relu.values())), *peers,
             f"{layer.bound or ''}", verdict]
        )  # fmt: skip
        results[name] = {
            "layer": layer.title,
            "bound": layer.bound,
            "verdict": verdict,
            "peers": dict(zip(PEERS, layer.peers, strict=True)) if layer.peers else None,
            **figures,
        }
    show(
        "Instructions per multiplication, requantization and im2col included, bytes compared",
        ["layer", "M7", "M4", "M7, RELU6", "M4, RELU6", *PEERS, "bound", ""],
        rows,
    )
    return {"kernels": results}


PEERS = ("CMSIS-NN", "TinyEngine", "TinyEngine, float")

if __name__ == "__main__":
    main(__doc__ or "", measure)
