"""Measure how much flash the kernels take, for estimates: writes ``mcu/code_bytes.json``.

``python tools/code_bytes.py`` builds an image for each kind of operator and looks which functions
and descriptions the linker kept. Needs the extra ``firmware``.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from tinyml_course import mcu
from tinyml_course.firmware import Image, build, generate
from tinyml_course.graph import Graph, GraphBuilder, Operator, Quantization
from tinyml_course.graph import operators as kinds
from tinyml_course.graph.quantization import weight_limit
from tinyml_course.mcu.code_size import code_key, padding_row_bytes
from tinyml_course.mcu.flash import ALIGNMENT
from tinyml_course.mcu.packed_weights import BYTE_BITS, LEAST_BITS
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.models import compact, definition, random_graph
from tinyml_course.patching import schedule
from tinyml_course.whole_file import write_whole

TARGET = Path(mcu.__file__).parent / "code_bytes.json"
BOARD = mcu.board("stm32f746")
NETWORKS = ("vww0@64", "vww1@80", "in0@48", "proxyless@64")
SIZE, CHANNELS = 16, 4
# Activations as networks have them: any, and 0 to 6 behind a RELU6.
PLAIN, CLAMPED = Quantization.per_tensor(0.05, 3), Quantization.per_tensor(6 / 255, -128)


def probes() -> Iterator[Graph]:
    """Networks of one operator each."""
    for name, size in (("pointwise", 1), ("conv", 3)):
        yield _weighted(name, kinds.Conv2D, (CHANNELS, size, size, CHANNELS), 0, size // 2, 1)
    for size in (3, 5, 7):
        for stride in (1, 2):
            shape = (1, size, size, CHANNELS)
            name = f"depthwise{size}{stride}"
            yield _weighted(name, kinds.DepthwiseConv2D, shape, 3, size // 2, stride)
    yield _weighted("other", kinds.DepthwiseConv2D, (1, 2, 2, CHANNELS), 3, 0, 1)
    shape = (1, 3, 3, CHANNELS)
    yield _weighted("one", kinds.DepthwiseConv2D, shape, 3, 1, 1, (1, SIZE, SIZE, 1))
    yield _linear()
    window = {"size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
    yield _plain(kinds.AveragePool2D, **window)
    yield _plain(kinds.MaxPool2D, **window)
    yield _plain(kinds.Mean, axes=(1, 2))
    yield _plain(kinds.ReduceMax, axes=(1, 2))
    yield _plain(kinds.Pad, paddings=((0, 0), (1, 1), (1, 1), (0, 0)), value=None)
    yield _plain(kinds.Transpose, permutation=(0, 2, 1, 3))
    yield _plain(kinds.Concatenation, count=2, axis=3)
    yield _plain(
        kinds.StridedSlice,
        begin=(0, 1, 0, 0),
        size=(1, 4, 16, CHANNELS),
        strides=(1, 2, 1, 1),
    )
    yield _plain(kinds.ResizeNearestNeighbor, size=(32, 32))
    for kind in (kinds.HardSwish, kinds.Relu, kinds.Relu6):
        yield _plain(kind)
    yield _plain(kinds.Quantize, output=Quantization.per_tensor(0.1, 5))
    yield _plain(kinds.Logistic, output=Quantization.per_tensor(1 / 256, -128))
    yield _plain(kinds.Softmax, output=Quantization.per_tensor(1 / 256, -128))
    yield _plain(kinds.Add, count=2, output=PLAIN)
    yield _plain(kinds.Mul, count=2, output=PLAIN)
    yield _plain(kinds.Reshape, shape=(1, SIZE * SIZE * CHANNELS))


def _weighted(
    name: str,
    kind: type[Operator],
    shape: tuple[int, ...],
    axis: int,
    pad: int,
    stride: int,
    image: tuple[int, ...] | None = None,
    bits: int = 8,
) -> Graph:
    limit = weight_limit(bits)
    weight = np.random.default_rng(0).integers(-limit, limit + 1, shape) << 8 - bits
    builder = GraphBuilder(name)
    source = builder.input(image or (1, SIZE, SIZE, shape[3]), CLAMPED)
    return builder.finish(
        builder.weighted(
            kind,
            name,
            source,
            weight.astype(np.int8),
            np.full(shape[axis], 0.01, np.float32),
            np.zeros(shape[axis], np.int32),
            CLAMPED,
            stride=(stride, stride),
            padding=((pad, pad), (pad, pad)),
            activation="RELU6",
        )
    )


def _linear() -> Graph:
    builder = GraphBuilder("linear")
    source = builder.input((1, CHANNELS), PLAIN)
    weight = np.random.default_rng(0).integers(-127, 128, (CHANNELS, CHANNELS)).astype(np.int8)
    scales, bias = np.full(CHANNELS, 0.01, np.float32), np.zeros(CHANNELS, np.int32)
    return builder.finish(
        builder.weighted(kinds.FullyConnected, "linear", source, weight, scales, bias, PLAIN)
    )


def _plain(
    kind: type[Operator],
    count: int = 1,
    output: Quantization | None = None,
    **attributes: Any,
) -> Graph:
    builder = GraphBuilder(kind.kind)
    sources = [
        builder.input((1, SIZE, SIZE, CHANNELS), PLAIN, f"input{index}") for index in range(count)
    ]
    if count > 1:  # networks have one input
        sources = [sources[0]] * count
        builder.inputs = builder.inputs[:1]
        builder.tensors = {name: builder.tensors[name] for name in builder.inputs}
    return builder.finish(builder.apply(kind, "one", sources, output, **attributes))


def image_of(network: Graph | Any) -> tuple[Image, mcu.Plan]:
    """A network's image, without a program around it."""
    planned = mcu.plan(network)
    program = generate(planned)
    image = build(BOARD, program.sources, program.headers, keep=["network_run"])
    return image, planned


