"""Streams as C: every operator, both orders of rows, rows that are skipped or never asked for."""

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from firmware_runs import check, check_here
from lively_graphs import LivelyGraph
from random_graphs import RandomGraph, random_image
from tflite_micro_runs import models_folder

from tinyml_course.graph import Graph, Quantization, from_tflite
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    HardSwish,
    Logistic,
    MaxPool2D,
    Mul,
    Pad,
    Quantize,
    Relu,
    Relu6,
)
from tinyml_course.mcu import plan
from tinyml_course.mcu.planning.inner import planar_maps
from tinyml_course.mcu.scheduling import Schedule, Stream, stage_graph
from tinyml_course.patching import schedule

Build = Callable[[RandomGraph], None]
SAME = ((1, 1), (1, 1))


def network(build: Build, shape: tuple[int, int, int] = (12, 11, 4), seed: int = 0) -> Graph:
    """What ``build`` appends to an input called ``input``."""
    graph = LivelyGraph(np.random.default_rng(seed), (1, *shape))
    build(graph)
    return graph.builder.finish(graph.builder.operators[-1].outputs[0])


def streamed(graph: Graph, image: str = "memory") -> Schedule:
    """All of it, row by row."""
    stage = Stream(graph.operators[0].name, graph.operators[-1].name)
    return Schedule(graph, [stage], image)


def both(graph: Graph) -> str:
    """Runs with the image in memory, and fed on the core; the C of the former."""
    check(streamed(graph, "fed"), 2, exact=False)
    return check_here(streamed(graph), random_image(graph, np.random.default_rng(1)))


def conv(graph: RandomGraph, name: str, source: str, c_out: int = 4, k: int = 3) -> str:
    """A padded convolution."""
    weight = graph.weights((c_out, k, k, graph.size(source)[1]))
    around = (k // 2, k // 2)
    return graph.weighted(Conv2D, name, source, weight, 0, padding=(around, around))


def depthwise(
    graph: RandomGraph, name: str, source: str, k: int = 3, stride: int = 1, multiplier: int = 1
) -> str:
    """A padded depthwise convolution."""
    weight = graph.weights((1, k, k, graph.size(source)[1] * multiplier))
    around = (k // 2, k // 2)
    attributes = {"stride": (stride, stride), "padding": (around, around)}
    return graph.weighted(DepthwiseConv2D, name, source, weight, 3, **attributes)


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_a_depthwise_convolution_of_rows_that_no_convolution_makes(
    kernel: int, stride: int, multiplier: int
) -> None:
    def build(graph: RandomGraph) -> None:
        depthwise(graph, "first", "input", kernel, stride, multiplier)
        graph.builder.apply(MaxPool2D, "pool", ["first"], size=(2, 2), padding=((0, 1), (1, 0)))
        depthwise(graph, "second", "pool", 3)

    assert both(network(build, (12, 11, 3))).count("tinyml_depthwise_row_of_pixels(") == 2


@pytest.mark.parametrize(("stride", "padding"), [(1, SAME), (2, SAME), (1, ((2, 0), (0, 1)))])
def test_rows_of_small_maps_are_read_four_channels_at_a_time(
    stride: int, padding: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    def build(graph: RandomGraph) -> None:
        attributes = {"stride": (stride, stride), "padding": padding}
        for name, source, activation in (("one", "input", "RELU"), ("two", "one.conv", "NONE")):
            weight, attributes["activation"] = graph.weights((1, 3, 3, 8)), activation
            graph.weighted(DepthwiseConv2D, name, source, weight, 3, **attributes)
            conv(graph, f"{name}.conv", name, 8)

    text = both(network(build, (13, 6, 8)))
    assert text.count("tinyml_depthwise_four_row(") == 2
    assert "_planar(" not in text


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_planar_rows(kernel: int, stride: int) -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "conv", "input", 5)
        depthwise(graph, "depthwise", "conv", kernel, stride, 2)
        depthwise(graph, "again", depthwise(graph, "other", "depthwise"), 3)

    text = both(network(build))
    assert "tinyml_conv_row_planar(" in text
    assert "tinyml_depthwise_row(" in text
    # What a depthwise convolution has made lies pixel by pixel.
    assert "(&network_other_layer, rows," in text


def test_one_planar_row_never_lies_over_the_pixels_it_is_made_from() -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "one", "input", 6, 1)
        conv(graph, "other", "one", 6, 1)
        weight = graph.weights((1, 1, 3, 6))
        graph.weighted(DepthwiseConv2D, "rows", "other", weight, 3, padding=((0, 0), (1, 1)))

    for seed in range(4):
        both(network(build, (5, 6, 6), seed))


@pytest.mark.parametrize("multiplier", [1, 3])
def test_one_channel_is_the_same_in_both_orders(multiplier: int) -> None:
    def build(graph: RandomGraph) -> None:
        depthwise(graph, "depthwise", "input", 3, 2, multiplier)
        conv(graph, "conv", "depthwise")

    text = both(network(build, (15, 14, 1)))
    assert ("tinyml_conv_row(" if multiplier > 1 else "tinyml_depthwise_row(") in text
    assert "tinyml_depthwise_row_of_pixels(" not in text


def test_a_ring_that_a_depthwise_convolution_and_a_sum_read() -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "conv", "input", 4)
        depthwise(graph, "depthwise", "conv")
        tensors = graph.builder.tensors
        quantization = Quantization.per_tensor(
            float(max(tensors[n].scale_and_zero_point()[0] for n in ("conv", "depthwise"))), 3
        )
        graph.builder.apply(Add, "add", ["depthwise", "conv"], quantization)

    graph = network(build)
    assert not planar_maps(stage_graph(graph, 0, 2))
    assert "tinyml_depthwise_row_of_pixels(" in both(graph)


