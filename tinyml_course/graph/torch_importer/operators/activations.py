"""Activations: fused into what comes before where that is possible, else operators of their own."""

import math

import torch

from tinyml_course.graph.torch_importer.walk import Node, Walk, handles

aten = torch.ops.aten

FUSED_INTO = ("conv", "depthwise", "linear", "add", "mul")
"""Layers whose operator clamps its output by itself."""


def _clamp(walk: Walk, node: Node, activation: str) -> None:
    if walk.can_absorb(node, FUSED_INTO):
        walk.absorb(node).activation = activation
        return
    walk.add_layer(activation.lower(), node, [node.args[0]])


@handles(aten.relu.default, aten.relu_.default)
def relu(walk: Walk, node: Node) -> None:
    """``max(x, 0)``."""
    _clamp(walk, node, "RELU")


@handles(aten.relu6.default, aten.relu6_.default)
def relu6(walk: Walk, node: Node) -> None:
    """``min(max(x, 0), 6)``."""
    _clamp(walk, node, "RELU6")


@handles(aten.hardtanh.default, aten.hardtanh_.default, aten.clamp.default, aten.clamp_.default)
def clamp(walk: Walk, node: Node) -> None:
    """A clamp to 0..6 or to 0 and above, which are what the int8 operators can."""
    is_hardtanh = "hardtanh" in str(node.target)
    low = walk.argument(node, 1, "min_val" if is_hardtanh else "min", -1.0 if is_hardtanh else None)
    high = walk.argument(node, 2, "max_val" if is_hardtanh else "max", 1.0 if is_hardtanh else None)
    bounds = (-math.inf if low is None else low, math.inf if high is None else high)
    if bounds not in ((0, 6), (0, math.inf)):
        raise walk.unsupported(node, f"clamp to {bounds}; only 0..6, or from 0 on")
    _clamp(walk, node, "RELU6" if bounds[1] == 6 else "RELU")


@handles(aten.hardswish.default, aten.hardswish_.default)
def hardswish(walk: Walk, node: Node) -> None:
    """``x relu6(x + 3) / 6``, which TF-Lite has as one operator."""
    walk.add_layer("hard_swish", node, [node.args[0]])


@handles(aten.hardsigmoid.default, aten.hardsigmoid_.default)
def hardsigmoid(walk: Walk, node: Node) -> None:
    """``relu6(x + 3) / 6``: an addition and a product, as TF-Lite's converter writes it."""
    shifted = walk.add_layer(
        "add", node, [node.args[0]], constant=3.0, activation="RELU6", bounds=(0.0, 6.0)
    )
    walk.append("mul", node, [shifted], constant=1 / 6, bounds=(0.0, 1.0))


@handles(aten.sigmoid.default, aten.sigmoid_.default)
def sigmoid(walk: Walk, node: Node) -> None:
    """``1 / (1 + exp(-x))``."""
    walk.add_layer("sigmoid", node, [node.args[0]])


@handles(aten.silu.default, aten.silu_.default)
def silu(walk: Walk, node: Node) -> None:
    """``x sigmoid(x)``."""
    source = walk.source(node.args[0])
    gate = walk.append("sigmoid", node, [source])
    walk.append("mul", node, [source, gate])


def _over_channels(kind: str, walk: Walk, node: Node) -> None:
    rank = len(walk.shape(node))
    if int(walk.argument(node, 1, "dim", -1)) % rank != 1:
        raise walk.unsupported(node, "only over channels, axis 1")
    walk.add_layer(kind, node, [node.args[0]])


@handles(aten.softmax.int)
def softmax(walk: Walk, node: Node) -> None:
    """Over the channels, which are the last axis of the graph."""
    _over_channels("softmax", walk, node)


@handles(aten.log_softmax.int)
def log_softmax(walk: Walk, node: Node) -> None:
    """Over the channels, which are the last axis of the graph."""
    _over_channels("log_softmax", walk, node)
