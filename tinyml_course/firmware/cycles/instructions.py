"""What each Thumb instruction is, as far as its cost in cycles goes.

A classifier of our own instead of a disassembler: of an instruction only its class is asked, for a
whole image at once, and the Armv7-M encoding (Architecture Reference Manual, A5) tells that in a
few masks. Every half-word is classified as if an instruction began there; whoever counts knows
where they begin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "alu",
    "multiply",
    "divide",
    "load",
    "load_multiple",
    "store",
    "store_multiple",
    "branch",
    "float",
    "float_multiply_add",
    "float_divide",
)
"""Data processing (SIMD of the DSP extension too), all multiplications (SMLAD and its relatives
too), SDIV and UDIV; loads of one register; LDM, POP, LDRD and VLDM; the same of stores; B, BL, BX,
CBZ and table branches; floating point but VMLA and VFMA; these; VDIV and VSQRT."""

_INDEX = {name: index for index, name in enumerate(CLASSES)}
LONG = 0b11101
"""Five highest bits of the first half-word: from here on an instruction has two (Armv7-M A5.1)."""

_PC, _SP = 15, 13
_Words = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Decoded:
    """Instructions by the half-word that they would begin at.

    Attributes:
        kind: index into `CLASSES`.
        is_long: whether it takes two half-words.
        words: registers that it moves, of loads and stores of several.
        follows_load: ``(2, N)``, whether it is a load of one register directly behind another that
            does not give its address, which has one half-word or two: the Cortex-M4 overlaps them.
    """

    kind: NDArray[np.uint8]
    is_long: _Flags
    words: _Words
    follows_load: _Flags


def decode(halfwords: NDArray[np.uint16]) -> Decoded:
    """Classify the code of an image.

    Args:
        halfwords: the code, ``(N,)``.
    """
    first = halfwords.astype(np.int64)
    second = np.append(first[1:], 0)
    is_long = first >> 11 >= LONG
    kind = np.zeros(first.size, np.uint8)
    words = np.zeros(first.size, np.int64)
    _short_kinds(first, ~is_long, kind, words)
    _long_kinds(first, second, is_long, kind, words)
    return Decoded(kind, is_long, words, _follows_load(first, second, is_long, kind))


def _is(bits: _Words, mask: int, value: int) -> _Flags:
    found: _Flags = (bits & mask) == value
    return found


def _ones(bits: _Words) -> _Words:
    return np.bitwise_count(bits).astype(np.int64)


def _short_kinds(h: _Words, among: _Flags, kind: NDArray[np.uint8], words: _Words) -> None:
    """Sixteen bits (A5.2); whatever matches nothing here is data processing."""
    by_register = _is(h, 0xF000, 0x5000)
    by_immediate = (h >= 0x6000) & (h < 0xA000)
    loads = _is(h, 0xF800, 0x4800) | (by_immediate & _is(h, 0x0800, 0x0800))
    loads |= by_register & (h >> 9 & 7 >= 3)
    stores = (by_register & (h >> 9 & 7 < 3)) | (by_immediate & _is(h, 0x0800, 0))
    pop, push = _is(h, 0xFE00, 0xBC00), _is(h, 0xFE00, 0xB400)
    branches = _is(h, 0xFF00, 0x4700) | _is(h, 0xF500, 0xB100) | _is(h, 0xF800, 0xE000)
    branches |= _is(h, 0xF000, 0xD000) & (h >> 8 & 15 < 14)
    branches |= _is(h, 0xFD87, 0x4487)  # ADD and MOV to the PC
    for name, flags in {
        "multiply": _is(h, 0xFFC0, 0x4340),
        "load": loads,
        "store": stores,
        "load_multiple": _is(h, 0xF800, 0xC800) | pop,
        "store_multiple": _is(h, 0xF800, 0xC000) | push,
        "branch": branches,
    }.items():
        kind[among & flags] = _INDEX[name]
    several = _is(h, 0xF000, 0xC000) | pop | push
    # The ninth bit of POP and PUSH is the PC or LR, in STM and LDM part of the base.
    listed = _ones(h & np.where(pop | push, 0x1FF, 0xFF))
    words[among & several] = listed[among & several]


def _long_kinds(
    h: _Words, h2: _Words, among: _Flags, kind: NDArray[np.uint8], words: _Words
) -> None:
    """Thirty-two bits (A5.3)."""
    is_load = _is(h, 0x0010, 0x0010)
    table = _is(h, 0xFFF0, 0xE8D0) & _is(h2, 0x00E0, 0)
    several = _is(h, 0xFE40, 0xE800)
    double = _is(h, 0xFE40, 0xE840) & ((h & 0x0120) != 0)
    exclusive = _is(h, 0xFE40, 0xE840) & ~double & ~table
    single = _is(h, 0xFE00, 0xF800)
    float_memory = _is(h, 0xEE00, 0xEC00) & ~_is(h, 0xFFE0, 0xEC40)
    float_single = float_memory & _is(h, 0x0120, 0x0100)
    float_several = float_memory & ~float_single
    computes = _is(h, 0xEF00, 0xEE00) & _is(h2, 0x0010, 0)
    divides = _is(h, 0xFFB0, 0xEE80) & _is(h2, 0x0040, 0)
    roots = _is(h, 0xFFBF, 0xEEB1) & _is(h2, 0x00C0, 0x00C0)
    adds = _is(h, 0xFFA0, 0xEE00) | _is(h, 0xFFB0, 0xEEA0) | _is(h, 0xFFB0, 0xEE90)
    for name, flags in {
        "branch": (_is(h, 0xF800, 0xF000) & _branches(h, h2)) | table,
        "multiply": _is(h, 0xFF00, 0xFB00),
        "divide": _is(h, 0xFFD0, 0xFB90) & _is(h2, 0x00F0, 0x00F0),
        "load": (single | exclusive | float_single) & is_load,
        "store": (single | exclusive | float_single) & ~is_load,
        "load_multiple": (several | double | float_several) & is_load,
        "store_multiple": (several | double | float_several) & ~is_load,
        "float": _is(h, 0xEF00, 0xEE00) | _is(h, 0xFFE0, 0xEC40),
        "float_multiply_add": _is(h, 0xFF00, 0xEE00) & computes & adds,
        "float_divide": _is(h, 0xFF00, 0xEE00) & computes & (divides | roots),
    }.items():
        kind[among & flags] = _INDEX[name]
    for flags, count in (
        (several, _ones(h2)),
        (double, np.full(h.size, 2)),
        (float_several, h2 & 0xFF),
    ):
        words[among & flags] = count[among & flags]


def _branches(h: _Words, h2: _Words) -> _Flags:
    """Of branches and miscellaneous control (A5.3.4) those that branch."""
    unconditional = _is(h2, 0x8000, 0x8000) & ((h2 & 0x1000) != 0)
    conditional = _is(h2, 0xD000, 0x8000) & (h & 0x0380 != 0x0380)
    either: _Flags = unconditional | conditional
    return either


def _follows_load(h: _Words, h2: _Words, is_long: _Flags, kind: NDArray[np.uint8]) -> _Flags:
    """Cortex-M4 TRM, 3.3.3, 'LDR [any] are pipelined when possible'."""
    load = kind == _INDEX["load"]
    target = np.where(is_long, h2 >> 12, h & 7)
    # Relative to PC or SP the register stands elsewhere; a float is no address.
    apart = ~is_long & (_is(h, 0xF800, 0x4800) | _is(h, 0xF800, 0x9800))
    target = np.where(apart, h >> 8 & 7, target)
    target = np.where(is_long & _is(h, 0xEE00, 0xEC00), -1, target)
    base, index = _address_registers(h, h2, is_long)
    found = np.zeros((2, h.size), bool)
    for distance in (1, 2):
        before = slice(None, h.size - distance)
        behind = slice(distance, None)
        fits = load[before] & (is_long[before] == (distance == 2))
        apart_from = (base[behind] != target[before]) & (index[behind] != target[before])
        found[distance - 1, behind] = fits & load[behind] & apart_from
    return found


def _address_registers(h: _Words, h2: _Words, is_long: _Flags) -> tuple[_Words, _Words]:
    """Base and index of a load or store of one register; -2 where there is none."""
    from_sp, from_pc = _is(h, 0xF000, 0x9000), _is(h, 0xF800, 0x4800)
    base = np.where(from_sp, _SP, np.where(from_pc, _PC, h >> 3 & 7))
    index = np.where(_is(h, 0xF000, 0x5000), h >> 6 & 7, -2)
    registers = _is(h, 0xFE80, 0xF800) & _is(h2, 0x0FC0, 0) & (h & 15 != _PC)
    return np.where(is_long, h & 15, base), np.where(
        is_long, np.where(registers, h2 & 15, -2), index
    )
