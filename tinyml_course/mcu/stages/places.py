"""Where the maps of a stage lie in the arena: whole, as a ring of rows, or as one patch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Tensor
from tinyml_course.mcu.arena import Arena, Owners
from tinyml_course.mcu.planning import Buffer
from tinyml_course.mcu.scheduling import Region


@dataclass(frozen=True, eq=False)
class Access:
    """A part of a map, in the arena.

    Attributes:
        values: view of the bytes, ``(1, rows, columns, C)`` in the map's type.
        shadow: view of their owners, with the bytes of a pixel along the last axis.
        owner: who must own them, or will.
        start: first byte.
        end: first byte behind.
        is_dense: whether all bytes between belong to the part.
    """

    values: NDArray[Any]
    shadow: Owners
    owner: int | Owners
    start: int
    end: int
    is_dense: bool


class Place:
    """A map, or what is kept of it, at the plan's address."""

    def __init__(self, arena: Arena, tensor: Tensor, buffer: Buffer, owner: int) -> None:
        self.tensor, self.buffer, self.owner = tensor, buffer, owner
        _, _, self.width, channels = tensor.shape
        self.item_bytes = np.dtype(tensor.dtype).itemsize
        self.pixel_bytes = channels * self.item_bytes
        self.arena = arena

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:
        """The pieces of the region, one below the other."""
        raise NotImplementedError

    def view(
        self, offset: int, shape: tuple[int, int], window: Region, owner: int | Owners
    ) -> Access:
        """A window of ``shape`` rows and columns of pixels that start ``offset`` bytes behind."""
        rows, columns = shape
        start = self.buffer.offset + offset
        size = rows * columns * self.pixel_bytes
        sram, shadow = self.arena.sram[start : start + size], self.arena.owner[start : start + size]
        rows_of, columns_of = slice(*window.rows), slice(*window.columns)
        values = sram.view(self.tensor.dtype).reshape(1, rows, columns, -1)
        owners = shadow.reshape(rows, columns, -1)[rows_of, columns_of]
        first = (window.rows[0] * columns + window.columns[0]) * self.pixel_bytes
        behind = ((window.rows[1] - 1) * columns + window.columns[1]) * self.pixel_bytes
        is_dense = window.columns == (0, columns) or window.rows[1] - window.rows[0] == 1
        return Access(
            values[:, rows_of, columns_of], owners, owner, start + first, start + behind, is_dense
        )


class Whole(Place):
    """All of a map lies in SRAM."""

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:  # noqa: ARG002
        """One piece."""
        shape = self.tensor.shape[1:3]
        return (self.view(0, (shape[0], shape[1]), region, self.owner),)


class Ring(Place):
    """Row ``y`` lies in slot ``y % slots``."""

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:  # noqa: ARG002
        """Two pieces where the rows reach around the ring's end."""
        row_bytes = self.width * self.pixel_bytes
        slots = self.buffer.size_bytes // row_bytes
        pieces, row = [], region.rows[0]
        while row < region.rows[1]:
            slot = row % slots
            count = min(slots - slot, region.rows[1] - row)
            owners = (self.owner + np.arange(row, row + count, dtype=np.int32))[:, None, None]
            window = Region((0, count), region.columns)
            pieces.append(self.view(slot * row_bytes, (count, self.width), window, owners))
            row += count
        return tuple(pieces)


class PatchRoom(Place):
    """The region of the patch at hand, packed."""

    def __init__(
        self, arena: Arena, tensor: Tensor, buffer: Buffer, owner: int, regions: Sequence[Region]
    ) -> None:
        super().__init__(arena, tensor, buffer, owner)
        self.regions = regions

    def access(self, region: Region, patch: int) -> tuple[Access, ...]:
        """One piece."""
        held = self.regions[patch]
        shape = held.rows[1] - held.rows[0], held.columns[1] - held.columns[0]
        window = Region(
            (region.rows[0] - held.rows[0], region.rows[1] - held.rows[0]),
            (region.columns[0] - held.columns[0], region.columns[1] - held.columns[0]),
        )
        return (self.view(0, shape, window, self.owner + patch),)
