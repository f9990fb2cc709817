"""Channels that depend on each other: found in the traced network, removed everywhere at once."""

from typing import TYPE_CHECKING, Any

from tinyml_course.pruning.coupling.groups import (
    ChannelGroup,
    ChannelSlice,
    channel_prune,
    reorder_channels,
)
from tinyml_course.pruning.coupling.plain import coupled_channels, take_channels

if TYPE_CHECKING:
    from tinyml_course.pruning.coupling.smaller import (
        keep_counts,
        masked_network,
        reordered_network,
        smaller_network,
        strongest,
    )
    from tinyml_course.pruning.coupling.trace import channel_groups

__all__ = [
    "ChannelGroup",
    "ChannelSlice",
    "channel_groups",
    "channel_prune",
    "coupled_channels",
    "keep_counts",
    "masked_network",
    "reorder_channels",
    "reordered_network",
    "smaller_network",
    "strongest",
    "take_channels",
]

_WITH_TORCH = {"channel_groups": "trace"}


def __getattr__(name: str) -> Any:
    # torch takes a second to import: only who asks for these pays for it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_WITH_TORCH.get(name, 'smaller')}")
    return getattr(module, name)
