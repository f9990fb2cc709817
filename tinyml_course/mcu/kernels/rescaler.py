"""From int32 sums to bytes in float64, exactly: an order of magnitude faster than in int64.

Vector units multiply and round doubles but not 64-bit integers. Every intermediate number below
is an integer of less than 53 bits (or one over a power of two), so no double ever rounds.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

BLOCK_ELEMENTS = 32_768
"""Elements worked on at a time: two blocks of doubles stay in a second-level cache."""

HALVES_UP = 1 + 2.0**-40
"""Pushes a half away from zero, and nothing else over a half: int32 / 2**31 is coarser."""


class Rescaler:
    """TF-Lite Micro's requantization, ready for one operator.

    Args:
        multiplier: int32, one or ``(C,)``.
        shift: positive is left, one or ``(C,)``.
        offset: added to the sum before, one or ``(C,)``: a bias.
        dtype: of the output.
        zero_point: of the output.
        limits: smallest and largest output.
    """

    def __init__(
        self,
        multiplier: ArrayLike,
        shift: ArrayLike,
        zero_point: int,
        limits: tuple[int, int],
        offset: ArrayLike = 0,
        dtype: DTypeLike = np.int8,
    ) -> None:
        factor = np.asarray(multiplier, np.int64)
        shifts = np.asarray(shift, np.int64)
        left = 2.0 ** np.maximum(shifts, 0)
        # The product has 62 bits: it is taken in two halves of the multiplier.
        high = (factor >> 16) * left
        low = (factor & 0xFFFF) * left / 2**16
        self.factors = high, low, 2.0 ** np.minimum(shifts, 0) * HALVES_UP
        self.offset = np.asarray(offset, np.float64)
        self.zero_point, self.limits, self.dtype = zero_point, limits, dtype

    def __call__(self, sums: NDArray[Any]) -> NDArray[Any]:
        """Bytes of the shape of ``sums``, integers ``(N, C)`` of any type, within int32."""
        result = np.empty(sums.shape, self.dtype)
        rows = max(1, BLOCK_ELEMENTS // sums.shape[1])
        for start in range(0, sums.shape[0], rows):
            block = sums[start : start + rows]
            result[start : start + rows] = rescaled(
                block, self.offset, self.factors, self.zero_point, self.limits
            )
        return result


def rescaled(
    sums: NDArray[Any],
    offset: NDArray[np.float64],
    factors: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    zero_point: int,
    limits: tuple[int, int],
) -> NDArray[np.float64]:
    """Sums ``(N, C)`` of one block as outputs, still doubles.

    Args:
        sums: integers of any type, within int32.
        offset: added before.
        factors: upper and lower half of the multipliers, each with the shift to the left, and the
            shift to the right.
        zero_point: of the output.
        limits: smallest and largest output.
    """
    high, low, right = factors
    total: NDArray[np.float64] = sums + offset
    # (2 total multiplier + 2**31) >> 32, rounded down ...
    carry = total * low
    np.floor(carry, out=carry)
    total *= high
    total += carry
    total *= 2.0**-15
    total += 0.5
    np.floor(total, out=total)
    # ... and shifted right, halves away from zero.
    total *= right
    np.rint(total, out=total)
    total += zero_point
    return np.clip(total, *limits, out=total)
