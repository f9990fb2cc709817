"""Packed weights in the emulator: unpacked into the arena, and still there when they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.mcu.arena import Arena, Owners
from tinyml_course.mcu.faults import EmulatorFault
from tinyml_course.mcu.planning import Buffer, Plan


@dataclass(frozen=True, eq=False)
class UnpackedWeights:
    """The weights of one operator.

    Attributes:
        operator: its name.
        buffer: where they are unpacked to.
        values: what is written there, uint8, as long as the buffer.
        owner: of these bytes.
    """

    operator: str
    buffer: Buffer
    values: NDArray[np.uint8]
    owner: int

    @classmethod
    def of(
        cls,
        plan: Plan,
        operator: str,
        constants: Mapping[str, NDArray[Any]],
        owners: Mapping[tuple[str, str], int],
    ) -> "UnpackedWeights | None":
        """Those of an operator; ``None`` if its weights are bytes in flash.

        Args:
            plan: where they lie.
            operator: its name.
            constants: as they were read from flash.
            owners: by role and name of the buffer.
        """
        buffer = plan.unpacked(operator)
        if buffer is None:
            return None
        values = np.zeros(buffer.size_bytes, np.uint8)
        weights = constants["weight"].reshape(-1).view(np.uint8)
        values[: weights.size] = weights
        return cls(operator, buffer, values, owners[buffer.role, operator])

    def shadow(self, arena: Arena) -> Owners:
        """Who owns the bytes."""
        return arena.owner[self.buffer.offset : self.buffer.end]

    def unpack(self, arena: Arena) -> None:
        """Write them."""
        arena.claim(self.shadow(arena), self.owner, self.buffer.end)
        arena.sram[self.buffer.offset : self.buffer.end] = self.values

    def fault(self, arena: Arena, step: int) -> EmulatorFault | None:
        """What is wrong with reading them now."""
        shadow = self.shadow(arena)
        if (shadow == self.owner).all():
            return None
        where, what = (shadow, self.buffer.offset), f"the weights of {self.operator}"
        return arena.bad_read(what, where, self.owner, self.operator, step)
