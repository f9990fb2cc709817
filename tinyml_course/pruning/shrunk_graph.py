"""An int8 graph without some channels, for what it costs: no torch, no retraining, milliseconds.

Scales stay those of the large network, so its outputs are not those of a network that was
quantized after pruning. Shapes, memory plan, MACs and latency are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Operator, Quantization, Tensor
from tinyml_course.graph.operators import (
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Reshape,
)
from tinyml_course.pruning.coupling.groups import ChannelGroup, Channels
from tinyml_course.pruning.errors import PruningError

Indices = NDArray[np.int64]


def shrunk_graph(graph: Graph, groups: Sequence[ChannelGroup], kept: Channels) -> Graph:
    """The graph of the network that `smaller_network` gives, with the scales of the large one.

    Args:
        graph: from `from_torch`, of the module from which the groups were found.
        groups: as `channel_groups` finds them.
        kept: indices of the channels that stay, by name of the group.

    Raises:
        PruningError: the graph has no layer by a name that the groups have.
    """
    made = {
        place.layer: np.asarray(kept[group.name], np.int64)
        for group in groups
        if group.name in kept
        for place in group.of("makes")
    }
    known = {operator.name for operator in graph.operators}
    missing = set(made) - known
    if missing:
        raise PruningError(
            f"{graph.name} has no layers {', '.join(sorted(missing))}; it must be made by "
            "from_torch from the module whose groups these are"
        )
    return _Shrinking(graph, made).run()


class _Shrinking:
    """One walk over the operators, with the channels that are left of every activation."""

    def __init__(self, graph: Graph, made: Mapping[str, Indices]) -> None:
        self.graph, self.made = graph, made
        self.left: dict[str, Indices] = {}
        self.tensors: dict[str, Tensor] = {}

    def run(self) -> Graph:
        """Every operator in execution order."""
        for name in self.graph.inputs:
            self._activation(self.graph.tensor(name), self.graph.tensor(name).shape)
        operators = [self._shrink(operator) for operator in self.graph.operators]
        return Graph(
            self.graph.name, self.tensors.values(), operators, self.graph.inputs, self.graph.outputs
        )

    def _activation(self, tensor: Tensor, shape: tuple[int, ...]) -> None:
        self.left.setdefault(tensor.name, np.arange(shape[-1]))
        self.tensors[tensor.name] = replace(tensor, shape=shape)

    def _shrink(self, operator: Operator) -> Operator:
        output = self.graph.output_of(operator)
        if isinstance(operator, (Conv2D, DepthwiseConv2D, FullyConnected)):
            self.left[output.name] = self._weighted(operator)
        elif isinstance(operator, Reshape):
            operator = self._reshape(operator, output)
        elif isinstance(operator, Concatenation):
            self.left[output.name] = self._joined(operator, output)
        else:
            self.left[output.name] = self._elementwise(operator)
        shape = operator.output_shape([self.tensors[name] for name in operator.inputs])
        self._activation(output, shape)
        return operator

    def _weighted(self, operator: Operator) -> Indices:
        source, weight, bias = self.graph.inputs_of(operator)
        inputs = self.left[source.name]
        if isinstance(operator, DepthwiseConv2D):
            times = weight.shape[3] // source.shape[-1]
            outputs = (inputs[:, None] * times + np.arange(times)).reshape(-1)
            data = weight.values()[..., outputs]
            self._constant(weight, data, outputs)
        else:
            outputs = self.made.get(operator.name, np.arange(weight.shape[0]))
            self._constant(weight, weight.values()[outputs][..., inputs], outputs)
        self._constant(bias, bias.values()[outputs], outputs)
        return outputs

    def _constant(self, tensor: Tensor, data: NDArray[Any], channels: Indices) -> None:
        quantization = tensor.quantization
        if quantization is not None and not quantization.is_per_tensor:
            quantization = Quantization.per_channel(
                quantization.scale[channels], quantization.axis or 0
            )
        self.tensors[tensor.name] = replace(
            tensor, shape=data.shape, quantization=quantization, data=np.ascontiguousarray(data)
        )

    def _reshape(self, operator: Reshape, output: Tensor) -> Reshape:
        """A flattened map keeps, pixel by pixel, what is left of its channels."""
        source = self.graph.inputs_of(operator)[0]
        kept = np.zeros(source.shape, np.bool_)
        kept[..., self.left[source.name]] = True
        along = kept.reshape(output.shape)
        self.left[output.name] = np.flatnonzero(along.reshape(-1, output.shape[-1])[0])
        if along.sum() != along[..., self.left[output.name]].size:
            raise GraphError(f"{operator.name}: channels cannot be followed through this reshape")
        return replace(operator, shape=(*output.shape[:-1], len(self.left[output.name])))

    def _joined(self, operator: Concatenation, output: Tensor) -> Indices:
        sources = self.graph.inputs_of(operator)
        if operator.axis != len(output.shape) - 1:
            return self.left[sources[0].name]
        offsets = np.cumsum([0, *(source.shape[-1] for source in sources)])
        parts = [
            self.left[source.name] + offset
            for source, offset in zip(sources, offsets, strict=False)
        ]
        return np.concatenate(parts)

    def _elementwise(self, operator: Operator) -> Indices:
        sources = self.graph.inputs_of(operator)
        for tensor in sources:
            if tensor.is_constant:
                self.tensors[tensor.name] = tensor
        widest = max(self.graph.activations_of(operator), key=lambda t: t.shape[-1])
        return self.left[widest.name]
