"""Each kind of float layer in torch: the network between its capture and its integers, to train.

Maps are ``(N, C, H, W)``, features ``(N, C)``.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tinyml_course.graph.torch_importer.float_layers import KINDS, FloatLayer

Inputs = list[Tensor]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "NONE": lambda x: x,
    "RELU": functional.relu,
    "RELU6": functional.relu6,
}

CHANNELS_FIRST = {1: 2, 2: 3, 3: 1}
"""Axes of ``(N, H, W, C)`` in ``(N, C, H, W)``."""


def _padded(layer: FloatLayer, x: Tensor, value: float = 0.0) -> Tensor:
    (top, bottom), (left, right) = layer.attributes.get("padding", ((0, 0), (0, 0)))
    return functional.pad(x, (left, right, top, bottom), value=value)


def weighted(layer: FloatLayer, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A convolution or linear layer, without its activation.

    Args:
        layer: what it is.
        x: its input.
        weight: in the graph's layout.
        bias: ``(C_out,)``.
    """
    if layer.kind == "linear":
        return functional.linear(x, weight, bias)
    if layer.kind == "conv":
        kernel, groups = weight.permute(0, 3, 1, 2), 1
    else:
        kernel, groups = weight.permute(3, 0, 1, 2), x.shape[1]
    stride = layer.attributes["stride"]
    return functional.conv2d(_padded(layer, x), kernel, bias, stride, groups=groups)


def _average_pool(layer: FloatLayer, inputs: Inputs) -> Tensor:
    """The mean of what is not padding."""
    size, stride = layer.attributes["size"], layer.attributes["stride"]
    x = inputs[0]
    inside = functional.avg_pool2d(_padded(layer, torch.ones_like(x[:1, :1])), size, stride)
    return functional.avg_pool2d(_padded(layer, x), size, stride) / inside


def _max_pool(layer: FloatLayer, inputs: Inputs) -> Tensor:
    padded = _padded(layer, inputs[0], float("-inf"))
    return functional.max_pool2d(padded, layer.attributes["size"], layer.attributes["stride"])


def _pad(layer: FloatLayer, inputs: Inputs) -> Tensor:
    _, height, width, channels = layer.attributes["paddings"]
    return functional.pad(inputs[0], (*width, *height, *channels))


def _concat(layer: FloatLayer, inputs: Inputs) -> Tensor:
    axis = layer.attributes["axis"]
    return torch.cat(inputs, CHANNELS_FIRST[axis] if inputs[0].ndim == 4 else axis)


def _operands(layer: FloatLayer, inputs: Inputs) -> tuple[Any, Any]:
    return (inputs[0], layer.constant) if len(inputs) == 1 else (inputs[0], inputs[1])


def _sum(layer: FloatLayer, inputs: Inputs) -> Tensor:
    first, second = _operands(layer, inputs)
    total: Tensor = first + second
    return total


def _product(layer: FloatLayer, inputs: Inputs) -> Tensor:
    first, second = _operands(layer, inputs)
    product: Tensor = first * second
    return product


OPERATIONS: dict[str, Callable[[FloatLayer, Inputs], Tensor]] = {
    "add": _sum,
    "mul": _product,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
    "flatten": lambda layer, inputs: inputs[0].permute(0, 2, 3, 1).flatten(1),  # noqa: ARG005
    "reshape": lambda layer, inputs: inputs[0][:, :, None, None],  # noqa: ARG005
    "pad": _pad,
    "upsample": lambda layer, inputs: functional.interpolate(inputs[0], layer.attributes["size"]),
    "concat": _concat,
    "relu": lambda layer, inputs: functional.relu(inputs[0]),  # noqa: ARG005
    "relu6": lambda layer, inputs: functional.relu6(inputs[0]),  # noqa: ARG005
    "hard_swish": lambda layer, inputs: functional.hardswish(inputs[0]),  # noqa: ARG005
    "sigmoid": lambda layer, inputs: inputs[0].sigmoid(),  # noqa: ARG005
    "softmax": lambda layer, inputs: inputs[0].softmax(1),  # noqa: ARG005
    "log_softmax": lambda layer, inputs: inputs[0].log_softmax(1),  # noqa: ARG005
}
"""All kinds without weights, by name."""

assert set(OPERATIONS) | {"conv", "depthwise", "linear"} == set(KINDS)
