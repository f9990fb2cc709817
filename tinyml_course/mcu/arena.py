"""SRAM as bytes, and a shadow that notes who owns each of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.mcu.faults import (
    ClobberedRead,
    EmulatorFault,
    SramOverflow,
    UninitialisedRead,
    UseAfterFree,
)

NOBODY = 0
Owners = NDArray[np.int32]


class Arena:
    """The SRAM of a board.

    An owner is a positive number: a tensor, a row of one, a patch of one, or somebody's scratch.
    A byte whose owner gave it up carries the negative number, so that late reads are told apart
    from reads of what somebody else has overwritten.

    Args:
        size_bytes: bytes.
        base: absolute address of the first one.
    """

    def __init__(self, size_bytes: int, base: int) -> None:
        self.base = base
        self.sram = np.zeros(size_bytes, np.uint8)
        self.owner: Owners = np.zeros(size_bytes, np.int32)
        self.high_water_bytes = self.held_bytes = 0
        self._described: list[tuple[int, Callable[[int], str]]] = []
        self._next = 1

    def owners(self, count: int, describe: Callable[[int], str]) -> int:
        """The first of ``count`` new owners; ``describe(i)`` says what the i-th of them is."""
        first = self._next
        self._described.append((first, describe))
        self._next += count
        return first

    def name(self, owner: int) -> str:
        """What an owner is, for people."""
        first, describe = next(pair for pair in reversed(self._described) if pair[0] <= owner)
        return describe(owner - first)

    def reset(self) -> None:
        """As after power-on: zeros that belong to nobody."""
        self.sram[:] = 0
        self.owner[:] = NOBODY
        self.high_water_bytes = self.held_bytes = 0

    def overflow(
        self, start: int, stop: int, what: str, operator: str, step: int
    ) -> SramOverflow | None:
        """The fault if bytes ``start .. stop - 1`` are not all there."""
        if start < 0:
            message = f"{what} starts {-start:,} B before SRAM"
            return SramOverflow(operator, step, self.base, message)
        size = self.sram.size
        if stop > size:
            message = f"{what} ends {stop - size:,} B behind the {size:,} B of SRAM"
            return SramOverflow(operator, step, self.base + start, message)
        return None

    def claim(self, where: Owners, owner: int | Owners, end: int) -> None:
        """Make ``owner`` the owner of a part of the shadow; whoever was there loses it.

        Args:
            where: a view of `owner`.
            owner: one, or several that broadcast to the view.
            end: first byte behind the part, for the high-water mark.
        """
        self.held_bytes += where.size - held(where)
        where[...] = owner
        self.high_water_bytes = max(self.high_water_bytes, end)

    def free(self, start: int, stop: int, first: int, count: int = 1) -> None:
        """Take from owners ``first .. first + count - 1`` the bytes that are still theirs."""
        owners = self.owner[start:stop]
        mine = (owners >= first) & (owners < first + count)
        freed = int(np.count_nonzero(mine))
        self.held_bytes -= freed
        if freed == owners.size:
            np.negative(owners, out=owners)
        else:
            owners[mine] = -owners[mine]

    def bad_read(
        self,
        what: str,
        where: tuple[Owners, int],
        owner: int | Owners,
        operator: str,
        step: int,
    ) -> EmulatorFault:
        """The fault for a part of the shadow that is not all its owner's.

        Args:
            what: is read.
            where: a view of the shadow and the address of its first byte in the arena.
            owner: who should own it.
            operator: that reads.
            step: of the plan.
        """
        view, start = where
        wrong = tuple(np.argwhere(view != owner)[0])
        offset = sum(int(i) * s for i, s in zip(wrong, view.strides, strict=True)) // view.itemsize
        address = self.base + start + offset
        found = int(view[wrong])
        expected = int(np.broadcast_to(owner, view.shape)[wrong])
        if found == NOBODY:
            return UninitialisedRead(
                operator, step, address, f"reads {what}, where nothing was written"
            )
        if found == -expected:
            return UseAfterFree(operator, step, address, f"reads {what}, no longer held")
        message = f"reads {what}, overwritten by {self.name(abs(found))}"
        return ClobberedRead(operator, step, address, message)


def held(owners: NDArray[Any]) -> int:
    """Bytes that somebody owns."""
    return int(np.count_nonzero(owners > NOBODY))
