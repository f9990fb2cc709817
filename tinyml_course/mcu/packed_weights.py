"""Weights of fewer than eight bits as they lie in flash: unpacked into SRAM before they are used.

What packing saves in flash costs SRAM for the unpacked bytes while the operator runs, and time. The
layers with most weights are as a rule the last ones, whose maps are small: there the SRAM is free.

In a graph a weight of ``b`` bits lies in the top bits of its byte, a multiple of ``2**(8 - b)``.
Packed, 32 weights are a group of as many words as they have bits. Their bits are cut into planes of
4, 2 and 1 of them, the lowest in the widest plane; a plane of ``n`` bits takes ``n`` words, and
each byte of its words holds ``8 / n`` fields, which belong to consecutive words of unpacked
weights. So four weights come out of a word with a shift and a mask (``tinyml_unpack.c``). Weights
are stored plus ``2**(b - 1)``; behind the last one, zeros fill the group.
"""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected

LEAST_BITS, BYTE_BITS = 2, 8
GROUP = 32
"""Weights that are packed together."""
WORD_BYTES = 4
PLANES = (4, 2, 1)
WEIGHTED = (Conv2D, DepthwiseConv2D, FullyConnected)
"""Operators with weights, their second input, and a bias, the third."""


def weight_bits(weights: NDArray[np.integer]) -> int:
    """The least number of bits, from 2 to 8, in which weights lie: the top ones of their bytes."""
    used = int(np.bitwise_or.reduce(weights, axis=None, initial=0))
    lowest = used & -used  # the lowest bit that any weight has
    return max(LEAST_BITS, BYTE_BITS - lowest.bit_length() + 1) if used else LEAST_BITS


def packable_bits(graph: Graph, operator: Operator) -> int | None:
    """The bits that an operator's weights need; ``None`` if it has none, or not around zero."""
    if not isinstance(operator, WEIGHTED):
        return None
    weight = graph.inputs_of(operator)[1]
    if weight.dtype != "int8" or weight.quantization is None:
        return None
    return None if weight.quantization.zero_point.any() else weight_bits(weight.values())


def packed_weight_bytes(count: int, bits: int) -> int:
    """Flash that ``count`` weights of so many bits take: whole groups; a byte each with 8 bits."""
    return count if bits == BYTE_BITS else -(-count // GROUP) * WORD_BYTES * bits


def unpacked_bytes(count: int) -> int:
    """SRAM that they take while they are used: whole words."""
    return -(-count // WORD_BYTES) * WORD_BYTES


def pack_weights(weights: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """Pack weights of any shape, in the order in which they lie.

    Args:
        weights: multiples of ``2**(8 - bits)``.
        bits: 2 to 7.

    Returns:
        ``packed_weight_bytes(weights.size, bits)`` bytes.

    Raises:
        GraphError: a weight with more bits, or a number of bits that is not packed.
    """
    _check(bits)
    needed = weight_bits(weights)
    if needed > bits:
        raise GraphError(
            f"these weights have {needed} bits and do not fit into {bits}; all must be multiples "
            f"of {2 ** (BYTE_BITS - bits)}"
        )
    groups = -(-weights.size // GROUP)
    padded = np.zeros(groups * GROUP, np.uint8)
    padded[: weights.size] = (weights.ravel().view(np.uint8) ^ _SIGN) >> BYTE_BITS - bits
    words = padded.reshape(groups, GROUP // WORD_BYTES, WORD_BYTES)
    planes = []
    for width, low in _planes(bits):
        fields = (words >> low & (1 << width) - 1).reshape(groups, width, 8 // width, WORD_BYTES)
        planes.append(np.bitwise_or.reduce(fields << _shifts(width), axis=2))
    return np.concatenate(planes, axis=1).astype(np.uint8).ravel()


def unpack_weights(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.int8]:
    """The ``count`` weights that `pack_weights` packed.

    Raises:
        GraphError: not as many bytes as so many weights take, or a number of bits that is not
            packed.
    """
    _check(bits)
    if packed.size != packed_weight_bytes(count, bits):
        raise GraphError(
            f"{count} weights of {bits} bits take {packed_weight_bytes(count, bits)} bytes, got "
            f"{packed.size}"
        )
    groups = packed.reshape(-1, bits, WORD_BYTES)
    values = np.zeros((len(groups), GROUP // WORD_BYTES, WORD_BYTES), np.uint8)
    at = 0
    for width, low in _planes(bits):
        fields = groups[:, at : at + width, None] >> _shifts(width) & (1 << width) - 1
        values |= (fields << low).reshape(values.shape)
        at += width
    top = values.ravel()[:count] << BYTE_BITS - bits
    return (top.astype(np.uint8) ^ _SIGN).view(np.int8)


_SIGN = np.uint8(0x80)


def _check(bits: int) -> None:
    if not LEAST_BITS <= bits < BYTE_BITS:
        raise GraphError(
            f"weights are packed with {LEAST_BITS} to {BYTE_BITS - 1} bits, got {bits}; with "
            f"{BYTE_BITS} they are bytes"
        )


def _shifts(width: int) -> NDArray[np.uint8]:
    """Of the fields of a plane's bytes."""
    return (width * np.arange(8 // width, dtype=np.uint8))[:, None]


def _planes(bits: int) -> list[tuple[int, int]]:
    """Of each plane its width and the lowest bit in it."""
    found, low = [], 0
    for width in PLANES:
        if bits & width:
            found.append((width, low))
            low += width
    return found
