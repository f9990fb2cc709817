"""Whatever a graph can hold has C: random graphs of all operators, here and on both cores."""

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from every_operator import (
    ENDS,
    UNSIGNED_KINDS,
    EveryOperator,
    every_graph,
    unsigned_twin,
    with_ends,
)
from hypothesis import given, settings
from public_files import models_folder
from random_graphs import RandomGraph, prefix

from tinyml_course.errors import GraphError
from tinyml_course.firmware import HostNetwork, NetworkMachine, generate
from tinyml_course.graph import Graph, GraphBuilder, Quantization, Tensor, from_tflite
from tinyml_course.graph.operators import (
    OPERATORS,
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    LogSoftmax,
    Mean,
    Mul,
    Pad,
    Quantize,
    ReduceMax,
    Reshape,
    StridedSlice,
    Transpose,
)
from tinyml_course.mcu import board, plan, reference

CORES = ("stm32h743", "nrf52840")


def images(graph: Graph, count: int) -> list[np.ndarray]:
    """Random inputs of the graph's type, float32 beyond its range too."""
    rng = np.random.default_rng(0)
    tensor = graph.input
    if tensor.dtype != "float32":
        limits = np.iinfo(tensor.dtype)
        return [
            rng.integers(limits.min, limits.max + 1, tensor.shape).astype(tensor.dtype)
            for _ in range(count)
        ]
    return [
        rng.normal(0, 10.0 ** rng.uniform(-2, 3), tensor.shape).astype(np.float32)
        for _ in range(count)
    ]


def check(graph: Graph, count: int = 2) -> None:
    """The reference's bytes from this machine and from both cores."""
    check_images(graph, images(graph, count))


def check_images(graph: Graph, given_images: list[np.ndarray]) -> None:
    """The same for these inputs."""
    program = generate(plan(graph))
    host = HostNetwork(program)
    machines = [NetworkMachine(board(core), program, strict=True) for core in CORES]
    for image in given_images:
        expected = reference.run(graph, image)
        outputs = [host.run(image), *(machine.run(image).output for machine in machines)]
        for output in outputs:
            assert output.dtype == expected.dtype
            assert output.tobytes() == expected.tobytes()


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(every_graph("int8"))
def test_random_int8_graphs(graph: Graph) -> None:
    check(graph)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(every_graph("uint8"))
def test_random_uint8_graphs(graph: Graph) -> None:
    check(graph)


def examples() -> dict[str, list[Graph]]:
    """For each operator graphs that hold it."""
    found: dict[str, list[Graph]] = {}
    for kind in dir(EveryOperator):
        if kind.startswith("_") or kind not in (*UNSIGNED_KINDS, "log_softmax", "logistic"):
            continue
        for seed in range(2 if kind == "unary" else 1):
            rng = np.random.default_rng(seed)
            network = EveryOperator(rng, (1, 6, 7, 4))
            network.append(kind)
            graph = network.finish(linear=True)
            graphs = [with_ends(graph, ends) for ends in ENDS]
            if kind in UNSIGNED_KINDS:
                graphs += [with_ends(unsigned_twin(graph, rng), ends) for ends in ENDS]
            for one in graphs:
                for operator in one.operators:
                    found.setdefault(operator.kind, []).append(one)
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("zero_point", [-128, 7, 127])
def test_real_numbers_are_rounded_as_specified(dtype: str, zero_point: int) -> None:
    """Halves and their neighbours, what saturates, what is too small to count."""
    shift = 128 if dtype == "uint8" else 0
    scale = 0.25  # quotients are exact, so that halves are halves
    quantization = Quantization.per_tensor(scale, zero_point + shift)
    halves = (np.arange(-300, 300) + 0.5).astype(np.float32) * np.float32(scale)
    near = [np.nextafter(halves, np.float32(to)) for to in (-np.inf, np.inf)]
    odd = [0.0, -0.0, 1e-45, -1e-45, 3e37, -3e37, np.inf, -np.inf, 0.12499999, 1e9, -1e9, 2.0**23]
    values = np.concatenate([halves, *near, np.array(odd, np.float32)]).reshape(1, -1)
    tensors = [
        Tensor("real", values.shape, "float32"),
        Tensor("bytes", values.shape, dtype, quantization),
        Tensor("again", values.shape, "float32"),
    ]
    enter, leave = (
        Quantize("enter", ("real",), ("bytes",)),
        Dequantize("leave", ("bytes",), ("again",)),
    )
    entering = Graph("entering", tensors[:2], [enter], ["real"], ["bytes"])
    both = Graph("both", tensors, [enter, leave], ["real"], ["again"])
    for graph in (entering, both):
        check_images(graph, [values])


@pytest.mark.parametrize("classes", [1, 2, 10, 300, 4095])
def test_log_softmax_over_many_sums(classes: int) -> None:
    """The logarithm of sums near 1, near each power of two, and as large as they become."""
    rng = np.random.default_rng(classes)
    builder = GraphBuilder("log")
    source = builder.input((1, classes), Quantization.per_tensor(0.02, 0))
    unit = Quantization.per_tensor(1 / 16, 127)
    graph = builder.finish(builder.apply(LogSoftmax, "log", [source], unit))
    host = HostNetwork(generate(plan(graph)))
    for _ in range(40):
        low, high = sorted(rng.integers(-128, 128, 2))
        image = rng.integers(low, high + 1, (1, classes)).astype(np.int8)
        np.testing.assert_array_equal(host.run(image), reference.run(graph, image))


