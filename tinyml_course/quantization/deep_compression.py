"""Deep Compression: pruned, shared, Huffman-coded, down to the bytes (Han et al. 2016)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError
from tinyml_course.pruning.relative_index import RelativeIndexed, encode
from tinyml_course.quantization.codebook import CENTROID_BYTES, Codebook
from tinyml_course.quantization.huffman import HuffmanCoded, huffman_encode, huffman_from_bytes

HEADER_BYTES = 4 + 4 + 4
"""Number of entries, bytes of the coded gaps, number of centroids."""


@dataclass(frozen=True, eq=False)
class CompressedLayer:
    """A layer's weight as it lies in flash.

    Attributes:
        shape: of the weight.
        centroids: float32, those that are not 0.
        gaps: zeros before each entry, coded.
        codes: which centroid each entry is, coded; 0 is a filler.
        index_bits: of a gap before coding.
        code_bits: of a code before coding.
    """

    shape: tuple[int, ...]
    centroids: NDArray[np.float32]
    gaps: HuffmanCoded
    codes: HuffmanCoded
    index_bits: int
    code_bits: int

    @property
    def size_bytes(self) -> int:
        """Bytes that `to_bytes` writes."""
        coded = self.gaps.size_bytes + self.codes.size_bytes
        return HEADER_BYTES + CENTROID_BYTES * len(self.centroids) + coded

    def to_bytes(self) -> bytes:
        """Header, centroids, gaps, codes."""
        gaps = self.gaps.to_bytes()
        header = (self.gaps.count, len(gaps), len(self.centroids))
        return b"".join(
            (
                *(number.to_bytes(4, "little") for number in header),
                self.centroids.astype("<f4").tobytes(),
                gaps,
                self.codes.to_bytes(),
            )
        )

    def weights(self) -> NDArray[np.float32]:
        """The weight again."""
        entries = RelativeIndexed(
            (int(np.prod(self.shape)), 1),
            np.array([0, self.gaps.count], np.uint32),
            self.gaps.decode().astype(np.uint32),
            self.codes.decode().astype(np.int32),
            self.index_bits,
            self.code_bits,
        )
        dense = entries.decode().reshape(self.shape)
        weights: NDArray[np.float32] = np.append(np.float32(0), self.centroids)[dense]
        return weights


def compress(codebook: Codebook, index_bits: int) -> CompressedLayer:
    """Store a codebook's weight: only what is not 0, gaps and codes Huffman-coded.

    Args:
        codebook: in which pruned weights are exactly 0 (``keep_zero``).
        index_bits: of a gap; the paper has 8 for convolutions, 5 for fully connected layers.

    Raises:
        CompressionError: no weight is left.
    """
    kept = np.flatnonzero(codebook.centroids)
    code_of = np.zeros(len(codebook.centroids), np.int32)
    code_of[kept] = np.arange(1, len(kept) + 1)
    codes = code_of[codebook.indices]
    if not codes.any():
        raise CompressionError("all weights of the layer are 0: leave the layer out instead")
    sparse = encode(codes.reshape(-1, 1), index_bits, value_bits=None)
    code_bits = max(len(kept).bit_length(), 1)
    return CompressedLayer(
        codebook.indices.shape,
        codebook.centroids[kept],
        huffman_encode(sparse.gaps.astype(np.int64), index_bits),
        huffman_encode(sparse.values.astype(np.int64), code_bits),
        index_bits,
        code_bits,
    )


def from_bytes(
    data: bytes, shape: tuple[int, ...], index_bits: int, code_bits: int
) -> CompressedLayer:
    """What `CompressedLayer.to_bytes` wrote; the network's code knows the other arguments.

    Raises:
        CompressionError: bytes that are no such layer.
    """
    if len(data) < HEADER_BYTES:
        raise CompressionError(f"{len(data)} B are less than a header")
    entries, gap_bytes, centroids = np.frombuffer(data, "<u4", 3).tolist()
    gaps_at = HEADER_BYTES + CENTROID_BYTES * centroids
    codes_at = gaps_at + gap_bytes
    if codes_at > len(data):
        raise CompressionError(f"the header asks for {codes_at:,} B, there are {len(data):,}")
    return CompressedLayer(
        shape,
        np.frombuffer(data[HEADER_BYTES:gaps_at], "<f4").astype(np.float32),
        huffman_from_bytes(data[gaps_at:codes_at], entries, index_bits),
        huffman_from_bytes(data[codes_at:], entries, code_bits),
        index_bits,
        code_bits,
    )
