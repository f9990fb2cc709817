"""Sums and products of two maps."""

import operator as python_operator

import torch

from tinyml_course.graph.torch_importer.walk import EXPANSIONS, Node, Walk, handles

aten = torch.ops.aten


def _operands(walk: Walk, node: Node, doing: str) -> tuple[Node, Node]:
    first, second = node.args[:2]
    if not isinstance(first, Node) or not isinstance(second, Node):
        raise walk.unsupported(node, f"{doing} a number")
    if second.name in walk.held or first.name in walk.held:
        raise walk.unsupported(node, f"{doing} a constant tensor")
    return first, second


@handles(aten.add.Tensor, aten.add_.Tensor, python_operator.add)
def add(walk: Walk, node: Node) -> None:
    """Two maps of one shape."""
    first, second = _operands(walk, node, "adding")
    if node.kwargs.get("alpha", 1) != 1:
        raise walk.unsupported(node, "alpha")
    if walk.shape(first) != walk.shape(second):
        raise walk.unsupported(node, "broadcasting")
    walk.add_layer("add", node, [first, second])


@handles(aten.mul.Tensor, aten.mul_.Tensor, python_operator.mul)
def mul(walk: Walk, node: Node) -> None:
    """Two maps of one shape, or one of which is repeated along axes of length 1."""
    first, second = _operands(walk, node, "multiplying by")
    if len(walk.shape(first)) != len(walk.shape(second)):
        raise walk.unsupported(node, f"{walk.shape(first)} times {walk.shape(second)}")
    walk.add_layer("mul", node, [first, second])


@handles(*EXPANSIONS)
def expand(walk: Walk, node: Node) -> None:
    """Nothing to do: a product repeats its smaller operand by itself."""
    if any(user.target not in (aten.mul.Tensor, aten.mul_.Tensor) for user in node.users):
        raise walk.unsupported(node, "only where a product reads it")
    walk.alias[node.name] = walk.source(node.args[0])
