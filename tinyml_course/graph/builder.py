"""Writing a graph step by step; shapes are inferred, rules checked at the end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import Operator
from tinyml_course.graph.quantization import Quantization
from tinyml_course.graph.tensor import Tensor


class GraphBuilder:
    """Collects tensors and operators, then makes the `Graph`.

    >>> b = GraphBuilder("flat")
    >>> x = b.input((1, 2, 2, 3), Quantization.per_tensor(0.1, -5))
    >>> y = b.apply(Reshape, "flatten", [x], shape=(1, 12))
    >>> b.finish(y).output.shape
    (1, 12)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []
        self.inputs: list[str] = []

    def input(self, shape: tuple[int, ...], quantization: Quantization, name: str = "input") -> str:
        """Declare an int8 input; returns its name."""
        self.inputs.append(name)
        return self._add(Tensor(name, shape, "int8", quantization))

    def constant(self, name: str, data: NDArray[Any], quantization: Quantization | None) -> str:
        """Add a constant; returns its name."""
        return self._add(Tensor(name, data.shape, str(data.dtype), quantization, data))

    def apply(
        self,
        kind: type[Operator],
        name: str,
        inputs: list[str],
        quantization: Quantization | None = None,
        **attributes: Any,
    ) -> str:
        """Append an operator; returns the name of its output.

        Args:
            kind: the operator's class.
            name: of the operator; its output tensor is called the same.
            inputs: tensor names.
            quantization: of the output; by default that of the first input.
            attributes: what the class takes: ``stride``, ``padding``, ``activation``, ...
        """
        operator = kind(name=name, inputs=tuple(inputs), outputs=(name,), **attributes)
        tensors = [self.tensors[i] for i in inputs]
        shape = operator.output_shape(tensors)
        self.operators.append(operator)
        return self._add(Tensor(name, shape, "int8", quantization or tensors[0].quantization))

    def weighted(
        self,
        kind: type[Operator],
        name: str,
        source: str,
        weight: NDArray[np.int8],
        weight_scale: NDArray[np.float32],
        bias: NDArray[np.int32],
        quantization: Quantization,
        **attributes: Any,
    ) -> str:
        """Append a conv, depthwise conv or linear layer with its constants.

        Args:
            kind: `Conv2D`, `DepthwiseConv2D` or `FullyConnected`.
            name: of the operator.
            source: the activation it reads.
            weight: int8, in the layout of ``kind``.
            weight_scale: float32 ``(C_out,)`` or ``(1,)``.
            bias: int32 ``(C_out,)``.
            quantization: of the output.
            attributes: ``stride``, ``padding``, ``activation``.
        """
        axis = 3 if kind.kind == "DEPTHWISE_CONV_2D" else 0
        scale_in, _ = self.tensors[source].scale_and_zero_point()
        per_channel = Quantization.per_channel(weight_scale, axis)
        bias_quantization = Quantization.per_channel(scale_in * per_channel.scale, 0)
        inputs = [
            source,
            self.constant(f"{name}/weight", weight, per_channel),
            self.constant(f"{name}/bias", bias, bias_quantization),
        ]
        return self.apply(kind, name, inputs, quantization, **attributes)

    def finish(self, *outputs: str) -> Graph:
        """The graph, checked."""
        return Graph(self.name, self.tensors.values(), self.operators, self.inputs, outputs)

    def _add(self, tensor: Tensor) -> str:
        if tensor.name in self.tensors:
            raise GraphError(f"{self.name}: two tensors are called {tensor.name!r}")
        self.tensors[tensor.name] = tensor
        return tensor.name
