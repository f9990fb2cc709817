"""Patches as C: halos, borders, regions that are packed, in place where the plan is."""

import re
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from firmware_runs import H743, check, check_here
from lively_graphs import LivelyGraph
from random_graphs import RandomGraph, random_image

from tinyml_course.firmware import build, generate
from tinyml_course.graph import Graph, Quantization
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    HardSwish,
    MaxPool2D,
    Mul,
    Pad,
    Relu,
)
from tinyml_course.mcu import plan, reference
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream, stage_graph
from tinyml_course.models import definition, random_graph

Build = Callable[[RandomGraph], None]


def network(build: Build, shape: tuple[int, int, int] = (18, 17, 4), seed: int = 0) -> Graph:
    """What ``build`` appends to an input called ``input``."""
    graph = LivelyGraph(np.random.default_rng(seed), (1, *shape))
    build(graph)
    return graph.builder.finish(graph.builder.operators[-1].outputs[0])


def test_outputs_are_spread() -> None:
    """Or else little of what goes wrong would show."""
    graph = network(lambda g: block(g, 3, 1))
    image = random_image(graph, np.random.default_rng(0))
    assert len(np.unique(reference.run(graph, image))) > 100  # of 243 numbers


def patched(graph: Graph, rows: int, columns: int, image: str = "memory") -> Schedule:
    """All of it, patch by patch."""
    stage = Patches(graph.operators[0].name, graph.operators[-1].name, rows, columns)
    return Schedule(graph, [stage], image)


def both(graph: Graph, rows: int = 2, columns: int = 2) -> str:
    """Runs with the image in memory, and fed on the core; the C of the former."""
    check(patched(graph, rows, columns, "fed"), 2, exact=False)
    image = random_image(graph, np.random.default_rng(1))
    return check_here(patched(graph, rows, columns), image)


