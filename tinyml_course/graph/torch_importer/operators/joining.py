"""Concatenation, a border of zeros, and enlarging by repetition."""

import torch

from tinyml_course.graph.torch_importer.walk import Node, Walk, handles, integers

aten = torch.ops.aten

CHANNELS_LAST = (0, 3, 1, 2)
"""Where the axes of ``(N, C, H, W)`` are in ``(N, H, W, C)``."""


@handles(aten.cat.default, aten.concat.default, aten.concatenate.default)
def cat(walk: Walk, node: Node) -> None:
    """Maps side by side; they must all have one scale, which the quantization sees to."""
    parts = node.args[0]
    assert isinstance(parts, (list, tuple))
    if any(isinstance(part, Node) and part.name in walk.held for part in parts):
        raise walk.unsupported(node, "joining a constant tensor")
    rank = len(walk.shape(node))
    axis = int(walk.argument(node, 1, "dim", 0)) % rank
    if axis == 0 or rank not in (2, 4):
        raise walk.unsupported(node, f"axis {axis} of {rank}; only within one image")
    attributes = {"axis": CHANNELS_LAST[axis] if rank == 4 else axis}
    walk.add_layer("concat", node, list(parts), attributes=attributes)


@handles(aten.pad.default)
def pad(walk: Walk, node: Node) -> None:
    """``F.pad``, which also mirrors and repeats."""
    if walk.argument(node, 2, "mode", "constant") != "constant":
        raise walk.unsupported(node, "only a border of zeros")
    _border(walk, node, walk.argument(node, 3, "value", 0))


@handles(aten.constant_pad_nd.default)
def constant_pad(walk: Walk, node: Node) -> None:
    """The same for constants only."""
    _border(walk, node, walk.argument(node, 2, "value", 0))


def _border(walk: Walk, node: Node, value: float | None) -> None:
    """A border of zeros. torch counts its sides from the last axis."""
    flat = integers(node.args[1])
    if value not in (0, None):
        raise walk.unsupported(node, "only a border of zeros")
    if len(walk.shape(node)) != 4 or min(flat) < 0 or any(flat[6:]):
        raise walk.unsupported(node, f"padding {flat}; at least 0, of a map, within one image")
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    width, height, channels = (*pairs, (0, 0), (0, 0))[:3]
    paddings = ((0, 0), height, width, channels)
    walk.add_layer("pad", node, [node.args[0]], attributes={"paddings": paddings})


@handles(aten.upsample_nearest2d.vec, aten.upsample_nearest2d.default)
def upsample_nearest(walk: Walk, node: Node) -> None:
    """Every pixel repeated a whole number of times."""
    size, source = walk.shape(node)[2:], walk.shape(node.args[0])[2:]
    if any(new % old for new, old in zip(size, source, strict=True)):
        raise walk.unsupported(node, f"{source} to {size}; only whole multiples")
    walk.add_layer("upsample", node, [node.args[0]], attributes={"size": size})
