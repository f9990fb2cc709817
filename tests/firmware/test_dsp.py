"""`tinyml_dsp.h`: each function the same on this machine, on the emulated core, and by formula.

The core runs the instructions, this machine the plain C, and the formulas are written out here from
the Armv7-M Architecture Reference Manual (A7.7).
"""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from tinyml_course.firmware import Machine, build, build_host_library
from tinyml_course.mcu import board

BOARD = board("stm32f412")
M = 0xFFFF_FFFF


def signed(x: int, bits: int = 32) -> int:
    x &= (1 << bits) - 1
    return x - (x >> (bits - 1) << bits)


def low(x: int) -> int:
    return signed(x, 16)


def high(x: int) -> int:
    return signed(x >> 16, 16)


def lanes(bottom: int, top: int) -> int:
    return (bottom & 0xFFFF) | (top & 0xFFFF) << 16


def byte(x: int, index: int) -> int:
    return x >> 8 * index & 0xFF


def saturate(x: int, bits: int) -> int:
    return min(max(x, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)


def clip(x: int, bits: int) -> int:
    return min(max(x, 0), 2**bits - 1)


def extended(x: int, first: int, bits: int) -> tuple[int, int]:
    """Bytes ``first`` and ``first + 2``, with signs if ``bits`` is 8."""
    return signed(byte(x, first), bits), signed(byte(x, first + 2), bits)


def added(a: int, pair: tuple[int, int]) -> int:
    return lanes(low(a) + pair[0], high(a) + pair[1])


WITH_SIGN, WITHOUT = 8, 9  # bits of a byte: a ninth is never set
FORMULAS: dict[str, Callable[[int, int, int], int]] = {
    "pkhbt(a, b)": lambda a, b, c: lanes(a, b),
    "pkhtb(a, b)": lambda a, b, c: lanes(b >> 16, a >> 16),
    "low(a)": lambda a, b, c: low(a),
    "high(a)": lambda a, b, c: high(a),
    "ror8(a)": lambda a, b, c: a >> 8 | a << 24,
    "sxtb16(a)": lambda a, b, c: lanes(*extended(a, 0, WITH_SIGN)),
    "uxtb16(a)": lambda a, b, c: lanes(*extended(a, 0, WITHOUT)),
    "sxtb16_ror8(a)": lambda a, b, c: lanes(*extended(a, 1, WITH_SIGN)),
    "uxtb16_ror8(a)": lambda a, b, c: lanes(*extended(a, 1, WITHOUT)),
    "sadd16(a, b)": lambda a, b, c: added(a, (low(b), high(b))),
    "ssub16(a, b)": lambda a, b, c: added(a, (-low(b), -high(b))),
    "sxtab16(a, b)": lambda a, b, c: added(a, extended(b, 0, WITH_SIGN)),
    "uxtab16(a, b)": lambda a, b, c: added(a, extended(b, 0, WITHOUT)),
    "sxtab16_ror8(a, b)": lambda a, b, c: added(a, extended(b, 1, WITH_SIGN)),
    "uxtab16_ror8(a, b)": lambda a, b, c: added(a, extended(b, 1, WITHOUT)),
    "smlabb(a, b, c)": lambda a, b, c: low(a) * low(b) + c,
    "smlabt(a, b, c)": lambda a, b, c: low(a) * high(b) + c,
    "smlatb(a, b, c)": lambda a, b, c: high(a) * low(b) + c,
    "smlatt(a, b, c)": lambda a, b, c: high(a) * high(b) + c,
    "smuad(a, b)": lambda a, b, c: low(a) * low(b) + high(a) * high(b),
    "smuadx(a, b)": lambda a, b, c: low(a) * high(b) + high(a) * low(b),
    "smlad(a, b, c)": lambda a, b, c: low(a) * low(b) + high(a) * high(b) + c,
    "smladx(a, b, c)": lambda a, b, c: low(a) * high(b) + high(a) * low(b) + c,
    "smmul(a, b)": lambda a, b, c: signed(a) * signed(b) >> 32,
    "smmulr(a, b)": lambda a, b, c: (signed(a) * signed(b) + 2**31) >> 32,
    "qadd(a, b)": lambda a, b, c: saturate(signed(a) + signed(b), 32),
    "qsub(a, b)": lambda a, b, c: saturate(signed(a) - signed(b), 32),
    "ssat(a, 8)": lambda a, b, c: saturate(signed(a), 8),
    "ssat(a, 1)": lambda a, b, c: saturate(signed(a), 1),
    "ssat(a, 32)": lambda a, b, c: a,
    "usat(a, 8)": lambda a, b, c: clip(signed(a), 8),
    "usat(a, 31)": lambda a, b, c: clip(signed(a), 31),
    "usat(a, 0)": lambda a, b, c: 0,
    "ssat16(a, 8)": lambda a, b, c: lanes(saturate(low(a), 8), saturate(high(a), 8)),
    "ssat16(a, 16)": lambda a, b, c: a,
    "usat16(a, 8)": lambda a, b, c: lanes(clip(low(a), 8), clip(high(a), 8)),
    "clamp((int32_t)a, -128, 127)": lambda a, b, c: saturate(signed(a), 8),
}
ONE_INSTRUCTION = [
    call
    for call in FORMULAS
    if call.split("(")[0] not in ("low", "high", "clamp") and ", 0)" not in call
]


def program() -> dict[str, str]:
    """One function per operation, and one that runs them all."""
    each = [
        f"__attribute__((noinline)) uint32_t op_{i}(uint32_t a, uint32_t b, uint32_t c) "
        f"{{ return (uint32_t)dsp_{call}; }}"
        for i, call in enumerate(FORMULAS)
    ]
    calls = "\n".join(f"out[{i}] = op_{i}(in[0], in[1], in[2]);" for i in range(len(FORMULAS)))
    wide = """
        void wide(const uint32_t *in, const int64_t *sum, int64_t *out) {
            *out = dsp_smlald(in[0], in[1], *sum);
        }
        void unaligned(const uint8_t *from, uint8_t *to) { dsp_store(to, dsp_load(from)); }
    """
    every = f"void every(const uint32_t *in, uint32_t *out) {{ {calls} }}"
    return {"dsp.c": "\n".join(['#include "tinyml_dsp.h"', *each, every, wide])}


KEPT = ["every", "wide", "unaligned", *(f"op_{i}" for i in range(len(FORMULAS)))]


@pytest.fixture(scope="module")
def host() -> ctypes.CDLL:
    return build_host_library(program())


@pytest.fixture(scope="module")
def core() -> Machine:
    return Machine(BOARD, build(BOARD, program(), keep=KEPT), strict=True)


@pytest.fixture(scope="module")
def core_without() -> Machine:
    """The plain C, on the core."""
    return Machine(BOARD, build(BOARD, program(), keep=KEPT, flags=["-DTINYML_DSP_PORTABLE"]))


def on_host(library: ctypes.CDLL, operands: np.ndarray) -> np.ndarray:
    out = np.zeros(len(FORMULAS), np.uint32)
    library.every(*(ctypes.c_void_p(a.ctypes.data) for a in (operands, out)))
    return out


def on_core(machine: Machine, operands: np.ndarray) -> np.ndarray:
    machine.reset()
    start, out = machine.place(operands), machine.place(np.zeros(len(FORMULAS), np.uint32))
    machine.call("every", start, out)
    return machine.read(out, len(FORMULAS), np.uint32)


# Lanes at their ends are where saturation and wrapping show.
LANE = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFF7F, 0xFF80, 0xFFFF])
WORD = st.one_of(
    st.integers(0, M),
    st.builds(lanes, LANE, LANE),
    st.sampled_from([0, 1, M, 2**31, 2**31 - 1]),
)