def window(
    graph: RandomGraph, kind: type, name: str, source: str, k: int, stride: int = 1, c_out: int = 4
) -> str:
    """A padded convolution of either kind."""
    c_in = graph.size(source)[1]
    shape, axis = ((c_out, k, k, c_in), 0) if kind is Conv2D else ((1, k, k, c_in), 3)
    attributes = {"stride": (stride, stride), "padding": ((k // 2, k // 2), (k // 2, k // 2))}
    return graph.weighted(kind, name, source, graph.weights(shape), axis, **attributes)


def block(graph: RandomGraph, kernel: int, stride: int, expand: int = 8) -> None:
    """An inverted bottleneck behind a stem; its depthwise convolution can run in place."""
    window(graph, Conv2D, "stem", "input", 3, 2, 4)
    window(graph, Conv2D, "expand", "stem", 1, 1, expand)
    window(graph, DepthwiseConv2D, "depthwise", "expand", kernel, stride)
    window(graph, Conv2D, "project", "depthwise", 1, 1, 3)


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_inverted_bottlenecks(kernel: int, stride: int) -> None:
    graph = network(lambda g: block(g, kernel, stride), (34, 32, 3))
    planned = plan(patched(graph, 3, 2))
    places = [planned.find(name, whole=False) for name in ("expand", "depthwise")]
    assert all(places)
    assert places[0].offset == places[1].offset  # in place
    both(graph, 3, 2)


def test_in_place_where_the_first_outputs_see_only_padding() -> None:
    """They lie over input rows that nobody has read yet: the ring must hold all of them first."""

    def build(graph: RandomGraph) -> None:
        window(graph, Conv2D, "conv", "input", 3)
        attributes = {"stride": (2, 1), "padding": ((3, 0), (1, 1))}
        weight = graph.weights((1, 3, 3, 4))
        graph.weighted(DepthwiseConv2D, "behind", "conv", weight, 3, **attributes)
        window(graph, Conv2D, "last", "behind", 1)

    graph = network(build, (18, 9, 3))
    planned = plan(patched(graph, 2, 1))
    places = [planned.find(name, whole=False) for name in ("conv", "behind")]
    assert places[0].offset == places[1].offset
    assert planned.scratch("behind")[0].size_bytes == 8 * 9  # all rows of the first patch
    both(graph, 2, 1)


def test_wide_regions_of_usual_windows_have_fast_kernels() -> None:
    for kernel, stride in ((3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)):
        found = set()
        for seed in range(5):  # some layers have numbers that only the slow kernel holds
            graph = network(lambda g, k=kernel, s=stride: block(g, k, s), (34, 32, 3), seed)
            text = generate(plan(patched(graph, 2, 2))).sources["network.c"]
            found |= set(re.findall(r"&tinyml_depthwise_(\w+)", text))
        suffix = {(3, 1): "_padded"}.get((kernel, stride), "_stride2" if stride == 2 else "")
        assert any(name.startswith(f"{kernel}x{kernel}{suffix}") for name in found), found


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (9, 9)])
def test_one_patch_and_as_many_as_there_are_pixels(size: tuple[int, int]) -> None:
    def build(graph: RandomGraph) -> None:
        window(graph, Conv2D, "conv", "input", 3, 1)
        window(graph, DepthwiseConv2D, "depthwise", "conv", 3, 2)
        window(graph, Conv2D, "last", "depthwise", 3, 1)

    both(network(build, (18, 17, 3)), *size)


def test_a_residual_reads_less_than_the_region_that_is_held() -> None:
    def build(graph: RandomGraph) -> None:
        window(graph, Conv2D, "stem", "input", 3, 1)
        window(graph, Conv2D, "expand", "stem", 1, 1, 12)
        window(graph, DepthwiseConv2D, "depthwise", "expand", 5)
        window(graph, Conv2D, "project", "depthwise", 1)
        scales = [graph.builder.tensors[n].scale_and_zero_point()[0] for n in ("stem", "project")]
        quantization = Quantization.per_tensor(float(max(scales)), -4)
        graph.builder.apply(Add, "add", ["project", "stem"], quantization, activation="RELU")
        window(graph, DepthwiseConv2D, "again", "add", 3, 2)

    both(network(build), 3, 2)


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 2), (1, 1)), ((3, 3), (2, 1))])
def test_pools(kind: type, size: tuple[int, int], stride: tuple[int, int]) -> None:
    def build(graph: RandomGraph) -> None:
        window(graph, Conv2D, "conv", "input", 3)
        padding = ((1, 0), (0, 1))
        graph.builder.apply(kind, "pool", ["conv"], size=size, stride=stride, padding=padding)
        window(graph, Conv2D, "last", "pool", 3)

    both(network(build), 2, 3)


def test_pixel_by_pixel() -> None:
    def build(graph: RandomGraph) -> None:
        builder, quantization = graph.builder, Quantization.per_tensor(0.02, -3)
        window(graph, Conv2D, "conv", "input", 3)
        builder.apply(Relu, "relu", ["conv"], quantization)
        builder.apply(HardSwish, "swish", ["relu"], quantization)
        builder.constant("gates", np.arange(-8, 8, 4, np.int8), quantization)
        builder.apply(Mul, "mul", ["gates", "swish"], Quantization.per_tensor(0.01, 0))
        pads = ((0, 0), (2, 1), (0, 3), (1, 2))
        builder.apply(Pad, "pad", ["mul"], paddings=pads, value=-7)
        builder.apply(Concatenation, "both", ["pad", "pad"], axis=3)
        window(graph, DepthwiseConv2D, "depthwise", "both", 3, 2)

    both(network(build), 2, 2)


def test_patches_of_border_only() -> None:
    """Windows that see nothing but padding, in the first and the last patches."""

    def build(graph: RandomGraph) -> None:
        window(graph, Conv2D, "conv", "input", 3)
        weight = graph.weights((4, 2, 2, 4))
        graph.weighted(Conv2D, "wide", "conv", weight, 0, padding=((9, 9), (9, 9)))
        weight = graph.weights((1, 3, 3, 4))
        graph.weighted(DepthwiseConv2D, "wider", "wide", weight, 3, padding=((7, 7), (7, 7)))

    graph = network(build, (5, 6, 3))
    regions = plan(patched(graph, 5, 5)).schedule.units[0].flow.patches
    assert any(not patch.regions["conv"].pixels for patch in regions)
    both(graph, 5, 5)


