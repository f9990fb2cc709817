"""What a program wrote in SRAM, found by painting it first and looking for what has changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.elf import Image
from tinyml_course.mcu.boards import Board

_SEED = 0x7A  # any: the paint must only not look like data


@dataclass(frozen=True)
class SramUse:
    """Bytes of SRAM that were written.

    Attributes:
        high_water_bytes: from the first byte of SRAM to the last one written.
        touched_bytes: that were written.
        stack_depth_bytes: from the top of the stack to the lowest byte written in it.
        arena_bytes: from the first byte of the arena to the last one written in it.
    """

    high_water_bytes: int
    touched_bytes: int
    stack_depth_bytes: int
    arena_bytes: int


def paint(board: Board, inverted: bool = False) -> NDArray[np.uint8]:
    """The bytes that SRAM is filled with.

    A byte that is written with the value of its paint goes unseen, one in 256 by chance. No value
    equals both the paint and the inverted paint.
    """
    random = np.random.default_rng(_SEED)
    pattern = random.integers(0, 256, board.sram_bytes, np.uint8)
    return ~pattern if inverted else pattern


def sram_use(touched: NDArray[np.bool_], image: Image, board: Board) -> SramUse:
    """Summarize which bytes of SRAM were written.

    Args:
        touched: for each byte of SRAM, whether it was.
        image: says where stack and arena lie.
        board: says where SRAM begins.
    """

    def edges(region: str, first: str, last: str) -> slice:
        begin, end = (image.address(f"tinyml_{region}_{e}") for e in (first, last))
        return slice(begin - board.sram_base, end - board.sram_base)

    stack = touched[edges("stack", "bottom", "top")]
    return SramUse(
        high_water_bytes=_last(touched),
        touched_bytes=int(np.count_nonzero(touched)),
        stack_depth_bytes=_last(stack[::-1]),
        arena_bytes=_last(touched[edges("arena", "start", "end")]),
    )


def _last(touched: NDArray[np.bool_]) -> int:
    """Bytes from the first to the last that was touched."""
    indices = np.flatnonzero(touched)
    return int(indices[-1]) + 1 if indices.size else 0
