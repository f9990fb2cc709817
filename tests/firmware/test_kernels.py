"""The C kernels against the reference operators, to the byte, on this machine and on the core.

Random layers of every shape, each alone in an arena where its output lies as far over its input as
`mcu/overlap.py` allows and its scratch is as small as the planner's. Every byte that is neither
output nor scratch must be as before.
"""

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from every_operator import unsigned_twin

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from tinyml_course.firmware import Machine, build, build_host_library
from tinyml_course.firmware.kernels.channel_numbers import ChannelNumbers
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.conv_packing import column_order, pack_conv, unpack_conv
from tinyml_course.firmware.kernels.depthwise_layer import (
    depthwise_layer,
    depthwise_map_layer,
    ring_rows,
)
from tinyml_course.firmware.kernels.depthwise_packing import (
    FOUR_PAIRS,
    Order,
    pack_depthwise,
    pack_four,
    pack_narrow,
    unpack_depthwise,
)
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.kernels.sources import headers, sources
from tinyml_course.graph import Graph, GraphBuilder, Operator, Quantization
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    HardSwish,
    Logistic,
    LogSoftmax,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    Quantize,
    ReduceMax,
    Relu,
    Relu6,
    ResizeNearestNeighbor,
    Softmax,
    StridedSlice,
    Transpose,
    WindowOperator,
)
from tinyml_course.mcu import board, reference
from tinyml_course.mcu.overlap import lawful_overlap
from tinyml_course.mcu.planning.inner import scratch_bytes

BOARD = board("stm32h743")  # whose flash holds all of them
CASES = 150
GUARD = 32
ARENA_BYTES = 60_000
WORD = 4


@dataclass
class Case:
    """A graph of one operator, C that runs it, and what must come out."""

    graph: Graph
    image: np.ndarray
    definition: str
    body: str
    scratch: int
    planar_in: bool = False
    planar_out: bool = False
    streamed: bool = False

    @property
    def operator(self) -> Operator:
        return self.graph.operators[0]

    @property
    def stored(self) -> np.ndarray:
        """The image as it lies in memory; in planar rows channels come before columns."""
        stored = self.image.swapaxes(2, 3) if self.planar_in else self.image
        return np.ascontiguousarray(stored).view(np.int8)

    @property
    def expected(self) -> np.ndarray:
        """The output as it must lie in memory."""
        output = reference.run(self.graph, self.image)
        stored = output.swapaxes(2, 3) if self.planar_out else output
        return np.ascontiguousarray(stored).view(np.int8)


def zero_point(rng: np.random.Generator) -> int:
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))


def weighted_graph(
    rng: np.random.Generator,
    kind: type[Operator],
    shape: tuple[int, int, int],
    weight_shape: tuple[int, ...],
    stride: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]],
    activation: str | None = None,
    **numbers: int,
) -> Graph:
    """One weighted layer; a tenth of them with numbers that the fast kernels refuse."""
    wild = bool(numbers.get("wild", rng.random() < 0.1))
    builder = GraphBuilder("one")
    scale_in = 0.05
    source = builder.input((1, *shape), Quantization.per_tensor(scale_in, zero_point(rng)))
    axis = 3 if kind is DepthwiseConv2D else 0
    channels = weight_shape[axis]
    weight = rng.integers(-127, 128, weight_shape).astype(np.int8)
    if rng.random() < 0.3:
        weight = rng.choice(np.array([-128 if wild else -127, 127], np.int8), weight_shape)
    spread = 70 * 70 * np.sqrt(weight.size / channels)  # standard deviation of a sum
    # Multipliers from a quarter of the bytes in use to many of the sums saturated.
    real = 128 / spread * 2 ** rng.uniform(-2, 2 if not wild else 12, channels)
    bias = rng.integers(-spread, spread, channels).astype(np.int32)
    scale_out = 0.04
    activation = activation or str(rng.choice(["NONE", "RELU", "RELU6"]))
    low = -128 if activation != "NONE" and rng.random() < 0.7 else zero_point(rng)
    output = Quantization.per_tensor(scale_out, low)
    scales = (real * scale_out / scale_in).astype(np.float32)
    builder.weighted(
        kind, "layer", source, weight, scales, bias, output,
        stride=stride, padding=padding, activation=activation,
    )  # fmt: skip
    return builder.finish("layer")