def test_one_channel_is_a_convolution() -> None:
    def build(graph: RandomGraph) -> None:
        weight = graph.weights((1, 3, 5, 6))
        attributes = {"stride": (1, 2), "padding": ((1, 1), (2, 2))}
        graph.weighted(DepthwiseConv2D, "depthwise", "input", weight, 3, **attributes)
        window(graph, Conv2D, "last", "depthwise", 3)

    graph = network(build, (12, 16, 1))
    (scratch,) = plan(patched(graph, 2, 2)).scratch("depthwise")
    assert (scratch.size_bytes, scratch.offset % 4) == (4 * 15, 0)
    assert both(graph).count("tinyml_conv_patch(") == 2


def test_numbers_that_the_fast_kernels_cannot_hold() -> None:
    def build(graph: RandomGraph) -> None:
        scale = float(graph.builder.tensors["input"].scale_and_zero_point()[0])
        finer = Quantization.per_tensor(scale / 25, 5)
        scales, bias = np.full(4, 0.1, np.float32), np.zeros(4, np.int32)
        arguments = graph.weights((4, 3, 3, 4)), scales, bias, finer
        graph.builder.weighted(Conv2D, "conv", "input", *arguments)
        finer = Quantization.per_tensor(scale / 625, 5)
        arguments = graph.weights((1, 3, 3, 4)), scales, bias, finer
        graph.builder.weighted(DepthwiseConv2D, "depthwise", "conv", *arguments)

    text = both(network(build, (12, 12, 4)))
    assert "tinyml_conv_any_patch(" in text
    assert "&tinyml_depthwise_any" in text


def test_an_image_of_which_a_stream_takes_the_rest() -> None:
    graph = random_graph(definition("vww0@64"))
    stages = [Patches("stem", "block1.project", 2, 2), Stream("block2.expand", "block3.project")]
    for image in ("memory", "fed"):
        check(Schedule(graph, stages, image), 1, exact=False)


@pytest.mark.parametrize("name", ["vww1@80", "in0@48"])
def test_published_networks_in_exactly_their_arena(name: str) -> None:
    graph = random_graph(definition(name))
    unfused = check(graph, 1).execution
    for image in ("memory", "fed"):
        schedule = Schedule(graph, [Patches("stem", "block1.project", 2, 2)], image)
        run = check(schedule, 2).execution
        assert run.arena_bytes < unfused.arena_bytes
        # Halos are computed again, windows at borders cost more.
        assert run.instructions < 1.2 * unfused.instructions * schedule.macs / Schedule(graph).macs


def test_code_grows_with_neither_patches_nor_maps() -> None:
    """One function for each operator, and tables of four bytes for each band of a map."""
    graph, images = network(lambda g: block(g, 3, 1), (64, 64, 3)), []
    for side in (2, 8):
        program = generate(plan(patched(graph, side, side)))
        text = program.sources["network.c"]
        assert len(re.findall(r"^TINYML_OPERATOR", text, re.MULTILINE)) == len(graph.operators)
        images.append(build(H743, program.sources, program.headers, keep=["network_run"]))
    bands = 2 * (8 - 2) * len(graph.operators)
    # The compiler unrolls a little more or less.
    assert images[1].flash_bytes - images[0].flash_bytes <= 4 * bands + 256


def test_every_map_of_the_stage_has_its_regions() -> None:
    graph = network(lambda g: block(g, 3, 2), (16, 16, 3))
    planned = plan(patched(graph, 2, 2, "fed"))
    text, flow = generate(planned).sources["network.c"], planned.schedule.units[0].flow
    part = stage_graph(graph, 0, len(graph.operators) - 1)
    for name, called in ((part.source, "network_stage_0_image"), ("expand", "network_expand_map")):
        rows = [patch.regions[name].rows for patch in flow.patches if patch.column == 0]
        spans = ", ".join(f"{{{start}, {stop}}}" for start, stop in rows)
        assert f"{called}_rows[] = {{{spans}}};" in text
