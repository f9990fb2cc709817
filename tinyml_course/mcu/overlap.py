"""May an operator's output lie on top of its input? Depends on the order of reads and writes.

Each rule models what the C kernel does: pixels in raster order, a window copied to scratch before
its output pixel is written; a depthwise convolution one channel at a time; an addition element by
element.
"""

import numpy as np

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import (
    Add,
    DepthwiseConv2D,
    Reshape,
    WindowOperator,
)


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
    size_in = graph.tensors[source].size_bytes
    size_out = graph.output_of(operator).size_bytes
    if output_offset >= input_offset + size_in or input_offset >= output_offset + size_out:
        return True
    if isinstance(operator, (Add, Reshape)):
        return output_offset <= input_offset
    if isinstance(operator, DepthwiseConv2D):
        channels = graph.tensors[source].shape[3]
        if operator.multiplier(graph.inputs_of(operator)) == 1:
            # Channel c of the output falls on channel c of the input, which is in scratch by then.
            return (output_offset - input_offset) % channels == 0
        return False
    if isinstance(operator, WindowOperator):
        return output_offset + raster_distance(graph, operator) <= input_offset
    return False


def in_place_scratch_bytes(graph: Graph, operator: Operator) -> int:
    """Scratch without which an in-place run of ``operator`` is impossible."""
    if isinstance(operator, DepthwiseConv2D):
        _, height, width, _ = graph.inputs_of(operator)[0].shape
        return height * width  # one channel
    return 0


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
