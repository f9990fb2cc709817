"""Flattening, axes of length 1 that come and go, and what does nothing at inference."""

from collections.abc import Iterator

import torch

from tinyml_course.graph.torch_importer.walk import (
    HANDLERS,
    IDENTITIES,
    RESHAPES,
    Node,
    Walk,
    handles,
)

aten = torch.ops.aten


def flatten_pixel(walk: Walk, node: Node, source: str, channels: int) -> None:
    """Append a flattening of a 1x1 map behind ``source``; ``node`` stands for it."""
    walk.append("flatten", node, [source], attributes={"map": (channels, 1, 1)})


def _readers(node: Node) -> Iterator[Node]:
    """What reads a node's value, through operators that hand it on unchanged."""
    for user in node.users:
        if HANDLERS.get(user.target) is identity:
            yield from _readers(user)
        else:
            yield user


@handles(*RESHAPES)
def reshape(walk: Walk, node: Node) -> None:
    """``(N, C, H, W)`` to ``(N, C H W)``, and 1x1 maps to features and back."""
    before, after = walk.shape(node.args[0]), walk.shape(node)
    if before == after:
        walk.alias[node.name] = walk.source(node.args[0])
        return
    is_pixel = all(n == 1 for n in (*before[2:], *after[2:]))
    if before[:2] == after[:2] and len(before) <= 4 and len(after) <= 4 and is_pixel:
        _pixel(walk, node, after)
        return
    if len(before) != 4 or len(after) != 2 or after[0] != before[0]:
        raise walk.unsupported(node, f"{before} to {after}; only (N, C, H, W) to (N, C H W)")
    if any(user.target is not aten.linear.default for user in _readers(node)):
        raise walk.unsupported(node, "a flattened map that anything but a linear layer reads")
    walk.add_layer("flatten", node, [node.args[0]], attributes={"map": before[1:]})


def _pixel(walk: Walk, node: Node, after: tuple[int, ...]) -> None:
    """One pixel's channels under another shape; three axes are two in the graph."""
    source = walk.source(node.args[0])
    was_map, is_map = len(walk.shape(node.args[0])) == 4, len(after) == 4
    if was_map and not is_map:
        flatten_pixel(walk, node, source, after[1])
    elif is_map and not was_map:
        walk.append("reshape", node, [source], attributes={"shape": (1, 1, 1, after[1])})
    else:
        walk.alias[node.name] = source


@handles(*IDENTITIES, aten.clone.default)
def identity(walk: Walk, node: Node) -> None:
    """The value itself."""
    walk.alias[node.name] = walk.source(node.args[0])