@settings(max_examples=150)
@given(a=WORD, b=WORD, c=WORD)
@example(a=0x8000_8000, b=0x8000_8000, c=2**31 - 1)  # the one sum of products that wraps
@example(a=0x8000_8000, b=0x8000_8000, c=0)
@example(a=2**31, b=2**31, c=0)
def test_host_core_and_formula_agree(
    host: ctypes.CDLL, core: Machine, core_without: Machine, a: int, b: int, c: int
) -> None:
    operands = np.array([a, b, c], np.uint32)
    expected = [formula(a, b, c) & M for formula in FORMULAS.values()]
    for name, found in (
        ("host", on_host(host, operands)),
        ("core", on_core(core, operands)),
        ("plain C on the core", on_core(core_without, operands)),
    ):
        wrong = [call for call, e, f in zip(FORMULAS, expected, found, strict=True) if e != f]
        assert not wrong, f"{name}: {wrong} of {a:#010x}, {b:#010x}, {c:#010x}"


@given(a=WORD, b=WORD, total=st.integers(-(2**63), 2**63 - 1))
@example(a=0x8000_8000, b=0x8000_8000, total=2**63 - 1)
def test_the_64_bit_sum_agrees(
    host: ctypes.CDLL, core: Machine, a: int, b: int, total: int
) -> None:
    expected = signed(low(a) * low(b) + high(a) * high(b) + total, 64)
    arrays = np.array([a, b], np.uint32), np.array([total], np.int64), np.zeros(1, np.int64)
    host.wide(*(ctypes.c_void_p(array.ctypes.data) for array in arrays))
    assert arrays[2][0] == expected
    core.reset()
    places = [core.place(array) for array in arrays]
    core.call("wide", *places)
    assert core.read(places[2], 1, np.int64)[0] == expected


@pytest.mark.parametrize("offset", range(4))
def test_words_are_loaded_and_stored_anywhere(
    host: ctypes.CDLL, core: Machine, offset: int
) -> None:
    content = np.arange(1, 17, dtype=np.uint8)
    expected = np.zeros(16, np.uint8)
    expected[offset : offset + 4] = content[3 - offset : 7 - offset]
    out = np.zeros(16, np.uint8)
    host.unaligned(
        ctypes.c_void_p(content.ctypes.data + 3 - offset), ctypes.c_void_p(out.ctypes.data + offset)
    )
    assert np.array_equal(out, expected)
    core.reset()
    start, to = core.place(content), core.place(np.zeros(16, np.uint8))
    counted = core.call("unaligned", start + 3 - offset, to + offset).instructions
    assert np.array_equal(core.read(to, 16, np.uint8), expected)
    assert counted == 3  # LDR, STR, return: no calls of memcpy


@pytest.mark.parametrize("call", ONE_INSTRUCTION)
def test_it_is_one_instruction(core: Machine, call: str) -> None:
    """Rotations are part of the instruction, too: it, and the return."""
    function = f"op_{list(FORMULAS).index(call)}"
    assert core.call(function, 1, 2, 3).instructions == 2
