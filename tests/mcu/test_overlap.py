"""Which overlaps are lawful, against a simulation of the C kernels byte by byte.

The simulated memory holds marks instead of numbers: the input byte ``i`` is the mark ``i``, every
written byte is ``None``. A read of an input byte that no longer carries its own mark is a wrong
answer on a board, whatever the numbers happen to be.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Reshape,
)
from tinyml_course.mcu.overlap import lawful_overlap, overlap_is_safe, raster_distance

Q = Quantization.per_tensor(0.1)


class WrongRead(Exception):
    """The simulated kernel read a byte that had been overwritten."""


@dataclasses.dataclass
class Memory:
    """An input at ``base``, and an output ``distance`` bytes behind its start."""

    size_in: int
    size_out: int
    distance: int

    def __post_init__(self) -> None:
        self.base = max(0, -self.distance)
        end = self.base + max(self.size_in, self.distance + self.size_out)
        self.cells: list[int | None] = [None] * end
        self.cells[self.base : self.base + self.size_in] = range(self.size_in)

    def read(self, index: int) -> None:
        if self.cells[self.base + index] != index:
            raise WrongRead(index)

    def write(self, index: int) -> None:
        self.cells[self.base + self.distance + index] = None


def windows(graph: Graph, operator: Any) -> Iterator[tuple[int, list[int]]]:
    """For each output pixel in raster order the input pixels of its window."""
    inputs = graph.inputs_of(operator)
    _, height, width, _ = inputs[0].shape
    _, rows, columns, _ = graph.output_of(operator).shape
    k_h, k_w = operator.kernel(inputs)
    (top, _), (left, _) = operator.padding
    for y in range(rows):
        for x in range(columns):
            y0, x0 = y * operator.stride[0] - top, x * operator.stride[1] - left
            yield (
                y * columns + x,
                [
                    iy * width + ix
                    for iy in range(max(y0, 0), min(y0 + k_h, height))
                    for ix in range(max(x0, 0), min(x0 + k_w, width))
                ],
            )


def simulate(graph: Graph, distance: int, scratch_bytes: int) -> None:
    """Run the only operator with its output ``distance`` bytes behind its input.

    Raises:
        WrongRead: the kernel reads what it has overwritten.
    """
    (operator,) = graph.operators
    source, output = graph.input, graph.output
    memory = Memory(source.size_bytes, output.size_bytes, distance)
    c_in, c_out = source.shape[-1], output.shape[-1]
    if isinstance(operator, Conv2D):
        for pixel, window in windows(graph, operator):
            assert len(window) * c_in <= scratch_bytes  # the copy of the window
            for place in window:
                for c in range(c_in):
                    memory.read(place * c_in + c)
            for c in range(c_out):
                memory.write(pixel * c_out + c)
    elif isinstance(operator, DepthwiseConv2D):
        for c in range(c_in):
            _depthwise_channel(graph, operator, memory, c, scratch_bytes)
    elif isinstance(operator, (AveragePool2D, MaxPool2D)):
        for pixel, window in windows(graph, operator):
            for c in range(c_in):
                for place in window:
                    memory.read(place * c_in + c)
                memory.write(pixel * c_in + c)
    else:
        for i in range(source.size_bytes):
            memory.read(i)
            memory.write(i)


def _depthwise_channel(
    graph: Graph, operator: DepthwiseConv2D, memory: Memory, c: int, scratch_bytes: int
) -> None:
    """Rows are copied to a ring when a window first needs them; then the output row is written."""
    _, height, width, channels = graph.input.shape
    _, rows, columns, _ = graph.output.shape
    k_h, _ = operator.kernel(graph.inputs_of(operator))
    capacity = scratch_bytes // width
    ring: list[int] = []

    def load(row: int) -> None:
        if row in ring:
            return
        for x in range(width):
            memory.read((row * width + x) * channels + c)
        ring.append(row)
        if len(ring) > capacity:
            ring.pop(0)

    if capacity >= height:  # the whole channel at once
        for row in range(height):
            load(row)
    for y in range(rows):
        y0 = y * operator.stride[0] - operator.padding[0][0]
        for row in range(max(y0, 0), min(y0 + k_h, height)):
            load(row)
        for x in range(columns):
            memory.write((y * columns + x) * channels + c)


def one_window(
    kind: type[Operator],
    size: tuple[int, int],
    channels: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Any,
) -> Graph:
    b = GraphBuilder("one")
    x = b.input((1, *size, channels[0]), Q)
    window = {"stride": stride, "padding": padding}
    if kind in (AveragePool2D, MaxPool2D):
        return b.finish(b.apply(kind, "op", [x], size=kernel, **window))
    shape = (channels[1], *kernel, channels[0])
    shape = (1, *kernel, channels[0]) if kind is DepthwiseConv2D else shape
    c_out = shape[3] if kind is DepthwiseConv2D else shape[0]
    scale, bias = np.ones(c_out, np.float32), np.zeros(c_out, np.int32)
    return b.finish(b.weighted(kind, "op", x, np.ones(shape, np.int8), scale, bias, Q, **window))


@st.composite
def windowed(draw: st.DrawFn, *kinds: type[Operator]) -> Graph:
    kind = draw(st.sampled_from(kinds))
    pair = st.tuples
    size = draw(pair(st.integers(1, 5), st.integers(1, 5)))
    kernel = draw(pair(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    channels = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    is_pool = kind in (AveragePool2D, MaxPool2D)
    padding = []
    for k in kernel:
        most = k - 1 if is_pool else 3
        padding.append(draw(pair(st.integers(0, most), st.integers(0, most))))
    assume(all(k <= n + sum(p) for k, n, p in zip(kernel, size, padding, strict=True)))
    return one_window(kind, size, channels, kernel, stride, tuple(padding))


def distances(graph: Graph) -> range:
    """Every distance at which output and input share a byte."""
    return range(-graph.output.size_bytes + 1, graph.input.size_bytes)


@settings(max_examples=200)
@given(windowed(Conv2D, DepthwiseConv2D, AveragePool2D, MaxPool2D))
def test_every_lawful_overlap_reads_only_what_it_must(graph: Graph) -> None:
    (operator,) = graph.operators
    overlap = lawful_overlap(graph, operator, "input")
    assert overlap is not None
    for distance in distances(graph):
        if overlap_is_safe(graph, operator, "input", 1000, 1000 + distance):
            simulate(graph, distance, overlap.scratch_bytes)


@settings(max_examples=200)
@given(windowed(Conv2D, MaxPool2D))
def test_one_step_further_is_a_wrong_read(graph: Graph) -> None:
    """``raster_distance`` gives nothing away, where the windows lie on the map at all."""
    (operator,) = graph.operators
    assume(all(window for _, window in windows(graph, operator)))
    overlap = lawful_overlap(graph, operator, "input")
    assert overlap is not None
    assert overlap.most == -raster_distance(graph, operator)
    tighter = overlap.most + overlap.multiple
    if tighter not in distances(graph):
        return
    with pytest.raises(WrongRead):
        simulate(graph, tighter, overlap.scratch_bytes)


@settings(max_examples=100)
@given(windowed(Conv2D, DepthwiseConv2D, AveragePool2D, MaxPool2D))
def test_safety_is_the_rule_and_disjoint_is_always_safe(graph: Graph) -> None:
    (operator,) = graph.operators
    overlap = lawful_overlap(graph, operator, "input")
    assert overlap is not None
    for distance in distances(graph):
        lawful = distance <= overlap.most and distance % overlap.multiple == 0
        assert overlap_is_safe(graph, operator, "input", 500, 500 + distance) == lawful
    for distance in (-graph.output.size_bytes, graph.input.size_bytes, 10_000, -10_000):
        assert overlap_is_safe(graph, operator, "input", 20_000, 20_000 + distance)


@pytest.mark.parametrize("kind", [Add, Reshape])
def test_elementwise_operators_may_write_at_or_below_their_input(kind: type[Operator]) -> None:
    b = GraphBuilder("elementwise")
    x = b.input((1, 6), Q)
    attributes = {"shape": (1, 2, 3)} if kind is Reshape else {}
    graph = b.finish(b.apply(kind, "op", [x] if kind is Reshape else [x, x], **attributes))
    (operator,) = graph.operators
    for distance in distances(graph):
        if overlap_is_safe(graph, operator, "input", 100, 100 + distance):
            assert distance <= 0
            simulate(graph, distance, 0)
        else:
            assert distance > 0
            with pytest.raises(WrongRead):
                simulate(graph, distance, 0)


def test_a_linear_layer_and_a_depth_multiplier_never_overlap() -> None:
    b = GraphBuilder("linear")
    x = b.input((1, 6), Q)
    weight, scale, bias = np.ones((4, 6), np.int8), np.ones(4, np.float32), np.zeros(4, np.int32)
    linear = b.finish(b.weighted(FullyConnected, "op", x, weight, scale, bias, Q))
    b = GraphBuilder("multiplier")
    x = b.input((1, 3, 3, 2), Q)
    weight, scale, bias = np.ones((1, 3, 3, 4), np.int8), scale, bias
    depthwise = b.finish(b.weighted(DepthwiseConv2D, "op", x, weight, scale, bias, Q))
    for graph in (linear, depthwise):
        (operator,) = graph.operators
        assert lawful_overlap(graph, operator, "input") is None
        for distance in distances(graph):
            assert not overlap_is_safe(graph, operator, "input", 100, 100 + distance)


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "pad", "most"),
    [
        ((4, 4), 1, 1, 0, 0),  # in place
        ((4, 2), 1, 1, 0, 2),  # the output may even start a pixel's difference behind
        ((2, 4), 1, 1, 0, -2 * 24),  # it grows over the input, two bytes a pixel that is followed
        ((4, 4), 3, 1, 1, -(5 + 1) * 4),  # a row and a pixel are still needed
    ],
)
def test_the_distance_of_known_convolutions(
    channels: tuple[int, int], kernel: int, stride: int, pad: int, most: int
) -> None:
    padding = ((pad, pad), (pad, pad))
    graph = one_window(Conv2D, (5, 5), channels, (kernel, kernel), (stride, stride), padding)
    overlap = lawful_overlap(graph, graph.operators[0], "input")
    assert overlap is not None
    assert overlap.most == most
    assert overlap.scratch_bytes == kernel * kernel * channels[0]
