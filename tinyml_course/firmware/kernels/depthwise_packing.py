"""The constants of a depthwise convolution in the order in which the kernels read them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.conv_packing import LARGEST_SHIFT, LARGEST_SUM, extremes

LARGEST_KERNEL = 7
"""Rows and columns of a window."""

Order = Literal["3x3", "rows", "any"]
"""Whose order: that of ``tinyml_depthwise_3x3.c``, of ``.._rows.c`` or of ``.._any.c``."""


def tap_order(order: Order, kernel: tuple[int, int]) -> NDArray[np.int64]:
    """Which tap of a window, in row order, stands where.

    >>> tap_order("rows", (3, 3)).tolist()
    [0, 1, 3, 4, 2, 5, 6, 7, 8]
    """
    taps = np.arange(kernel[0] * kernel[1]).reshape(kernel)
    if order == "any":
        return taps.ravel()
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
        constants: int32; of every channel the sum to begin with and the multiplier.
        shifts: int8, per channel; to the right, less one.
    """

    weights: NDArray[np.int8]
    constants: NDArray[np.int32]
    shifts: NDArray[np.int8]


def pack_depthwise(
    weight: NDArray[np.int8],
    bias: NDArray[np.int32],
    multiplier: NDArray[np.int32],
    shift: NDArray[np.int32],
    zero_point: int,
    order: Order,
) -> PackedDepthwise | None:
    """Pack a layer for ``tinyml_depthwise``; ``None`` where it asks for the plain kernel.

    Args:
        weight: ``(1, K, K, C_out)``, K at most 7.
        bias: ``(C_out,)``.
        multiplier: ``(C_out,)``.
        shift: ``(C_out,)``, positive is left.
        zero_point: of the input.
        order: of the taps, as the kernel wants them.
    """
    _, k_h, k_w, c_out = weight.shape
    rows = weight.reshape(-1, c_out).T.astype(np.int64)
    sums = bias - zero_point * rows.sum(axis=1)
    if k_h != k_w or k_h > LARGEST_KERNEL:
        return None
    if not np.all((shift <= -1) & (shift >= -LARGEST_SHIFT)):
        return None
    if not np.all(extremes(rows, sums) < LARGEST_SUM):
        return None
    rows = rows[:, tap_order(order, (k_h, k_w))]
    return PackedDepthwise(
        np.ascontiguousarray(rows.astype(np.int8)).ravel(),
        np.stack([sums, multiplier], axis=1).astype(np.int32).ravel(),
        (-shift - 1).astype(np.int8),
    )


def unpack_depthwise(
    weights: NDArray[np.int8], shape: tuple[int, int, int, int], order: Order
) -> NDArray[np.int8]:
    """The inverse of what `pack_depthwise` does to weights of ``shape``."""
    rows = weights.reshape(shape[3], -1)[:, np.argsort(tap_order(order, shape[1:3]))]
    return np.ascontiguousarray(rows.T).reshape(shape)
