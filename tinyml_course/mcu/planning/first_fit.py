"""Offsets by first fit: the largest block first, each at the lowest address that is free.

An address is free where nothing lies that lives at the same time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyml_course.mcu.planning.part import Part


@dataclass(frozen=True)
class Block:
    """Tensors that share a start address. The block may shrink during its life.

    Attributes:
        names: of the tensors.
        parts: sizes over time.
    """

    names: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """The largest part."""
        return max(part.size_bytes for part in self.parts)


Order = Callable[[Block], tuple[int, ...]]


def first_fit(blocks: Sequence[Block], order: Order | None = None) -> dict[str, int]:
    """Offset of every tensor.

    Args:
        blocks: what is to be placed.
        order: sort key; by default the largest first, ties in the order given.
    """
    placed: list[tuple[int, Part]] = []
    offsets: dict[str, int] = {}
    for block in sorted(blocks, key=order or (lambda block: (-block.size_bytes,))):
        offset = _lowest(block, placed)
        placed.extend((offset, part) for part in block.parts)
        offsets.update(dict.fromkeys(block.names, offset))
    return offsets


def _lowest(block: Block, placed: list[tuple[int, Part]]) -> int:
    """The lowest offset at which no part collides."""
    # A pair of parts that live together forbids the offsets strictly between two bounds.
    forbidden = sorted(
        (offset - part.size_bytes, offset + other.size_bytes)
        for part in block.parts
        for offset, other in placed
        if part.lifetime.overlaps(other.lifetime)
    )
    lowest = 0
    for low, high in forbidden:
        if low >= lowest:  # sorted: no later pair reaches down to here either
            break
        lowest = max(lowest, high)
    return lowest
