"""The constants of a depthwise convolution in the order in which the kernels read them."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.channel_numbers import ChannelNumbers
from tinyml_course.firmware.kernels.conv_packing import LARGEST_SHIFT, LARGEST_SUM, extremes

LARGEST_KERNEL = 7
"""Rows and columns of a window."""

Order = Literal["3x3", "rows"]
"""Whose order: that of ``tinyml_depthwise_3x3.c`` or of ``.._rows.c``."""


def tap_order(order: Order, kernel: tuple[int, int]) -> NDArray[np.int64]:
    """Which tap of a window, in row order, stands where.

    >>> tap_order("rows", (3, 3)).tolist()
    [0, 1, 3, 4, 2, 5, 6, 7, 8]
    """
    taps = np.arange(kernel[0] * kernel[1]).reshape(kernel)
    if order == "3x3":
        return np.array([0, 1, 3, 4, 2, 6, 5, 8, 7])
    # Two taps of two rows are a word, from which SXTB16 takes a tap of both.
    columns = range(0, kernel[1], 2)
    words = [
        taps[y : y + 2, x : x + 2].ravel() for y in range(0, kernel[0] - 1, 2) for x in columns
    ]
    return np.concatenate([*words, taps[-1]])


@dataclass(frozen=True, eq=False)
class PackedDepthwise:
    """What ``tinyml_depthwise_layer`` points to.

    Attributes:
        weights: int8, channel by channel.
        constants: int32; of every channel what its sum begins with, and the multiplier.
        shifts: int8, per channel; to the right, less one.
    """

    weights: NDArray[np.int8]
    constants: NDArray[np.int32]
    shifts: NDArray[np.int8]


def pack_depthwise(numbers: ChannelNumbers, order: Order) -> PackedDepthwise | None:
    """Pack a layer for ``tinyml_depthwise``; ``None`` where it asks for the plain kernel.

    Args:
        numbers: of the layer, windows at most 7 x 7 and square.
        order: of the taps, as the kernel wants them.
    """
    _, k_h, k_w, _ = numbers.weight.shape
    rows, sums = numbers.rows(), numbers.sums()
    if k_h != k_w or k_h > LARGEST_KERNEL:
        return None
    if not _quick_shifts(numbers) or not np.all(extremes(rows, sums) < LARGEST_SUM):
        return None
    rows = rows[:, tap_order(order, (k_h, k_w))]
    return PackedDepthwise(
        np.ascontiguousarray(rows.astype(np.int8)).ravel(),
        _beside(sums, numbers.multiplier),
        (-numbers.shift - 1).astype(np.int8),
    )


def pack_narrow(numbers: ChannelNumbers) -> PackedDepthwise | None:
    """Pack a layer for ``tinyml_depthwise_narrow``: taps of four channels beside each other.

    Its sums begin with the bias and see differences from the input's zero point.
    """
    rows = numbers.rows()
    reach = np.abs(numbers.bias.astype(np.int64)) + 255 * np.abs(rows).sum(axis=1)
    if not _quick_shifts(numbers) or not np.all(reach < LARGEST_SUM):
        return None
    fours = rows.reshape(-1, 4, rows.shape[1]).swapaxes(1, 2)
    return PackedDepthwise(
        fours.astype(np.int8).ravel(),
        _beside(numbers.bias, numbers.multiplier),
        (-numbers.shift - 1).astype(np.int8),
    )


FOUR_PAIRS = ((0, 3), (1, 4), (2, 5), (6, 7))
"""The taps, in row order, of which ``tinyml_depthwise_four`` takes two at a time."""


def pack_four(numbers: ChannelNumbers) -> PackedDepthwise | None:
    """Pack a layer for ``tinyml_depthwise_four``: windows 3 x 3, a multiple of four channels.

    Two taps of two channels are a word, from which SXTB16 takes those of a channel.
    """
    packed = pack_depthwise(numbers, "3x3")
    if packed is None:
        return None
    taps = numbers.weight.reshape(-1, 4, 9)
    pairs = [taps[:, i : i + 2, [one, other]] for one, other in FOUR_PAIRS for i in (0, 2)]
    # Both channels of the one tap, then both of the other.
    words = [pair.swapaxes(1, 2).reshape(-1, 4) for pair in pairs]
    return replace(packed, weights=np.concatenate([*words, taps[:, :, 8]], axis=1).ravel())


def plain_depthwise(numbers: ChannelNumbers) -> PackedDepthwise:
    """What ``tinyml_depthwise_any`` reads: taps row by row, biases, shifts as TF-Lite has them."""
    constants = _beside(numbers.bias, numbers.multiplier)
    return PackedDepthwise(numbers.weight.ravel(), constants, numbers.shift.astype(np.int8))


def _quick_shifts(numbers: ChannelNumbers) -> bool:
    return bool(np.all((numbers.shift <= -1) & (numbers.shift >= -LARGEST_SHIFT)))


def _beside(sums: NDArray[Any], multiplier: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.stack([sums, multiplier], axis=1).astype(np.int32).ravel()


def unpack_depthwise(
    weights: NDArray[np.int8], shape: tuple[int, int, int, int], order: Order
) -> NDArray[np.int8]:
    """The inverse of what `pack_depthwise` does to weights of ``shape``."""
    rows = weights.reshape(shape[3], -1)[:, np.argsort(tap_order(order, shape[1:3]))]
    return np.ascontiguousarray(rows.T).reshape(shape)