def test_rows_of_a_depthwise_convolution_are_in_the_plan_where_it_must_copy_them() -> None:
    """Three rows of one channel with their padding; none where a convolution writes planes."""

    def reads_input(graph: RandomGraph) -> None:
        depthwise(graph, "depthwise", "input")

    def reads_conv(graph: RandomGraph) -> None:
        depthwise(graph, "depthwise", conv(graph, "conv", "input"))

    (scratch,) = plan(streamed(network(reads_input))).scratch("depthwise")
    assert scratch.size_bytes == 3 * (11 + 2)
    assert not plan(streamed(network(reads_conv))).scratch("depthwise")


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((1, 2), (2, 1))])
def test_pools(kind: type, padding: tuple[tuple[int, int], tuple[int, int]]) -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "conv", "input")
        attributes = {"size": (3, 3), "stride": (2, 1), "padding": padding, "activation": "RELU"}
        graph.builder.apply(kind, "pool", ["conv"], **attributes)
        conv(graph, "last", "pool")

    both(network(build))


def test_bytes_by_table_and_constants() -> None:
    def build(graph: RandomGraph) -> None:
        builder, quantization = graph.builder, Quantization.per_tensor(0.02, -3)
        conv(graph, "conv", "input")
        builder.apply(Relu, "relu", ["conv"], quantization)
        builder.apply(HardSwish, "swish", ["relu"], quantization)
        builder.apply(Quantize, "quantize", ["swish"], Quantization.per_tensor(0.03, 4))
        gates = np.arange(-8, 8, 4, np.int8)
        builder.constant("gates", gates, quantization)
        builder.apply(Mul, "mul", ["quantize", "gates"], Quantization.per_tensor(0.01, 0))
        builder.constant("one", np.array([7], np.int8), quantization)
        builder.apply(Add, "add", ["one", "mul"], quantization)
        builder.apply(Relu6, "relu6", ["add"], quantization)
        builder.apply(Logistic, "logistic", ["relu6"], Quantization.per_tensor(1 / 256, -128))
        depthwise(graph, "depthwise", "logistic")

    both(network(build))


