"""Coupled channels in plain data: a list of layers, a table of places, nothing to be traced.

What `channel_groups` and `channel_prune` do for any torch module, for a network that is written
down as dicts; small enough to be read at a glance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import lookup

Array = NDArray[Any]
MAKERS = ("input", "conv", "linear")
"""Layers whose output channels are their own; all others keep the channels they read."""


def coupled_channels(layers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """For each layer the first layer that has the same channels: what goes there goes here too.

    An addition makes the channels of all it reads the same, with everything that shares them.

    Args:
        layers: in execution order, each with ``name``, ``kind`` and ``reads``, the names of the
            layers that it reads.

    Returns:
        By layer's name the name of the first layer of its group.

    >>> coupled_channels([{"name": "x", "kind": "conv", "reads": []},
    ...                   {"name": "y", "kind": "depthwise", "reads": ["x"]}])
    {'x': 'x', 'y': 'x'}
    """
    first: dict[str, str] = {}
    for layer in layers:
        name = layer["name"]
        first[name] = name
        if layer["kind"] in MAKERS:
            continue
        joined = {first[read] for read in layer["reads"]} | {name}
        earliest = min(joined, key=list(first).index)
        first = {other: earliest if own in joined else own for other, own in first.items()}
    return first


def take_channels(
    parameters: Mapping[str, Array],
    places: Mapping[str, Sequence[tuple[str, int]]],
    channels: Mapping[str, Sequence[int]],
) -> dict[str, Array]:
    """Keep the channels that are named, in the order in which they are, wherever they are held.

    A part of the channels prunes the network; all of them in another order change nothing of what
    it computes.

    Args:
        parameters: by name.
        places: by group, where its channels are held: a parameter and the axis along which.
        channels: by group, indices; groups that are not in it stay as they are.

    Returns:
        All parameters, new arrays where channels were taken.

    Raises:
        UnknownNameError: no such group or parameter.
    """
    result = dict(parameters)
    for group, indices in channels.items():
        for parameter, axis in lookup("channel group", group, places):
            array = lookup("parameter", parameter, result)
            result[parameter] = np.take(array, np.asarray(indices, np.int64), axis)
    return result
