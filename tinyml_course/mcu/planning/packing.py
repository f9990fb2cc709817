"""Placing buffers under pairwise rules: which differences of two addresses are forbidden.

Two buffers that live at the same time must be disjoint: their distance may not lie strictly
between minus the one size and the other. Where an operator may write over its input the forbidden
interval is shorter. Offsets are found by placing one buffer after the other at the lowest address
that no rule forbids, for several orders, and keeping the best.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tinyml_course.graph import Lifetime


@dataclass(eq=False)
class Item:
    """Something to place.

    Attributes:
        name: for messages.
        size_bytes: its extent.
        lifetime: steps during which it is held.
        rules: for every neighbour in time, the open interval in which ``offset of this -
            offset of the neighbour`` must not lie.
    """

    name: str
    size_bytes: int
    lifetime: Lifetime
    rules: dict["Item", tuple[int, int]] = field(default_factory=dict)

    def forbid(self, other: "Item", low: int, high: int) -> None:
        """Forbid ``low < offset of this - offset of other < high``; widens an earlier rule."""
        before = self.rules.get(other)
        if before is not None:
            low, high = min(low, before[0]), max(high, before[1])
        self.rules[other] = (low, high)
        other.rules[self] = (-high, -low)


def keep_apart(first: Item, second: Item) -> None:
    """The two share no byte."""
    first.forbid(second, -first.size_bytes, second.size_bytes)


Order = Callable[[Item], tuple[int, ...]]


def pack(items: Sequence[Item], orders: Sequence[Order], bound_bytes: int) -> dict[Item, int]:
    """Offsets with the lowest end found.

    Args:
        items: what to place, with their rules.
        orders: sort keys to try.
        bound_bytes: stop as soon as the end is no higher; nothing can be better.
    """
    best: dict[Item, int] = {}
    best_end = -1
    for order in orders:
        offsets = _place(sorted(items, key=order))
        end = max(offset + item.size_bytes for item, offset in offsets.items())
        if best_end < 0 or end < best_end:
            best, best_end = offsets, end
        if best_end <= bound_bytes:
            break
    return best


def _place(ordered: Sequence[Item]) -> dict[Item, int]:
    offsets: dict[Item, int] = {}
    for item in ordered:
        forbidden = sorted(
            (offsets[other] + low, offsets[other] + high)
            for other, (low, high) in item.rules.items()
            if other in offsets
        )
        lowest = 0
        for low, high in forbidden:
            if low >= lowest:  # sorted: no later interval reaches down to here either
                break
            lowest = max(lowest, high)
        offsets[item] = lowest
    return offsets
