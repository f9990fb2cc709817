"""Placing buffers under pairwise rules: which differences of two addresses are forbidden.

Two buffers that live at the same time must be disjoint: their distance may not lie strictly
between minus the one size and the other. Where an operator may write over its input the forbidden
interval is shorter. Offsets are found by placing one buffer after the other at the lowest address
that no rule forbids, for several orders, and keeping the best.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tinyml_course.graph import Lifetime
from tinyml_course.mcu.planning.part import Part


@dataclass(eq=False)
class Item:
    """Something to place. It may shrink during its life.

    Attributes:
        name: for messages.
        parts: its sizes over time, in order of time.
        alignment: its address is a multiple of this.
        rules: for every neighbour in time, the open interval in which ``offset of this -
            offset of the neighbour`` must not lie.
    """

    name: str
    parts: list[Part]
    alignment: int = 1
    rules: dict["Item", tuple[int, int]] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """The largest part."""
        return max(part.size_bytes for part in self.parts)

    @property
    def lifetime(self) -> Lifetime:
        """Steps during which any part is held."""
        return Lifetime(self.parts[0].lifetime.first, self.parts[-1].lifetime.last)

    def bytes_at(self, step: int) -> int:
        """What is held during ``step``."""
        held = (p.size_bytes for p in self.parts if p.lifetime.first <= step <= p.lifetime.last)
        return max(held, default=0)

    def forbid(self, other: "Item", low: int, high: int) -> None:
        """Forbid ``low < offset of this - offset of other < high``; widens an earlier rule."""
        before = self.rules.get(other)
        if before is not None:
            low, high = min(low, before[0]), max(high, before[1])
        self.rules[other] = (low, high)
        other.rules[self] = (-high, -low)


def keep_apart(first: Item, second: Item) -> None:
    """The two share no byte as long as both hold it."""
    for part in first.parts:
        for other in second.parts:
            if part.lifetime.overlaps(other.lifetime):
                first.forbid(second, -part.size_bytes, other.size_bytes)


Order = Callable[[Item], tuple[int, ...]]
ROUNDS = 24
"""How often the items that reach highest are moved to the front of an order."""


def pack(items: Sequence[Item], orders: Sequence[Order], bound_bytes: int) -> dict[Item, int]:
    """Offsets with the lowest end found.

    Each order is tried as it is; then, as long as the bound is not met, the items that reach
    highest are placed first and everything is placed again.

    Args:
        items: what to place, with their rules.
        orders: sort keys to try.
        bound_bytes: stop as soon as the end is no higher; nothing can be better.
    """
    attempts = [sorted(items, key=order) for order in orders]
    sizes = {item: item.size_bytes for item in items}
    tried: set[tuple[Item, ...]] = set()
    best: dict[Item, int] = {}
    best_end = -1
    for _ in range(1 + ROUNDS):
        following = []
        for ordered in attempts:
            # What an order leads to was, or is, followed from where it came up first.
            if tuple(ordered) in tried:
                continue
            tried.add(tuple(ordered))
            offsets = _place(ordered)
            ends = {item: offset + sizes[item] for item, offset in offsets.items()}
            end = max(ends.values())
            if best_end < 0 or end < best_end:
                best, best_end = offsets, end
            if best_end <= bound_bytes:
                return best
            highest = [item for item in ordered if ends[item] == end]
            following.append([*highest, *(item for item in ordered if ends[item] != end)])
        attempts = following
    return best


def _place(ordered: Sequence[Item]) -> dict[Item, int]:
    offsets: dict[Item, int] = {}
    for item in ordered:
        forbidden = sorted(
            (offsets[other] + low, offsets[other] + high)
            for other, (low, high) in item.rules.items()
            if other in offsets
        )
        lowest, alignment = 0, item.alignment
        for low, high in forbidden:
            if low >= lowest:  # sorted: no later interval reaches down to here either
                break
            lowest = -(-max(lowest, high) // alignment) * alignment
        offsets[item] = lowest
    return offsets
