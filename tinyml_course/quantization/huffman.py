"""Huffman coding: frequent codes in few bits (Huffman 1952; Deep Compression, section 4)."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import CompressionError, check_bits
from tinyml_course.pruning.bit_packing import pack_bits, packed_bytes, unpack_bits

Codes = NDArray[np.integer]

MAX_CODE_BITS = 16
_COUNT_BYTES = 4


def entropy_bits(codes: Codes) -> float:
    """Bits a code that no coding of one code after the other can undercut (Shannon 1948).

    Args:
        codes: integers of any shape.

    Raises:
        CompressionError: no codes.
    """
    counts = _counts(codes)[1]
    share = counts / counts.sum()
    return abs(float((share * np.log2(share)).sum()))


def huffman_lengths(codes: Codes) -> dict[int, int]:
    """Bits of the word for each code that occurs; a code that is alone gets 1.

    Args:
        codes: integers of any shape, not negative.

    Raises:
        CompressionError: no codes, or a negative one.
    """
    values, counts = _counts(codes)
    lengths = _word_lengths(counts.tolist())
    return {int(value): length for value, length in zip(values, lengths, strict=True)}


def huffman_bits(counts: Sequence[int]) -> int:
    """Bits of all words together, when each code has its Huffman word.

    Args:
        counts: how often each code occurs, each at least once.

    Raises:
        CompressionError: no codes, or one that does not occur.
    """
    numbers = [int(count) for count in counts]
    if not numbers or min(numbers) < 1:
        raise CompressionError(f"each code must occur at least once, got counts {numbers}")
    lengths = _word_lengths(numbers)
    return sum(count * length for count, length in zip(numbers, lengths, strict=True))


def _word_lengths(counts: Sequence[int]) -> list[int]:
    if len(counts) == 1:
        return [1]
    # The two rarest trees become one, until one is left: each leaf of both gets a bit longer.
    # Among equals the oldest goes first, so that the same codes always give the same lengths.
    trees = [(count, age, [age]) for age, count in enumerate(counts)]
    heapq.heapify(trees)
    lengths = [0] * len(counts)
    for age in range(len(counts), 2 * len(counts) - 1):
        (first, _, left), (second, _, right) = heapq.heappop(trees), heapq.heappop(trees)
        for leaf in left + right:
            lengths[leaf] += 1
        heapq.heappush(trees, (first + second, age, left + right))
    return lengths


def canonical_words(lengths: dict[int, int]) -> dict[int, str]:
    """The words, as text of 0 and 1, that the lengths alone determine.

    Words of one length count upwards in the order of their codes, so a decoder needs no tree.

    >>> canonical_words({7: 2, 3: 1, 9: 2})
    {3: '0', 7: '10', 9: '11'}
    """
    words, word, before = {}, 0, 0
    for code, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        word <<= length - before
        words[code] = f"{word:0{length}b}"
        word, before = word + 1, length
    return words


@dataclass(frozen=True, eq=False)
class HuffmanCoded:
    """Codes in words of different lengths.

    Attributes:
        lengths: bits of each code's word.
        words: bits of the words, one behind the other, uint8 of 0 and 1.
        count: of codes.
        code_bits: of a code in the table.
    """

    lengths: dict[int, int]
    words: NDArray[np.uint8]
    count: int
    code_bits: int

    @property
    def size_bytes(self) -> int:
        """Bytes that `to_bytes` writes."""
        return huffman_bytes(self.lengths, len(self.words), self.code_bits)

    def decode(self) -> NDArray[np.int64]:
        """The codes again, ``(count,)``.

        Raises:
            CompressionError: the words end too early, or are no words.
        """
        codes = {word: code for code, word in canonical_words(self.lengths).items()}
        text = (self.words + ord("0")).tobytes().decode("ascii")
        longest, found, start = max(self.lengths.values()), [], 0
        for _ in range(self.count):
            for end in range(start + 1, start + longest + 1):
                code = codes.get(text[start:end])
                if code is not None:
                    found.append(code)
                    start = end
                    break
            else:
                raise CompressionError(f"the words end, or are no words, behind {len(found)} codes")
        return np.array(found, np.int64)

    def to_bytes(self) -> bytes:
        """Number of table entries, their codes and lengths, then the words."""
        table = sorted(self.lengths)
        return b"".join(
            (
                len(table).to_bytes(_COUNT_BYTES, "little"),
                pack_bits(np.array(table, np.uint32), self.code_bits),
                bytes(self.lengths[code] for code in table),
                np.packbits(self.words).tobytes(),
            )
        )


def huffman_bytes(lengths: dict[int, int], word_bits: int, code_bits: int) -> int:
    """Bytes of the words and of the table without which nobody could read them.

    Args:
        lengths: bits of each code's word.
        word_bits: of all words together.
        code_bits: of a code in the table.
    """
    table = _COUNT_BYTES + packed_bytes(len(lengths), code_bits) + len(lengths)
    return table + packed_bytes(word_bits, 1)


def huffman_encode(codes: Codes, code_bits: int) -> HuffmanCoded:
    """Codes as words.

    Args:
        codes: of any shape, 0 to ``2^code_bits - 1``; they are read row by row.
        code_bits: 1 to 16.

    Raises:
        CompressionError: no codes, or one that does not fit.
    """
    check_bits("codes have", code_bits, 1, MAX_CODE_BITS)
    lengths = huffman_lengths(codes)
    if max(lengths) >> code_bits:
        raise CompressionError(f"code {max(lengths)} does not fit {code_bits} bits")
    words = canonical_words(lengths)
    text = "".join(words[code] for code in codes.reshape(-1).tolist())
    bits = np.frombuffer(text.encode("ascii"), np.uint8) - ord("0")
    return HuffmanCoded(lengths, bits, codes.size, code_bits)


def huffman_from_bytes(data: bytes, count: int, code_bits: int) -> HuffmanCoded:
    """What `HuffmanCoded.to_bytes` wrote.

    Args:
        data: the bytes.
        count: of codes.
        code_bits: of a code in the table.

    Raises:
        CompressionError: fewer bytes than the table has, or words that never end.
    """
    entries = int.from_bytes(data[:_COUNT_BYTES], "little")
    codes_at = _COUNT_BYTES
    lengths_at = codes_at + packed_bytes(entries, code_bits)
    words_at = lengths_at + entries
    if not entries or len(data) <= words_at:
        raise CompressionError(f"{len(data)} B do not hold {entries} table entries and a word")
    table = unpack_bits(data[codes_at:lengths_at], entries, code_bits)
    lengths = {int(c): n for c, n in zip(table, data[lengths_at:words_at], strict=True)}
    if min(lengths.values()) < 1 or sum(2.0**-n for n in lengths.values()) > 1:
        raise CompressionError("the lengths in the table are those of no code (Kraft's inequality)")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=words_at))
    return HuffmanCoded(lengths, bits, count, code_bits)


def _counts(codes: Codes) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    if not codes.size:
        raise CompressionError("there are no codes: an empty layer has nothing to store")
    if not np.issubdtype(codes.dtype, np.integer) or codes.min() < 0:
        raise CompressionError(f"codes are integers from 0, got {codes.dtype} from {codes.min()}")
    values, counts = np.unique(codes, return_counts=True)
    return values, counts