@pytest.mark.parametrize("size", [(2, 2), (2, 3), (3, 3)])
def test_averages_of_uint8_have_halves_that_go_up(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    network = RandomGraph(rng, (1, 12, 12, 4))
    network.builder.apply(AveragePool2D, "pool", ["input"], size=size, stride=(1, 1))
    graph = unsigned_twin(network.builder.finish("pool"), rng)
    check(graph)


def test_what_is_no_number_is_refused() -> None:
    network = RandomGraph(np.random.default_rng(1), (1, 2, 2, 1))
    network.append("pointwise")
    graph = with_ends(network.finish(linear=False), "real")
    host = HostNetwork(generate(plan(graph)))
    image = np.zeros(graph.input.shape, np.float32)
    image[0, 1, 1, 0] = np.nan
    with pytest.raises(GraphError, match="NaN"):
        host.run(image)


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_every_operator_has_c(kind: str) -> None:
    """A new operator without C, or without an example here, fails."""
    assert kind in EXAMPLES, f"no example of {kind}; add it to EveryOperator"
    by_types = {
        (graph.input.dtype, *(t.dtype for t in graph.inputs_of(operator)[:1])): graph
        for graph in EXAMPLES[kind]
        for operator in graph.operators
        if operator.kind == kind
    }
    for graph in by_types.values():
        check(graph, 1)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [
        ((40, 3), (20, 3), (1, 1)),  # more rows than the quick kernels take
        ((300, 1), (260, 1), (2, 1)),  # more than a byte counts
        ((1, 300), (1, 270), (1, 3)),
    ],
)
def test_large_windows(
    dtype: str, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    rng = np.random.default_rng(3)
    for kind in (Conv2D, DepthwiseConv2D):
        network = RandomGraph(rng, (1, *size, 2))
        shape = (3, *kernel, 2) if kind is Conv2D else (1, *kernel, 4)
        weight, axis = network.weights(shape), 0 if kind is Conv2D else 3
        padding = ((kernel[0] // 2, 2), (kernel[1] // 2, 1))
        network.weighted(kind, "layer", "input", weight, axis, stride=stride, padding=padding)
        graph = network.builder.finish("layer")
        check(unsigned_twin(graph, rng) if dtype == "uint8" else graph)


def test_a_long_map() -> None:
    """More columns than sixteen bits count."""
    rng = np.random.default_rng(4)
    network = RandomGraph(rng, (1, 1, 70_000, 1))
    network.weighted(Conv2D, "layer", "input", network.weights((2, 1, 5, 1)), 0, stride=(1, 3))
    check(network.builder.finish("layer"), 1)


@pytest.mark.parametrize("name", ["vww", "micro_speech_quantized"])
def test_real_files(name: str) -> None:
    """float32 at both ends; a depthwise convolution that is one."""
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    check(from_tflite(path))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_more_axes_than_loops(dtype: str) -> None:
    """Seven axes of which no two are in line."""
    rng = np.random.default_rng(6)
    network = RandomGraph(rng, (1, 2, 3, 2, 3, 2, 3))
    b = network.builder
    moved = b.apply(Transpose, "moved", ["input"], permutation=(0, 6, 5, 4, 3, 2, 1))
    gate = rng.integers(-128, 128, (1, 3, 1, 3, 1, 3, 1)).astype(np.int8)
    other = b.constant("gate", gate, network.quantization(1))
    added = b.apply(Add, "added", [moved, other], network.quantization(1))
    padded = b.apply(Pad, "padded", [added], paddings=((0, 0), *[(1, 0)] * 6))
    strides = (1, 1, -1, 2, 1, -1, 2)
    shape = b.tensors[padded].shape
    part = b.apply(
        StridedSlice, "part", [padded],
        begin=tuple(n - 1 if s < 0 else 0 for n, s in zip(shape, strides, strict=True)),
        size=tuple(-(-n // abs(s)) for n, s in zip(shape, strides, strict=True)), strides=strides,
    )  # fmt: skip
    both = b.apply(Concatenation, "both", [part, part], axis=3)
    pairs = [both, b.apply(Quantize, "scaled", [both], network.quantization(2))]
    product = b.apply(Mul, "product", pairs, network.quantization(30))
    largest = b.apply(ReduceMax, "largest", [product], axes=(2, 4, 6), keep_dims=True)
    b.apply(Mul, "gated", [product, largest], network.quantization(300))
    b.apply(Mean, "mean", ["gated"], network.quantization(100), axes=(1, 3, 5))
    graph = b.finish("mean")
    check(unsigned_twin(graph, rng) if dtype == "uint8" else graph)
    wide = prefix(graph, len(graph.operators) - 1)  # every byte, not averages
    check(unsigned_twin(wide, rng) if dtype == "uint8" else wide)


def test_constant_operands() -> None:
    """An operator all of whose inputs are constants computes in C what it computes in Python."""
    rng = np.random.default_rng(5)
    network = RandomGraph(rng, (1, 4, 5, 3))
    builder, scale = network.builder, Quantization.per_tensor(0.1, 3)
    builder.constant("map", rng.integers(-128, 128, (1, 4, 5, 3)).astype(np.int8), scale)
    network.weighted(Conv2D, "conv", "map", network.weights((3, 1, 1, 3)), 0)
    network.weighted(DepthwiseConv2D, "depthwise", "map", network.weights((1, 1, 1, 3)), 3)
    builder.apply(Reshape, "reshaped", ["map"], shape=(1, 60))
    network.weighted(FullyConnected, "linear", "map", network.weights((3, 60)), 0)
    total = "input"
    for name in ("conv", "depthwise", "linear"):
        total = builder.apply(Add, f"and_{name}", [total, name], network.quantization(1))
    flat = builder.apply(Reshape, "flat", [total], shape=(1, 60))
    check(builder.finish(builder.apply(Add, "sum", [flat, "reshaped"], network.quantization(1))))
