"""The constants of a convolution in the order in which ``tinyml_conv.c`` reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST_HIGH_SUM = 2**23
"""Of the channel in the high bytes: its sum leaves the kernel as 256 times itself, in 32 bits."""

LARGEST_SUM = 2**30
"""Of any channel: the kernel doubles it."""

LARGEST_SHIFT = 22
"""To the right; the output's zero point times two to this fits into 32 bits."""


@dataclass(frozen=True, eq=False)
class PackedConv:
    """What ``tinyml_conv_layer`` points to.

    Attributes:
        weights: int8, as many as the layer has.
        constants: int32; of every two channels the sums to begin with and the multipliers.
        shifts: int8, per channel; to the right, less one.
        carried: of so many weights, the first ones, each second one is one less where the one
            before is negative; multiplied as one number of 16 bits, they are what they were.
    """

    weights: NDArray[np.int8]
    constants: NDArray[np.int32]
    shifts: NDArray[np.int8]
    carried: int = 0

    @property
    def arrays(self) -> dict[str, NDArray[np.int8] | NDArray[np.int32]]:
        """By field of the layer's description."""
        return {"weights": self.weights, "constants": self.constants, "shifts": self.shifts}


def column_order(kernel_height: int, run: int) -> NDArray[np.int64]:
    """Which tap of a window, in row order, stands where in the column that the kernel makes.

    Fours of bytes come first, as SXTB16 takes them apart: 0, 2, 1, 3. What remains of each row
    comes behind all fours.

    Args:
        kernel_height: rows of the window.
        run: bytes of a row, kernel width times channels.

    >>> column_order(2, 5).tolist()
    [0, 2, 1, 3, 5, 7, 6, 8, 4, 9]
    """
    rows = np.arange(kernel_height * run).reshape(kernel_height, run)
    fours = run // 4 * 4
    halves = rows[:, :fours].reshape(-1, 2, 2).swapaxes(1, 2)
    return np.concatenate([halves.ravel(), rows[:, fours:].ravel()])


def pack_conv(
    weight: NDArray[np.int8],
    bias: NDArray[np.int32],
    multiplier: NDArray[np.int32],
    shift: NDArray[np.int32],
    zero_point: int,
) -> PackedConv | None:
    """Pack a layer for ``tinyml_conv``; ``None`` where its arithmetic asks for the plain kernel.

    Args:
        weight: ``(C_out, K_h, K_w, C_in)``.
        bias: ``(C_out,)``.
        multiplier: ``(C_out,)``.
        shift: ``(C_out,)``, positive is left.
        zero_point: of the input.
    """
    c_out, k_h = weight.shape[:2]
    rows = weight.reshape(c_out, -1).astype(np.int64)
    sums = bias - zero_point * rows.sum(axis=1)
    reach = extremes(rows, sums)
    even = c_out // 2 * 2
    low, high = rows[0:even:2], rows[1:even:2]
    carried = high - (low < 0)
    lawful = (
        np.all((shift <= -1) & (shift >= -LARGEST_SHIFT))
        and np.all(carried >= -128)
        and np.all(reach[1:even:2] < LARGEST_HIGH_SUM)
        and np.all(reach < LARGEST_SUM)
    )
    if not lawful:
        return None
    order = column_order(k_h, rows.shape[1] // k_h)
    return PackedConv(
        np.concatenate(
            [_interleave(low[:, order], carried[:, order]), rows[even:, order].ravel()]
        ).astype(np.int8),
        _constants(sums, multiplier.astype(np.int64)),
        (-shift - 1).astype(np.int8),
        even * rows.shape[1],
    )


def unpack_conv(weights: NDArray[np.int8], shape: tuple[int, int, int, int]) -> NDArray[np.int8]:
    """The inverse of what `pack_conv` does to weights of ``shape``."""
    c_out, k_h, k_w, c_in = shape
    taps, pairs = k_h * k_w * c_in, c_out // 2
    words = pairs * (taps // 2) * 4
    fours = weights[:words].astype(np.int64).reshape(pairs, taps // 2, 2, 2)
    odd = weights[words : 2 * pairs * taps].astype(np.int64).reshape(pairs, taps % 2, 2)
    both = np.concatenate([fours.reshape(pairs, taps // 2 * 2, 2), odd], axis=1)
    low, carried = both[..., 0], both[..., 1]
    rows = np.empty((c_out, taps), np.int8)
    order = column_order(k_h, k_w * c_in)
    rows[0 : 2 * pairs : 2, order] = low
    rows[1 : 2 * pairs : 2, order] = carried + (low < 0)
    rows[2 * pairs :, order] = weights[2 * pairs * taps :].reshape(c_out % 2, taps)
    return rows.reshape(shape)


def extremes(rows: NDArray[np.int64], sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest magnitude that each channel's sum, or any bound of it, can reach."""
    most = sums + np.maximum(rows * -128, rows * 127).sum(axis=1)
    least = sums + np.minimum(rows * -128, rows * 127).sum(axis=1)
    reach: NDArray[np.int64] = np.maximum(most, -least)
    return reach


def _interleave(low: NDArray[np.int64], carried: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of two channels beside each other; odd taps behind everything else."""
    taps = low.shape[1] // 2 * 2
    both = np.stack([low, carried], axis=-1)
    return np.concatenate([both[:, :taps].ravel(), both[:, taps:].ravel()])


def _constants(sums: NDArray[np.int64], multiplier: NDArray[np.int64]) -> NDArray[np.int32]:
    even = sums.size // 2 * 2
    low, high = sums[0:even:2], sums[1:even:2]
    pairs = np.stack([low, 256 * high + low, multiplier[0:even:2], multiplier[1:even:2]], axis=1)
    single = np.stack([sums[even:], multiplier[even:]], axis=1)
    flat = np.concatenate([pairs.ravel(), single.ravel()])
    return flat.astype(np.uint32).view(np.int32)
