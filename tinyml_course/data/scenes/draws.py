"""Random numbers of one scene, the same on every machine and with every version of numpy.

NumPy promises that the raw 64-bit numbers of a bit generator never change; of `Generator`'s methods
it does not (NEP 19). So the numbers here are made from the raw ones, in one way that is exact.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

BLOCK = 256
"""Numbers drawn ahead: one call of numpy costs as much as a hundred look-ups in a list."""


class Draws:
    """A stream of random numbers.

    Args:
        key: integers in 0..2**32 - 1; streams of different keys are independent (`SeedSequence`).
    """

    def __init__(self, key: Sequence[int]) -> None:
        # The length first: a sequence takes zeros at its end for nothing.
        self._bits = np.random.PCG64(np.random.SeedSequence([len(key), *key]))
        self._ahead: list[float] = []

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number, uniform from ``low`` to ``high``."""
        if not self._ahead:
            self._ahead = self.field(BLOCK).tolist()
        return low + (high - low) * self._ahead.pop()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.number() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of them, each as likely."""
        return options[int(self.number() * len(options))]

    def count(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""
        return low + int(self.number() * (high - low + 1))

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All of them in any order, each as likely."""
        rest = list(options)
        return [rest.pop(self.count(0, len(rest) - 1)) for _ in options]

    def sign(self) -> float:
        """-1 or 1."""
        return 1.0 if self.chance(0.5) else -1.0

    def field(self, *shape: int) -> NDArray[np.float64]:
        """Numbers from 0 to below 1, with 53 bits."""
        raw = self._raw(math.prod(shape)) >> np.uint64(11)
        return raw.reshape(shape).astype(np.float64) * np.float64(2.0**-53)

    def octets(self, *shape: int) -> NDArray[np.uint8]:
        """Integers from 0 to 255; the order of a machine's bytes does not matter."""
        size = math.prod(shape)
        raw = self._raw(-(-size // 8)).astype("<u8", copy=False)
        return raw.view(np.uint8)[:size].reshape(shape)

    def _raw(self, size: int) -> NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(size), np.uint64)
