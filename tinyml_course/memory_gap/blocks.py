"""Bytes held inside each block of a network: where the peak is made."""

from collections.abc import Mapping, Sequence

from tinyml_course.memory_gap.network import Layer, steps
from tinyml_course.memory_gap.peak import live_per_step


def block_of(layer: Layer) -> str:
    """The block a layer belongs to: ``block1`` of ``block1.depthwise``."""
    return layer["name"].split(".")[0]


def block_peaks(network: Sequence[Layer], sizes: Mapping[str, int]) -> dict[str, int]:
    """The most bytes that are held while a block runs (Lin et al. 2023, figure 11).

    Args:
        network: the layers, in execution order.
        sizes: bytes of each activation by name.

    Returns:
        Block to bytes, in execution order; the largest is `peak_live` of the network.
    """
    peaks: dict[str, int] = {}
    for layer, held in zip(network, live_per_step(sizes, steps(network)), strict=True):
        block = block_of(layer)
        peaks[block] = max(held, peaks.get(block, 0))
    return peaks
