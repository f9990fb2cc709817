"""Pools, and means and maxima over whole maps."""

import operator as python_operator

import torch

from tinyml_course.graph.torch_importer.operators.shapes import flatten_pixel
from tinyml_course.graph.torch_importer.walk import (
    Node,
    Walk,
    both_sides,
    handles,
    integers,
    pair,
)

aten = torch.ops.aten


def _adaptive(walk: Walk, node: Node, kind: str) -> None:
    height, width = walk.shape(node.args[0])[2:]
    rows, columns = pair(node.args[1])
    if height % rows or width % columns:
        raise walk.unsupported(node, f"{height}x{width} does not divide into {rows}x{columns}")
    size = (height // rows, width // columns)
    walk.add_layer(kind, node, [node.args[0]], attributes={"size": size, "stride": size})


@handles(aten.adaptive_avg_pool2d.default)
def adaptive_average_pool(walk: Walk, node: Node) -> None:
    """Windows of one size, if the map divides into them."""
    _adaptive(walk, node, "average_pool")


@handles(aten.adaptive_max_pool2d.default)
def adaptive_max_pool(walk: Walk, node: Node) -> None:
    """The same for the largest value; the indices that torch gives too are not read."""
    _adaptive(walk, node, "max_pool")


@handles(python_operator.getitem)
def getitem(walk: Walk, node: Node) -> None:
    """The first of several outputs."""
    if node.args[1] != 0 and node.users:
        raise walk.unsupported(node, f"output {node.args[1]}; only the values of a pool")
    walk.alias[node.name] = walk.source(node.args[0])


def _over_the_map(walk: Walk, node: Node, kind: str, what: str) -> None:
    shape = walk.shape(node.args[0])
    axes = {axis % len(shape) for axis in integers(walk.argument(node, 1, "dim", ()))}
    if len(shape) != 4 or axes != {2, 3}:
        raise walk.unsupported(node, f"a {what} over anything but height and width")
    size = (shape[2], shape[3])
    pool = walk.add_layer(kind, node, [node.args[0]], attributes={"size": size, "stride": size})
    if not walk.argument(node, 2, "keepdim", False):
        flatten_pixel(walk, node, pool, shape[1])


@handles(aten.mean.dim)
def mean(walk: Walk, node: Node) -> None:
    """Global average pooling."""
    _over_the_map(walk, node, "average_pool", "mean")


@handles(aten.amax.default)
def amax(walk: Walk, node: Node) -> None:
    """Global max pooling."""
    _over_the_map(walk, node, "max_pool", "maximum")


@handles(aten.avg_pool2d.default)
def average_pool(walk: Walk, node: Node) -> None:
    """Any window."""
    padding = pair(walk.argument(node, 3, "padding", 0))
    if padding != (0, 0) and walk.argument(node, 5, "count_include_pad", True):
        raise walk.unsupported(node, "padding that counts in the mean")
    if walk.argument(node, 6, "divisor_override", None) is not None:
        raise walk.unsupported(node, "divisor_override")
    _pool(walk, node, "average_pool", padding, ceil_index=4)


@handles(aten.max_pool2d.default)
def max_pool(walk: Walk, node: Node) -> None:
    """Any window."""
    if pair(walk.argument(node, 4, "dilation", 1)) != (1, 1):
        raise walk.unsupported(node, "dilation")
    _pool(walk, node, "max_pool", pair(walk.argument(node, 3, "padding", 0)), ceil_index=5)


def _pool(walk: Walk, node: Node, kind: str, padding: tuple[int, int], ceil_index: int) -> None:
    size = pair(node.args[1])
    stride = pair(walk.argument(node, 2, "stride", None) or size)
    sides = [list(side) for side in both_sides(padding)]
    if walk.argument(node, ceil_index, "ceil_mode", False):
        # Rounding up equals some rows of padding at the far side, which no pool counts.
        for axis in range(2):
            given = walk.shape(node.args[0])[2 + axis]
            rows = walk.shape(node)[2 + axis]
            reach = (rows - 1) * stride[axis] + size[axis]
            sides[axis][1] += max(0, reach - given - sum(sides[axis]))
    attributes = {"size": size, "stride": stride, "padding": tuple(map(tuple, sides))}
    walk.add_layer(kind, node, [node.args[0]], attributes=attributes)