def image_for(rng: np.random.Generator, graph: Graph) -> np.ndarray:
    shape = graph.tensors[graph.inputs[0]].shape
    if rng.random() < 0.3:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape, dtype=np.int8)


def draw_window(
    rng: np.random.Generator, sizes: list[int], strides: list[int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[tuple[int, int], tuple[int, int]], int]:
    """Height and width of a map, stride, padding and kernel; the kernel may exceed the map."""
    while True:
        k, stride = int(rng.choice(sizes)), int(rng.choice(strides))
        height, width = (int(v) for v in rng.integers(1, 14, 2))
        pads = rng.integers(0, k // 2 + 1, 4) if rng.random() < 0.4 else np.full(4, k // 2)
        if rng.random() < 0.15:  # maps that grow, windows that see nothing of the map
            pads = rng.integers(0, k + 2, 4)
        padding = (int(pads[0]), int(pads[1])), (int(pads[2]), int(pads[3]))
        if height + sum(padding[0]) >= k and width + sum(padding[1]) >= k:
            return (height, width), (stride, stride), padding, k


def conv_case(rng: np.random.Generator, name: str) -> Case:
    size, stride, padding, k = draw_window(rng, [1, 2, 3, 3, 5], [1, 1, 2])
    c_in = int(rng.choice([1, 2, 3, 3, 4, 7, 8, 12, 20]))
    c_out = int(rng.choice([1, 2, 3, 8, 9, 16]))
    graph = weighted_graph(rng, Conv2D, (*size, c_in), (c_out, k, k, c_in), stride, padding)
    return conv_code(rng, graph, name)


def pointwise_case(rng: np.random.Generator, name: str) -> Case:
    height, width = (int(v) for v in rng.integers(1, 7, 2))
    # Up to more than sixty-four taps, so that the unrolled loop runs again.
    c_in, c_out = int(rng.integers(1, 160)), int(rng.integers(1, 40))
    padding = (0, 0), (0, 0)
    graph = weighted_graph(rng, Conv2D, (height, width, c_in), (c_out, 1, 1, c_in), (1, 1), padding)
    return conv_code(rng, graph, name)


def conv_code(rng: np.random.Generator, graph: Graph, name: str) -> Case:
    operator = graph.operators[0]
    assert isinstance(operator, Conv2D)
    code = conv_layer(graph, operator)
    pixels = graph.tensors["input"].shape[1] * graph.tensors["input"].shape[2]
    last = f", {pixels}" if code.function == "tinyml_pointwise" else ""
    body = f"{code.function}(&{name}, in, out, scratch{last});"
    image = image_for(rng, graph)
    return Case(graph, image, code.definition(name), body, scratch_bytes(graph, operator))


def depthwise_case(rng: np.random.Generator, name: str) -> Case:
    size, stride, padding, k = draw_window(rng, [3, 3, 3, 5, 7, 2], [1, 1, 2])
    channels = int(rng.choice([1, 2, 3, 4, 4, 5, 8]))
    multiplier = int(rng.choice([1, 1, 1, 2, 3]))
    graph = weighted_graph(
        rng, DepthwiseConv2D, (*size, channels), (1, k, k, channels * multiplier), stride, padding
    )
    return depthwise_code(rng, graph, name, depthwise_map_layer)


def one_channel_case(rng: np.random.Generator, name: str) -> Case:
    """One map, several outputs of each window: mostly a convolution."""
    k_h, k_w = int(rng.integers(1, 11)), int(rng.integers(1, 9))
    size = int(rng.integers(k_h, 20)), int(rng.integers(k_w, 50))
    stride = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    padding = (k_h // 2, int(rng.integers(0, k_h))), (k_w // 2, int(rng.integers(0, k_w)))
    shape = 1, k_h, k_w, int(rng.integers(2, 10))
    graph = weighted_graph(rng, DepthwiseConv2D, (*size, 1), shape, stride, padding)
    return depthwise_code(rng, graph, name, depthwise_map_layer)


def depthwise_code(
    rng: np.random.Generator,
    graph: Graph,
    name: str,
    layer: Callable[[Graph, DepthwiseConv2D], LayerCode],
) -> Case:
    operator = graph.operators[0]
    assert isinstance(operator, DepthwiseConv2D)
    code = layer(graph, operator)
    body = f"{code.function}(&{name}, in, out, scratch, {ring_rows(graph, operator)});"
    image = image_for(rng, graph)
    # Its scratch may begin anywhere, but where it is a convolution.
    shift = 0 if "one_channel" in code.function else int(rng.integers(0, 4))
    body = body.replace("scratch", f"scratch + {shift}")
    scratch = scratch_bytes(graph, operator) + shift
    return Case(graph, image, code.definition(name), body, scratch)


def row_loop(graph: Graph, operator: WindowOperator, source_row: int, call: str) -> str:
    """C that makes each row of the output from pointers to the rows that it covers."""
    k_h, _ = operator.kernel(graph.inputs_of(operator))
    height = graph.tensors["input"].shape[1]
    _, rows, columns, channels = graph.output_of(operator).shape
    return f"""
        for (int y = 0; y < {rows}; y++) {{
            const int8_t *rows[{k_h}];
            for (int ky = 0; ky < {k_h}; ky++) {{
                int row = y * {operator.stride[0]} - {operator.padding[0][0]} + ky;
                rows[ky] = row >= 0 && row < {height} ? in + row * {source_row} : 0;
            }}
            {call.format(out=f"out + y * {columns * channels}")}
        }}"""


def streamed_conv_case(rng: np.random.Generator, name: str) -> Case:
    case = conv_case(rng, name)
    _, _, width, c_in = case.image.shape
    if "tinyml_pointwise(" not in case.body:
        case.planar_out = bool(rng.random() < 0.5)
        function = case.body.split("(")[0] + "_row" + ("_planar" if case.planar_out else "")
        call = f"{function}(&{name}, rows, {{out}}, scratch);"
        case.body = row_loop(case.graph, case.operator, width * c_in, call)
    case.streamed = True
    return case


def streamed_depthwise_case(rng: np.random.Generator, name: str) -> Case:
    graph = depthwise_case(rng, name).graph
    case = depthwise_code(rng, graph, name, depthwise_layer)
    _, _, width, c_in = case.image.shape
    call = f"tinyml_depthwise_row(&{name}, rows, {{out}});"
    case.body = row_loop(case.graph, case.operator, width * c_in, call)
    case.scratch = 0
    case.planar_in = case.streamed = True
    if rng.random() < 0.5:
        # From pixels, through planar rows.
        size, row = case.image.size, width * c_in
        copy = f"for (int i = 0; i < {size}; i += {row}) "
        copy += f"tinyml_planar_row(in + i, scratch + i, {width}, {c_in});"
        case.body = copy + case.body.replace("? in +", "? scratch +")
        case.scratch, case.planar_in = size, False
    return case


def streamed_pointwise_case(rng: np.random.Generator, name: str) -> Case:
    case = pointwise_case(rng, name)
    _, height, width, c_in = case.image.shape
    c_out = case.graph.output_of(case.operator).shape[3]
    case.streamed = True
    if "tinyml_pointwise(" in case.body:
        case.planar_out = True
        case.body = f"""
        for (int y = 0; y < {height}; y++)
            tinyml_pointwise_planar(
                &{name}, in + y * {width * c_in}, out + y * {width * c_out}, scratch, {width}
            );"""
    return case


def plain_case(rng: np.random.Generator, name: str) -> Case:
    return plain_code(rng, plain_graph(rng), name)


def plain_code(rng: np.random.Generator, graph: Graph, name: str) -> Case:
    operator = graph.operators[0]
    code = plain_layer(graph, operator)
    definition = code.definition(name)
    inputs = []
    for i, tensor in enumerate(
        graph.inputs_of(operator)[: 2 if operator.kind != "FULLY_CONNECTED" else 1]
    ):
        inputs.append("in")
        if tensor.is_constant:
            values = ", ".join(map(str, tensor.values().ravel().view(np.int8)))
            definition += f"static const int8_t {name}_in{i}[] = {{{values}}};\n"
            inputs[-1] = f"{name}_in{i}"
    body = f"{code.function}(&{name}, (const int8_t *const[]){{{', '.join(inputs)}}}, out);"
    return Case(graph, image_for(rng, graph), definition, body, 0)


def linear_case(rng: np.random.Generator, name: str) -> Case:
    """Any number of features and outputs, odd ones too."""
    features, outputs = int(rng.integers(1, 130)), int(rng.integers(1, 24))
    return plain_code(rng, weighted_features(rng, (1, features), (outputs, features)), name)


def unsigned_case(rng: np.random.Generator, name: str) -> Case:
    """A layer in uint8, its weights with any zero point."""
    draw = [conv_case, pointwise_case, depthwise_case, plain_case][int(rng.integers(4))]
    graph = draw(rng, name).graph
    if isinstance(graph.operators[0], (Logistic, LogSoftmax)):  # which have no uint8 form
        return unsigned_case(rng, name)
    graph = unsigned_twin(graph, rng)
    operator = graph.operators[0]
    if isinstance(operator, DepthwiseConv2D):
        case = depthwise_code(rng, graph, name, depthwise_map_layer)
    else:
        case = (conv_code if isinstance(operator, Conv2D) else plain_code)(rng, graph, name)
    case.image = case.image.view(np.uint8)
    return case


def plain_graph(rng: np.random.Generator) -> Graph:
    """One operator that has no fast kernel."""
    builder = GraphBuilder("one")
    shape = 1, *(int(n) for n in rng.integers(1, 9, 3))
    scale = 0.05

    def quantization(factor: float) -> Quantization:
        return Quantization.per_tensor(scale * factor, zero_point(rng))

    source = builder.input(shape, quantization(1))
    any_scale = quantization(float(2 ** rng.uniform(-2, 2)))
    activation = str(rng.choice(["NONE", "RELU", "RELU6"]))
    kind = rng.choice(
        [Add, Add, Mul, AveragePool2D, MaxPool2D, Mean, ReduceMax, FullyConnected, HardSwish, Relu,
         Relu6, Quantize, Logistic, LogSoftmax, Softmax, Pad, Transpose, Concatenation,
         StridedSlice, ResizeNearestNeighbor]
    )  # fmt: skip
    match kind.__name__:
        case "Add" | "Mul":
            small = [n if rng.random() < 0.7 else 1 for n in shape]
            values = rng.integers(-128, 128, small).astype(np.int8)
            other = builder.constant("other", values, quantization(float(2 ** rng.uniform(-3, 3))))
            pair = [source, other] if rng.random() < 0.5 else [other, source]
            builder.apply(kind, "layer", pair, any_scale, activation=activation)
        case "AveragePool2D" | "MaxPool2D":
            size = tuple(int(min(n, rng.integers(1, 4))) for n in shape[1:3])
            pads = tuple((int(rng.integers(0, k)), int(rng.integers(0, k))) for k in size)
            stride = tuple(int(n) for n in rng.integers(1, 3, 2))
            builder.apply(
                kind, "layer", [source], size=size, stride=stride, padding=pads,
                activation=activation,
            )  # fmt: skip
        case "Mean" | "ReduceMax":
            axes = tuple(int(a) for a in np.flatnonzero(rng.random(3) < 0.6) + 1) or (1, 2)
            output = any_scale if kind is Mean else None
            builder.apply(kind, "layer", [source], output, axes=axes)
        case "FullyConnected":
            features, outputs = int(np.prod(shape)), int(rng.integers(1, 20))
            return weighted_features(rng, shape, (outputs, features))
        case "HardSwish" | "Relu" | "Quantize":
            builder.apply(kind, "layer", [source], any_scale)
        case "Logistic" | "Softmax":
            builder.apply(kind, "layer", [source], Quantization.per_tensor(1 / 256, -128))
        case "LogSoftmax":
            builder.apply(kind, "layer", [source], Quantization.per_tensor(1 / 16, 127))
        case "Relu6":
            builder.apply(kind, "layer", [source])
        case "Pad":
            pads = tuple(
                (int(a), int(b)) for a, b in rng.integers(0, 3, (4, 2)) * [[0], [1], [1], [1]]
            )
            builder.apply(kind, "layer", [source], paddings=pads)
        case "Transpose":
            order = (0, *(int(n) for n in rng.permutation(3) + 1))
            builder.apply(kind, "layer", [source], permutation=order)
        case "Concatenation":
            builder.apply(kind, "layer", [source, source], axis=int(rng.integers(1, 4)))
        case "StridedSlice":
            strides = [int(rng.choice([1, 2, -1])) for _ in shape]
            strides[0] = 1
            begin = [0 if s > 0 else n - 1 for n, s in zip(shape, strides, strict=True)]
            size = [-(-n // abs(s)) for n, s in zip(shape, strides, strict=True)]
            builder.apply(
                kind, "layer", [source],
                begin=tuple(begin), size=tuple(size), strides=tuple(strides),
            )  # fmt: skip
        case "ResizeNearestNeighbor":
            size = tuple(int(n) for n in rng.integers(1, 12, 2))
            builder.apply(kind, "layer", [source], size=size)
    return builder.finish("layer")


def weighted_features(
    rng: np.random.Generator, shape: tuple[int, ...], weight_shape: tuple[int, int]
) -> Graph:
    """A linear layer."""
    builder = GraphBuilder("one")
    source = builder.input(shape, Quantization.per_tensor(0.05, zero_point(rng)))
    weight = rng.integers(-127, 128, weight_shape).astype(np.int8)
    wild = rng.random() < 0.2  # multipliers above one, which the fast kernel refuses
    scales = rng.uniform(1e-4, 10 if wild else 1e-2, weight_shape[0]).astype(np.float32)
    bias = rng.integers(-5000, 5000, weight_shape[0]).astype(np.int32)
    activation = str(rng.choice(["NONE", "RELU", "RELU6"]))
    output = Quantization.per_tensor(0.1, zero_point(rng))
    builder.weighted(
        FullyConnected, "layer", source, weight, scales, bias, output, activation=activation
    )
    return builder.finish("layer")


KINDS: dict[str, Callable[[np.random.Generator, str], Case]] = {
    "conv": conv_case,
    "pointwise": pointwise_case,
    "depthwise": depthwise_case,
    "one_channel": one_channel_case,
    "streamed_conv": streamed_conv_case,
    "streamed_pointwise": streamed_pointwise_case,
    "streamed_depthwise": streamed_depthwise_case,
    "linear": linear_case,
    "plain": plain_case,
    "unsigned": unsigned_case,
}


def all_cases() -> dict[str, Case]:
    rng = np.random.default_rng(11)
    return {
        f"{kind}_{i}": draw(rng, f"{kind}_{i}")
        for kind, draw in KINDS.items()
        for i in range(CASES)
    }


INCLUDES = "".join(f'#include "{name}"\n' for name in sorted(headers()) if "dsp" not in name)


def program(cases: dict[str, Case]) -> dict[str, str]:
    each = [
        f"{case.definition}void run_{name}(const int8_t *in, int8_t *out, int8_t *scratch) "
        f"{{ {case.body} }}\n"
        for name, case in cases.items()
    ]
    return {**sources(), "cases.c": INCLUDES + "".join(each)}


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return all_cases()


@pytest.fixture(scope="module")
def host(cases: dict[str, Case]) -> ctypes.CDLL:
    return build_host_library(program(cases), headers())


@pytest.fixture(scope="module")
def core(cases: dict[str, Case]) -> Machine:
    return core_with(cases)


@pytest.fixture(scope="module")
def core_without(cases: dict[str, Case]) -> Machine:
    """The plain C, as for a core without DSP extension."""
    return core_with(cases, "-DTINYML_DSP_PORTABLE")


def core_with(cases: dict[str, Case], *flags: str) -> Machine:
    kept = [f"run_{name}" for name in cases]
    image = build(BOARD, program(cases), headers(), keep=kept, flags=flags)
    return Machine(BOARD, image, strict=True)


Run = Callable[[str, np.ndarray, tuple[int, int, int]], np.ndarray]


def on_host(library: ctypes.CDLL) -> Run:
    def run(name: str, arena: np.ndarray, offsets: tuple[int, int, int]) -> np.ndarray:
        base = arena.ctypes.data
        getattr(library, f"run_{name}")(*(ctypes.c_void_p(base + o) for o in offsets))
        return arena

    return run


def on_core(machine: Machine) -> Run:
    def run(name: str, arena: np.ndarray, offsets: tuple[int, int, int]) -> np.ndarray:
        machine.reset()
        base = machine.place(arena)
        machine.call(f"run_{name}", *(base + o for o in offsets))
        return machine.read(base, arena.shape)

    return run


def check(case: Case, name: str, run: Run, overlapping: bool) -> None:
    """Run a case in an arena of exactly what it needs, between guards."""
    expected = case.expected
    lawful = overlapping and not case.streamed
    overlap = lawful_overlap(case.graph, case.operator, "input") if lawful else None
    distance = case.image.size + GUARD
    if overlap is not None:
        distance = min(overlap.most, case.image.size)
    start = GUARD + max(0, -distance)
    out = start + distance
    scratch = max(start + case.image.size, out + expected.size) + GUARD
    scratch = -(-scratch // WORD) * WORD
    rng = np.random.default_rng(1)
    arena = rng.integers(-128, 128, scratch + case.scratch + GUARD, dtype=np.int8)
    arena[start : start + case.image.size] = case.stored.ravel()
    before = arena.copy()
    after = run(name, arena, (start, out, scratch))
    got = after[out : out + expected.size].reshape(expected.shape)
    assert np.array_equal(got, expected), f"{name}: {np.count_nonzero(got != expected)} differ"
    own = np.zeros(arena.size, bool)
    own[out : out + expected.size] = own[scratch : scratch + case.scratch] = True
    stray = np.flatnonzero(~own & (after != before))
    assert not stray.size, f"{name}: wrote to {stray[:5] - out} from the output's start"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("where", ["host", "core", "core_without"])
def test_bytes(
    kind: str, overlapping: bool, where: str, cases: dict[str, Case], request: pytest.FixtureRequest
) -> None:
    machine = request.getfixturevalue(where)
    run = on_host(machine) if where == "host" else on_core(machine)
    for name, case in cases.items():
        if name.rsplit("_", 1)[0] == kind:
            check(case, name, run, overlapping)


def headers_text() -> str:
    return "".join(map(str, headers().values()))


def test_cases_reach_every_kernel(cases: dict[str, Case]) -> None:
    text = "".join(case.definition + case.body for case in cases.values())
    for function in ("tinyml_conv(", "tinyml_conv_any(", "tinyml_pointwise(", "tinyml_depthwise("):
        assert text.count(function) > 5, function
    kernels = {line.strip() for line in text.splitlines() if ".kernel = &" in line}
    declared = re.findall(r"extern const tinyml_depthwise_kernel (.*?);", headers_text(), re.S)
    names = re.findall(r"tinyml_\w+", " ".join(declared))
    assert kernels == {f".kernel = &{name}," for name in names}
    quick = "tinyml_depthwise_narrow(", "tinyml_depthwise_four(", "tinyml_conv_of_one_channel("
    for function in quick:
        assert text.count(function) > 2, function
    for function in ("tinyml_fully_connected(", "tinyml_fully_connected_any("):
        assert function in text
    assert all(r in text for r in ("TINYML_SIGNED", "TINYML_UNSIGNED", "TINYML_CLAMPED"))


@pytest.mark.parametrize("seed", range(20))
def test_packing_is_a_permutation_with_an_inverse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    c_out, k_h, k_w, c_in = (int(v) for v in rng.integers(1, 8, 4))
    weight = rng.integers(-127, 128, (c_out, k_h, k_w, c_in)).astype(np.int8)
    numbers = (
        rng.integers(-1000, 1000, c_out).astype(np.int32),
        rng.integers(2**30, 2**31, c_out).astype(np.int32),
        -rng.integers(1, 10, c_out).astype(np.int32),
        5,
    )
    packed = pack_conv(weight, *numbers)
    assert packed is not None
    assert packed.weights.nbytes == weight.nbytes
    assert np.array_equal(unpack_conv(packed.weights, weight.shape), weight)
    assert sorted(column_order(k_h, k_w * c_in)) == list(range(k_h * k_w * c_in))
    k = int(rng.choice([3, 5, 7]))
    weight = rng.integers(-128, 128, (1, k, k, c_out)).astype(np.int8)
    orders: list[Order] = ["rows"] if k > 3 else ["rows", "3x3"]
    for order in orders:
        depthwise = pack_depthwise(ChannelNumbers(weight.transpose(3, 1, 2, 0), *numbers), order)
        assert depthwise is not None
        assert depthwise.weights.nbytes == weight.nbytes
        assert np.array_equal(unpack_depthwise(depthwise.weights, weight.shape, order), weight)


@pytest.mark.parametrize("seed", range(5))
def test_four_channels_lie_beside_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-128, 128, (8, 3, 3, 1)).astype(np.int8)
    ones = np.ones(8, np.int32)
    numbers = ChannelNumbers(weight, ones, ones << 30, -ones, 5)
    four, narrow = pack_four(numbers), pack_narrow(numbers)
    assert four is not None
    assert narrow is not None
    for group in range(2):
        taps = weight.reshape(2, 4, 9)[group]
        assert np.array_equal(narrow.weights.reshape(2, 9, 4)[group], taps.T)
        words = four.weights.reshape(2, 9, 4)[group]
        assert np.array_equal(words[8], taps[:, 8])
        for index, (one, other) in enumerate(FOUR_PAIRS):
            for half in range(2):
                word, pair = words[2 * index + half], taps[2 * half : 2 * half + 2]
                # SXTB16 takes bytes 0 and 2 for the first channel, 1 and 3 for the second.
                assert word.tolist() == [*pair[:, one], *pair[:, other]]


def test_what_the_pairs_cannot_hold_is_refused() -> None:
    def pack(high: int, bias: int = 0, shift: int = -5) -> object:
        weight = np.array([[-1], [high]], np.int8).reshape(2, 1, 1, 1)
        ones = np.ones(2, np.int32)
        return pack_conv(weight, ones * bias, ones << 30, ones * shift, 0)

    assert pack(-127) is not None
    assert pack(-128) is None  # less the borrow of the negative low
    assert pack(1, bias=2**23 - 129) is not None
    assert pack(1, bias=2**23 - 127) is None
    assert pack(1, shift=0) is None


REQUANTIZE = """
#include "tinyml_requantize.h"
int32_t run(int32_t a, int32_t multiplier, int32_t z, int32_t n, int32_t range) {
    return requantize(2 * a, multiplier, (2 * z + 1) << (n - 1), n, (tinyml_range)range);
}
int32_t any(int32_t a, int32_t multiplier, int32_t shift) {
    return requantize_any(a, multiplier, shift);
}
"""


@pytest.mark.parametrize("where", ["host", "core"])
def test_requantization_is_exact_around_every_edge(where: str) -> None:
    """Sums on both sides of each change of the output, where the two roundings matter."""
    rng = np.random.default_rng(3)
    multipliers = [2**30, 2**30 + 1, 2**31 - 1, *rng.integers(2**30, 2**31, 5).tolist()]
    if where == "host":
        library = build_host_library({"r.c": REQUANTIZE}, headers())
        fast, slow = library.run, library.any
    else:
        image = build(BOARD, {"r.c": REQUANTIZE}, headers(), keep=["run", "any"])
        machine = Machine(BOARD, image)
        fast = lambda *a: machine.call("run", *map(int, a)).result  # noqa: E731
        slow = lambda *a: machine.call("any", *map(int, a)).result  # noqa: E731
    for m in multipliers:
        for n in (1, 2, 7, 22):
            edges = ((2 * rng.integers(-129, 129, 40) + 1) << n) * 2.0**30 / m
            sums = np.concatenate([np.round(edges + d) for d in (-2, -1, 0, 1, 2)])
            sums = np.append(sums, [0, 1, -1]).astype(np.int64)
            sums = sums[np.abs(sums) < 2**30]
            z = int(rng.integers(-128, 128))
            right = multiply_by_quantized_multiplier(sums, m, -n)
            for a, exact in zip(
                sums[:: 1 if where == "host" else 7],
                right[:: 1 if where == "host" else 7],
                strict=True,
            ):
                assert fast(int(a), m, z, n, 0) == exact + z
                # Without the sign only what the zero point cuts off may differ.
                assert max(fast(int(a), m, z, n, 1), z) == max(exact + z, z)
                assert slow(int(a), m, -n) == exact
    for shift in (0, 3, 7):
        sums = rng.integers(-(2**20), 2**20, 20)
        right = multiply_by_quantized_multiplier(sums, multipliers[-1], shift)
        for a, exact in zip(sums, right, strict=True):
            assert slow(int(a), multipliers[-1], shift) == exact