def kept(image: Image) -> dict[str, int]:
    """Bytes of all that the linker kept in flash, by ``file:name``; the network's own left out."""
    found: dict[int, tuple[str, int]] = {}
    with image.path.open("rb") as stream:
        table, file = ELFFile(stream).get_section_by_name(".symtab"), ""
        for entry in table.iter_symbols():
            kind, local = entry["st_info"]["type"], entry["st_info"]["bind"] == "STB_LOCAL"
            if kind == "STT_FILE":
                file = entry.name
            in_flash = BOARD.flash_base <= entry["st_value"] < BOARD.flash_base + BOARD.flash_bytes
            own = entry.name.startswith("network_") or (local and file == "network.c")
            if kind in ("STT_FUNC", "STT_OBJECT") and in_flash and entry["st_size"] and not own:
                name = f"{file}:{entry.name}" if local else entry.name
                size = -(-entry["st_size"] // ALIGNMENT) * ALIGNMENT
                # Of several names for one address, one.
                found.setdefault(entry["st_value"], (name, size))
    return dict(found.values())


def narrow() -> Graph:
    """A network whose map the kernel for narrow ones takes."""
    shape, image = (1, 7, 7, CHANNELS), (1, 4, 4, CHANNELS)
    return _weighted("narrow", kinds.DepthwiseConv2D, shape, 3, 3, 1, image)


def measure() -> dict[str, Any]:
    """The table."""
    start_up = kept(build(BOARD, {"main.c": "int main(void) { return 0; }"}))
    functions: dict[str, dict[str, int]] = {"start-up": start_up}
    descriptions = {}
    for graph in probes():
        key = code_key(graph, graph.operators[0])
        image, planned = image_of(graph)
        functions[key] = {n: s for n, s in kept(image).items() if n not in start_up}
        row = padding_row_bytes(graph, graph.operators[0])
        descriptions[key] = description(image, planned, functions[key]) - row
    functions["DEPTHWISE_CONV_2D narrow"] = {
        n: s for n, s in kept(image_of(narrow())[0]).items() if n not in start_up
    }
    calls, stages = _networks(functions)
    for bits in range(LEAST_BITS, BYTE_BITS):
        functions[f"unpack {bits}"], calls["unpack"] = _unpacking(bits)
    return {
        "functions": {**functions, "stages": stages},
        "descriptions": descriptions,
        "calls": calls,
    }


def _unpacking(bits: int) -> tuple[dict[str, int], int]:
    """What unpacks weights, and bytes of its call."""
    graph = _weighted("pointwise", kinds.Conv2D, (CHANNELS, 1, 1, CHANNELS), 0, 0, 1, None, bits)
    bare, _ = image_of(graph)
    packed, _ = image_of(Schedule(graph, packed=["pointwise"]))
    sizes = [
        sum(symbol.size for symbol in image.functions if symbol.name.startswith("network_"))
        for image in (bare, packed)
    ]
    functions = {n: s for n, s in kept(packed).items() if n.startswith("tinyml_unpack")}
    return functions, sizes[1] - sizes[0]


def description(image: Image, planned: mcu.Plan, functions: dict[str, int]) -> int:
    """Bytes of data that are neither the plan's constants nor the kernels'."""
    names = {name.rpartition(":")[2] for name in functions}
    data = image.code[0] + len(image.code[1])
    tables = sum(
        symbol.size
        for symbol in image.symbols.values()
        if not symbol.is_function and symbol.name in names and symbol.address >= data
    )
    return image.flash_bytes - len(image.code[1]) - planned.constants_bytes - tables


def _networks(functions: dict[str, dict[str, int]]) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes of calls for each operator, whole and streamed; what stages need of kernels beside."""
    known = {name for table in functions.values() for name in table}
    bytes_of, operators = {"whole": 0, "streamed": 0}, {"whole": 0, "streamed": 0}
    stages: dict[str, int] = {}
    graphs = [random_graph(compact(8, 1, 10)), *(random_graph(definition(n)) for n in NETWORKS)]
    for graph in graphs:
        for kind, network in (("whole", graph), ("streamed", schedule(graph))):
            image, _ = image_of(network)
            own = [s for s in image.functions if s.name.startswith("network_")]
            bytes_of[kind] += sum(symbol.size for symbol in own)
            operators[kind] += len(graph.operators)
            if kind == "streamed":
                stages |= {n: s for n, s in kept(image).items() if n not in known}
    return {kind: round(bytes_of[kind] / operators[kind]) for kind in bytes_of}, stages


if __name__ == "__main__":
    write_whole(TARGET, (json.dumps(measure(), indent=1) + "\n").encode())
    print(f"wrote {TARGET}")
