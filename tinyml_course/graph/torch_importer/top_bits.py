"""Where weights of fewer than eight bits lie in their bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def in_top_bits(
    weight: NDArray[np.int8],
    scale: NDArray[np.float32],
    least: NDArray[np.floating[Any]],
    axis: int,
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights of few bits in the top bits of their bytes; they stand for the same real numbers.

    A scale of few bits is large, and with it the multiplier from sums to outputs. TF-Lite shifts
    the sums to the left then, which fast kernels do not: they rest on a shift to the right. Biases,
    in steps of the smaller scale, become finer.

    Args:
        weight: integers.
        scale: of each channel.
        least: the smallest that its scale may become.
        axis: of the channels.
    """
    largest = int(np.abs(weight.astype(np.int16)).max(initial=0))
    live = np.moveaxis(weight, axis, 0).reshape(scale.size, -1).any(axis=1)
    shift = 7 - largest.bit_length() if largest else 0
    while shift and (scale / 2**shift < least)[live].any():
        shift -= 1
    # A channel of zeros has whatever scale its bias needs.
    finer = np.maximum(scale / 2**shift, least).astype(np.float32)
    return weight << shift, finer
