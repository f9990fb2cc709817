"""May an operator's output lie on top of its input? Depends on the order of reads and writes.

Each rule models what the C kernel does: a convolution copies a pixel's window to scratch, then
writes the pixel, in raster order; a depthwise convolution goes channel by channel and keeps the
rows that it has overwritten in a ring; a pool goes pixel by pixel and channel by channel; an
elementwise operator byte by byte. Planners and emulator ask here, so that what the one lays out is
what the other allows.
"""

from dataclasses import dataclass

import numpy as np

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import (
    Conv2D,
    DepthwiseConv2D,
    Elementwise,
    Logistic,
    Pool,
    Reshape,
    Unary,
    WindowOperator,
)


@dataclass(frozen=True)
class Overlap:
    """How far an output may reach into its input.

    Attributes:
        most: the largest ``output offset - input offset`` at which the two may share bytes; any
            lower one is lawful too.
        multiple: the distance must be a multiple of this (channels must fall on themselves).
        scratch_bytes: what the operator needs beside, to be lawful.
    """

    most: int
    multiple: int = 1
    scratch_bytes: int = 0


def lawful_overlap(graph: Graph, operator: Operator, source: str) -> Overlap | None:
    """Where the output may lie over ``source``; ``None`` if they must share no byte."""
    tensor, output = graph.tensors[source], graph.output_of(operator)
    if isinstance(operator, (Elementwise, Unary, Logistic, Reshape)):
        # A smaller, broadcast operand is read again and again while the output grows over it.
        return Overlap(0) if tensor.size_bytes == output.size_bytes else None
    if not isinstance(operator, WindowOperator):
        return None
    inputs = graph.inputs_of(operator)
    k_h, k_w = operator.kernel(inputs)
    _, height, width, channels = tensor.shape
    if isinstance(operator, DepthwiseConv2D):
        if operator.multiplier(inputs) != 1:
            return None
        top = operator.padding[0][0]
        rows = depthwise_ring_rows(k_h, top, (height, width), output.shape[2])
        return Overlap(0, channels, rows * width)
    if isinstance(operator, Pool):
        return Overlap(-raster_distance(graph, operator), channels)
    if isinstance(operator, Conv2D):
        return Overlap(-raster_distance(graph, operator), 1, k_h * k_w * channels)
    return None


def depthwise_ring_rows(kernel: int, top: int, source: tuple[int, int], columns: int) -> int:
    """Rows of one channel that a depthwise convolution must copy to run in place.

    Output row y covers at most input row y, of which the ring holds a copy. Where output rows are
    longer, or start before any input row, only a copy of the whole channel helps.

    Args:
        kernel: rows of the window.
        top: rows of padding above.
        source: rows and columns of the input.
        columns: of the output.
    """
    height, width = source
    keeps_up = columns <= width and top < kernel
    return min(kernel, height) if keeps_up else height


def overlap_is_safe(
    graph: Graph, operator: Operator, source: str, input_offset: int, output_offset: int
) -> bool:
    """Whether writing the output at ``output_offset`` spares every input byte still to be read.

    Args:
        graph: the graph.
        operator: the operator.
        source: the input tensor.
        input_offset: bytes from the start of the arena.
        output_offset: bytes from the start of the arena.
    """
    distance = output_offset - input_offset
    output_bytes = graph.output_of(operator).size_bytes
    if distance >= graph.tensors[source].size_bytes or distance <= -output_bytes:
        return True
    overlap = lawful_overlap(graph, operator, source)
    return overlap is not None and distance <= overlap.most and distance % overlap.multiple == 0


def raster_distance(graph: Graph, operator: WindowOperator) -> int:
    """Bytes by which a windowed operator's output must start before its input, at the least.

    ``max over pixels (end of the pixel's write - first byte that a later pixel still reads)``.
    Negative where the output may even start behind the input's start.
    """
    inputs = graph.inputs_of(operator)
    _, height, width, c_in = inputs[0].shape
    _, rows, columns, c_out = graph.output_of(operator).shape
    (top, _), (left, _) = operator.padding
    first_row = np.clip(np.arange(rows) * operator.stride[0] - top, 0, height - 1)
    first_column = np.clip(np.arange(columns) * operator.stride[1] - left, 0, width - 1)
    # First byte a pixel reads, and, from the end backwards, that any pixel from there on reads.
    reads = ((first_row[:, None] * width + first_column[None, :]) * c_in).ravel()
    still_needed = np.minimum.accumulate(reads[::-1])[::-1]
    ends = np.arange(1, reads.size + 1) * c_out
    if reads.size == 1:
        return -(height * width * c_in)
    return int((ends[:-1] - still_needed[1:]).max())