def test_borders_and_channels_side_by_side() -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "conv", "input")
        pads = ((0, 0), (2, 1), (0, 3), (1, 2))
        graph.builder.apply(Pad, "pad", ["conv"], paddings=pads, value=-7)
        graph.builder.apply(Concatenation, "both", ["pad", "pad"], axis=3)
        depthwise(graph, "depthwise", "both", 3, 2)

    both(network(build))


def test_rows_between_windows_are_never_made() -> None:
    def build(graph: RandomGraph) -> None:
        conv(graph, "made", conv(graph, "first", "input", 3, 1), 3, 1)
        weight = graph.weights((2, 1, 1, 3))
        graph.weighted(Conv2D, "skips", "made", weight, 0, stride=(3, 1))
        graph.builder.apply(MaxPool2D, "pool", ["skips"], size=(1, 1), stride=(2, 1))

    graph = network(build, (14, 5, 3))
    schedule = streamed(graph, "fed")
    run = check(schedule, 1, exact=False)
    whole = check(graph, 1, exact=False)
    name = "network_first"  # 3 of 14 rows
    assert run.execution.operators[name] < 0.4 * whole.execution.operators[name]
    check(streamed(graph), 2, exact=False)


def test_windows_that_see_nothing_but_padding() -> None:
    """Rows nobody asks for are in no C; those of padding only are made all the same."""

    def build(graph: RandomGraph) -> None:
        conv(graph, "unread", "input", 3)
        weight = graph.weights((4, 2, 2, 3))
        beside = {"stride": (1, 40), "padding": ((3, 3), (3, 30))}
        graph.weighted(Conv2D, "beside", "unread", weight, 0, **beside)
        above = {"padding": ((4, 0), (0, 0))}
        graph.weighted(DepthwiseConv2D, "above", "beside", graph.weights((1, 2, 1, 4)), 3, **above)

    graph = network(build, (6, 5, 3))
    assert "network_unread(" not in both(graph)


def test_numbers_that_the_fast_kernels_cannot_hold() -> None:
    """Shifts to the left, and windows of seventeen rows."""

    def build(graph: RandomGraph) -> None:
        weight = graph.weights((3, 17, 1, 4))
        pads = {"padding": ((8, 8), (0, 0))}
        graph.weighted(Conv2D, "tall", "input", weight, 0, **pads)
        builder = graph.builder
        for name, kind, shape, axis in (
            ("conv", Conv2D, (3, 3, 3, 3), 0),
            ("depthwise", DepthwiseConv2D, (1, 3, 3, 3), 3),
        ):
            values, bias = graph.weights(shape), np.zeros(shape[axis], np.int32)
            scales = np.full(shape[axis], 0.1, np.float32)
            source = builder.operators[-1].outputs[0]
            scale = float(builder.tensors[source].scale_and_zero_point()[0])
            finer = Quantization.per_tensor(scale / 25, 5)
            builder.weighted(kind, name, source, values, scales, bias, finer, padding=SAME)

    text = both(network(build))
    assert text.count("tinyml_conv_any_row") >= 2
    assert "&tinyml_depthwise_any" in text


@pytest.mark.parametrize("name", ["micro_speech_quantized", "person_detect"])
def test_files_whose_streams_begin_with_a_depthwise_convolution(name: str) -> None:
    path = models_folder() / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph = from_tflite(path)
    unfused = check(graph, 1).execution
    assert check(schedule(graph), 2).execution.instructions <= 1.02 * unfused.instructions


def test_rows_of_five_pixels() -> None:
    """Two pairs of pixels and a single one, and a depthwise convolution of small maps."""
    path = models_folder() / "kws_ref_model.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}; set TINYML_TEST_MODELS to a folder with the public files")
    graph = from_tflite(path)
    unfused = check(graph, 1).execution
    run = check(schedule(graph), 2).execution
    assert run.instructions <= 1.09 * unfused.instructions  # 1.079
