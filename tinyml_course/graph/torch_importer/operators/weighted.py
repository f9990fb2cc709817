"""Convolutions, linear layers, and the batch norm that is folded into them."""

import numpy as np
import torch

from tinyml_course.errors import GraphError
from tinyml_course.graph.operators import Padding
from tinyml_course.graph.torch_importer.walk import Node, Walk, both_sides, handles, pair

aten = torch.ops.aten


@handles(aten.conv2d.default)
def conv2d(walk: Walk, node: Node) -> None:
    """``(C_out, C_in / groups, K_h, K_w)`` to the graph's layout."""
    weight = walk.array(node.args[1])
    assert weight is not None
    if pair(walk.argument(node, 5, "dilation", 1)) != (1, 1):
        raise walk.unsupported(node, "dilation")
    groups = int(walk.argument(node, 6, "groups", 1))
    c_in = walk.shape(node.args[0])[1]
    c_out = weight.shape[0]
    if groups == 1:
        kind, layout = "conv", (0, 2, 3, 1)
    elif groups == c_in:
        kind, layout = "depthwise", (1, 2, 3, 0)
    else:
        raise walk.unsupported(node, f"{groups} groups; 1 or one per channel")
    bias = walk.array(walk.argument(node, 2, "bias", None))
    padding = both_sides(pair(walk.argument(node, 4, "padding", 0)))
    source, padding = _with_zeros_before(walk, node, padding)
    walk.append(
        kind,
        node,
        [source],
        weight=weight.transpose(layout),
        bias=np.zeros(c_out) if bias is None else bias.copy(),
        attributes={
            "stride": pair(walk.argument(node, 3, "stride", 1)),
            "padding": padding,
        },
    )


def _with_zeros_before(walk: Walk, node: Node, padding: Padding) -> tuple[str, Padding]:
    """What the convolution reads, and its padding; a border of zeros before it becomes part of it.

    As an operator of its own the border would cost a second copy of the map.
    """
    before = walk.before(node)
    if before is None or not walk.can_absorb(node, ("pad",)):
        return walk.source(node.args[0]), padding
    sides = before.attributes["paddings"]
    if any(map(any, (sides[0], sides[3]))):
        return before.name, padding
    del walk.layers[before.name]
    (top, bottom), (left, right) = (
        (own[0] + side[0], own[1] + side[1]) for own, side in zip(padding, sides[1:3], strict=True)
    )
    return before.inputs[0], ((top, bottom), (left, right))


@handles(aten.batch_norm.default)
def batch_norm(walk: Walk, node: Node) -> None:
    """Scales the filters and shifts the bias of the convolution before it."""
    if walk.argument(node, 5, "training", False):
        raise GraphError(f"batch norm {walk.place(node)!r} is in training mode; call module.eval()")
    if not walk.can_absorb(node, ("conv", "depthwise")):
        reason = "batch norm is fused only into conv or depthwise, if nothing else reads that"
        raise walk.unsupported(node, reason)
    layer = walk.absorb(node)
    gamma, beta, mean, variance = (walk.array(node.args[i]) for i in range(1, 5))
    epsilon = float(walk.argument(node, 7, "eps", 1e-5))
    assert layer.weight is not None
    assert layer.bias is not None
    assert mean is not None
    assert variance is not None
    factor = (1.0 if gamma is None else gamma) / np.sqrt(variance + epsilon)
    axis = 0 if layer.kind == "conv" else 3
    along = [1] * 4
    along[axis] = -1
    layer.weight = layer.weight * factor.reshape(along)
    layer.bias = (layer.bias - mean) * factor + (0.0 if beta is None else beta)
    ones = np.ones_like(mean)
    layer.normal = (
        0.0 * ones if beta is None else beta,
        np.abs(ones if gamma is None else gamma) * np.sqrt(variance / (variance + epsilon)),
    )


@handles(aten.linear.default)
def linear(walk: Walk, node: Node) -> None:
    """``(C_out, C_in)``, the columns in the order in which the graph flattens."""
    weight = walk.array(node.args[1])
    assert weight is not None
    before = walk.before(node)
    if before is not None and before.kind == "flatten":
        # torch flattens channels first, the graph channels last: the columns change places.
        c, h, w = before.attributes["map"]
        ordered = weight.reshape(-1, c, h, w).transpose(0, 2, 3, 1)
        weight = ordered.reshape(weight.shape)
    if len(walk.shape(node.args[0])) != 2:
        raise walk.unsupported(node, "linear needs flattened features")
    bias = walk.array(walk.argument(node, 2, "bias", None))
    walk.add_layer(
        "linear",
        node,
        [node.args[0]],
        weight=weight,
        bias=np.zeros(weight.shape[0]) if bias is None else bias.copy(),
    )
