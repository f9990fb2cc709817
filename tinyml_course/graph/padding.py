"""Padding as an operator of its own, as TF-Lite files have it where SAME cannot express it."""

from dataclasses import replace

from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import (
    NO_PADDING,
    Conv2D,
    DepthwiseConv2D,
    Operator,
    Pad,
    same_padding,
)
from tinyml_course.graph.tensor import Tensor


def explicit_padding(graph: Graph, everywhere: bool = False) -> Graph:
    """The same network with a PAD before convolutions, which then pad nothing themselves.

    Args:
        graph: the network.
        everywhere: before every convolution and depthwise convolution, also where nothing is
            padded: this is how the TF-Lite files of the MCUNet papers were converted. Otherwise
            only where TF-Lite's SAME and VALID cannot express the padding, where any converter
            must.

    Returns:
        A new graph, or ``graph`` itself if nothing had to change.
    """
    tensors = dict(graph.tensors)
    operators: list[Operator] = []
    for operator in graph.operators:
        if isinstance(operator, (Conv2D, DepthwiseConv2D)) and (
            everywhere or not _expressible(graph, operator)
        ):
            source = graph.tensors[operator.inputs[0]]
            name = f"{operator.name}.pad"
            pad = Pad(name, (source.name,), (name,), ((0, 0), *operator.padding, (0, 0)))
            shape = pad.output_shape([source])
            tensors[name] = Tensor(name, shape, source.dtype, source.quantization)
            operators += [
                pad,
                replace(operator, inputs=(name, *operator.inputs[1:]), padding=NO_PADDING),
            ]
        else:
            operators.append(operator)
    if len(operators) == len(graph.operators):
        return graph
    return Graph(graph.name, tensors.values(), operators, graph.inputs, graph.outputs)


def _expressible(graph: Graph, operator: Conv2D | DepthwiseConv2D) -> bool:
    inputs = graph.inputs_of(operator)
    size = (inputs[0].shape[1], inputs[0].shape[2])
    same = same_padding(size, operator.kernel(inputs), operator.stride)
    return operator.padding in (NO_PADDING, same)
