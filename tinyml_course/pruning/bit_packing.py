"""Numbers of a few bits, one behind the other without gaps: for storage.

Weights that a board unpacks as it runs are laid out for that (`mcu.packed_weights`).
"""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.pruning.errors import PruningError

Unsigned = NDArray[np.uint32]


def packed_bytes(count: int, bits: int) -> int:
    """Bytes of ``count`` numbers of ``bits`` bits; the last one is filled up with zeros."""
    return -(-count * bits // 8)


def pack_bits(numbers: Unsigned, bits: int) -> bytes:
    """Numbers as bits, the lowest bit of the first number first.

    Args:
        numbers: uint32 ``(N,)``, each below ``2^bits``.
        bits: of each, 1 to 32.

    Raises:
        PruningError: a number that needs more bits.
    """
    if len(numbers) and int(numbers.max()) >> bits:
        raise PruningError(f"{int(numbers.max())} does not fit {bits} bits")
    octets = np.ascontiguousarray(numbers, "<u4").view(np.uint8).reshape(-1, 4)
    each = np.unpackbits(octets, axis=1, bitorder="little")[:, :bits]
    return np.packbits(each.reshape(-1), bitorder="little").tobytes()


def unpack_bits(data: bytes, count: int, bits: int) -> Unsigned:
    """The numbers again.

    Raises:
        PruningError: fewer bytes than they take.
    """
    needed = packed_bytes(count, bits)
    if len(data) < needed:
        raise PruningError(f"{count} numbers of {bits} bits are {needed} B, got {len(data)}")
    flat = np.unpackbits(np.frombuffer(data, np.uint8, needed), bitorder="little")
    each = np.zeros((count, 32), np.uint8)
    each[:, :bits] = flat[: count * bits].reshape(count, bits)
    return np.packbits(each, axis=1, bitorder="little").view("<u4").reshape(-1).astype(np.uint32)
