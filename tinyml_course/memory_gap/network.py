"""A network as a list of plain layers: what Lab 0 counts, taken from the graph that is deployed."""

from collections.abc import Sequence
from typing import TypedDict

from tinyml_course.graph import Graph
from tinyml_course.graph.operators import (
    Add,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Operator,
    WindowOperator,
)
from tinyml_course.graph.tensor import Tensor


class Layer(TypedDict):
    """One layer. A plain dict, so that it prints and travels as it is.

    Keys:
        name: ``block1.depthwise``.
        kind: ``conv``, ``depthwise``, ``linear``, ``add``, ``pool``, or TF-Lite's name in lower
            case, such as ``reshape``.
        reads: names of the activations it reads.
        writes: name of the activation it writes.
        input_shape: ``(H, W, C)`` or ``(F,)`` of the first activation it reads.
        output_shape: likewise.
        kernel: ``(K_h, K_w)``; ``(1, 1)`` where there is none.
        groups: channel groups of a convolution, else 1.
        params: weights and biases.
    """

    name: str
    kind: str
    reads: list[str]
    writes: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    kernel: tuple[int, int]
    groups: int
    params: int


def layers(graph: Graph) -> list[Layer]:
    """Every operator of a graph, in execution order."""
    return [_layer(graph, operator) for operator in graph.operators]


def activation_shapes(network: Sequence[Layer]) -> dict[str, tuple[int, ...]]:
    """Shape of every activation by its name, the image first.

    Args:
        network: the layers, in execution order.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in network:
        shapes.setdefault(layer["reads"][0], layer["input_shape"])
        shapes[layer["writes"]] = layer["output_shape"]
    return shapes


def steps(network: Sequence[Layer]) -> list[tuple[list[str], str]]:
    """Which activations each layer reads, and which it writes."""
    return [(list(layer["reads"]), layer["writes"]) for layer in network]


def _layer(graph: Graph, operator: Operator) -> Layer:
    inputs = graph.inputs_of(operator)
    activations = graph.activations_of(operator)
    output = graph.output_of(operator)
    kernel = operator.kernel(inputs) if isinstance(operator, WindowOperator) else (1, 1)
    return Layer(
        name=operator.name,
        kind=_kind(operator),
        reads=[tensor.name for tensor in activations],
        writes=output.name,
        input_shape=_shape(activations[0]),
        output_shape=_shape(output),
        kernel=kernel,
        groups=_shape(activations[0])[-1] if isinstance(operator, DepthwiseConv2D) else 1,
        params=sum(tensor.elements for tensor in inputs if tensor.is_constant),
    )


def _kind(operator: Operator) -> str:
    kinds: dict[type[Operator], str] = {
        DepthwiseConv2D: "depthwise",
        Conv2D: "conv",
        FullyConnected: "linear",
        Add: "add",
    }
    if isinstance(operator, WindowOperator):
        return kinds.get(type(operator), "pool")
    return kinds.get(type(operator), operator.kind.lower())


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tensor.shape[1:]  # the leading 1 is the batch
