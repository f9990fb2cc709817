"""Counting instructions while they run, exactly, without stopping at each.

The emulator calls back whenever a straight run of instructions (a block) begins. How many
instructions a block holds follows from its bytes, so one call counts dozens of them. A conditional
instruction in an IT block counts as one whether it takes effect or not.

The call-back is C, compiled for this machine; where that cannot be done, Python does the same, a
few times slower.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import ToolchainError
from tinyml_course.firmware.elf import Image
from tinyml_course.firmware.native_hook import halfwords, register
from tinyml_course.firmware.optional import require

DEEPEST = 16  # operators within operators; deeper ones count for the last. As in block_counter.c
RUNS, LIMIT, OUTSIDE = 0, 1, 2
NOTHING = 0  # no operator runs; the others are numbered from 1

Counts = NDArray[np.uint64]
Changes = NDArray[np.int64]
_AT_THE_START = 2**64 - 1


class Code:
    """The instructions of an image, and where functions and operators begin.

    Args:
        image: whose code is counted.
        operators: names of functions that count together with all that they call.

    Raises:
        FirmwareError: one of them is not in the image.
    """

    def __init__(self, image: Image, operators: Sequence[str] = ()) -> None:
        self.functions = image.functions
        self.base, content = image.code
        self.halfwords = halfwords(content)
        self.operators = tuple(operators)
        self.entry = np.zeros(self.halfwords.size, np.uint16)
        for number, name in enumerate(self.operators, start=1):
            self.entry[self._at(image.address(name))] = number
        self.rows = len(self.operators) + 1, self.halfwords.size + 1

    def per_function(self, executed: Counts) -> dict[str, int]:
        """Instructions by function, the busiest first, from those by half-word."""
        before = np.concatenate([[0], np.cumsum(executed)]).astype(np.int64)
        found = {
            s.name: before[self._at(s.end)] - before[self._at(s.address)] for s in self.functions
        }
        busiest = sorted(found.items(), key=lambda item: -item[1])
        return {name: int(count) for name, count in busiest if count}

    def per_operator(self, counts: Counts) -> dict[str, int]:
        """Instructions by operator, in their order."""
        return {name: int(counts[i + 1]) for i, name in enumerate(self.operators)}

    def operator(self, number: int) -> str | None:
        """Name of the operator with a number."""
        return None if number == NOTHING else self.operators[number - 1]

    def _at(self, address: int) -> int:
        return min(max((address - self.base) // 2, 0), self.halfwords.size)


class Counter(Protocol):
    """Counts what an emulated core executes."""

    @property
    def total(self) -> int:
        """Instructions since `start`."""

    @property
    def state(self) -> int:
        """``RUNS``, or why it stopped the core: ``LIMIT`` or ``OUTSIDE``."""

    @property
    def running(self) -> int:
        """Number of the operator that runs, or ``NOTHING``."""

    @property
    def executed(self) -> Counts:
        """Instructions by the half-word that their block begins at."""

    @property
    def per_operator(self) -> Counts:
        """Instructions by number of operator; those outside of any come first."""

    @property
    def changes(self) -> Changes:
        """Blocks that begin at a half-word, less those that end before it.

        A row for each number of an operator, with one element more than there are half-words. Sums
        along a row say how often each instruction ran.
        """

    @property
    def jumps(self) -> Changes:
        """Blocks that end before a half-word and are not followed by it; shaped as `changes`."""

    def start(self, limit: int) -> None:
        """Count from 0 on, and stop the core behind ``limit`` instructions."""


def attach(core: Any, code: Code, native: bool | None = None) -> Counter:
    """Count the instructions of an emulated core.

    Args:
        core: the ``unicorn.Uc``.
        code: what it will execute.
        native: True for the call-back in C, False for that in Python, None for the first that can
            be had.

    Raises:
        ToolchainError: ``native`` is True and the call-back in C cannot be had.
    """
    if native is False:
        return PythonCounter(core, code)
    try:
        return NativeCounter(core, code)
    except ToolchainError:
        if native:
            raise
        return PythonCounter(core, code)


class _Call(ctypes.Structure):
    _fields_ = (
        ("back", ctypes.c_uint32),
        ("stack", ctypes.c_uint32),
        ("before", ctypes.c_uint32),
    )


class _State(ctypes.Structure):
    # counter_t of block_counter.c, field by field
    _fields_ = (
        ("base", ctypes.c_uint64),
        ("bytes", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("total", ctypes.c_uint64),
        ("code", ctypes.c_void_p),
        ("block_bytes", ctypes.c_void_p),
        ("block_count", ctypes.c_void_p),
        ("executed", ctypes.c_void_p),
        ("entry", ctypes.c_void_p),
        ("per_operator", ctypes.c_void_p),
        ("changes", ctypes.c_void_p),
        ("jumps", ctypes.c_void_p),
        ("behind", ctypes.c_uint64),
        ("behind_row", ctypes.c_uint64),
        ("read_register", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("stack_pointer", ctypes.c_int32),
        ("link_register", ctypes.c_int32),
        ("stopped", ctypes.c_int32),
        ("running", ctypes.c_uint32),
        ("depth", ctypes.c_uint32),
        ("calls", _Call * DEEPEST),
    )


class NativeCounter:
    """The counter whose call-back is C.

    Raises:
        ToolchainError: the call-back cannot be had.
    """

    def __init__(self, core: Any, code: Code) -> None:
        unicorn: Any = require("unicorn", "the CPU emulator")
        arm: Any = require("unicorn.arm_const", "the CPU emulator")
        self.executed: Counts = np.zeros(code.halfwords.size, np.uint64)
        self.per_operator: Counts = np.zeros(len(code.operators) + 1, np.uint64)
        self.changes: Changes = np.zeros(code.rows, np.int64)
        self._jumps: Changes = np.zeros(code.rows, np.int64)
        arrays: dict[str, NDArray[Any]] = {
            "code": code.halfwords,
            "block_bytes": np.zeros(code.halfwords.size, np.uint32),
            "block_count": np.zeros(code.halfwords.size, np.uint32),
            "executed": self.executed,
            "entry": code.entry,
            "per_operator": self.per_operator,
            "changes": self.changes,
            "jumps": self._jumps,
        }
        self._state = _State(
            base=code.base,
            bytes=code.halfwords.nbytes,
            stack_pointer=arm.UC_ARM_REG_SP,
            link_register=arm.UC_ARM_REG_LR,
        )
        source = "block_counter.c"
        self._kept = register(core, source, unicorn.UC_HOOK_BLOCK, self._state, arrays)

    @property
    def total(self) -> int:
        """Instructions since `start`."""
        return int(self._state.total)

    @property
    def state(self) -> int:
        """``RUNS``, or why it stopped the core: ``LIMIT`` or ``OUTSIDE``."""
        return int(self._state.stopped)

    @property
    def running(self) -> int:
        """Number of the operator that runs, or ``NOTHING``."""
        return int(self._state.running)

    @property
    def jumps(self) -> Changes:
        """Blocks that end before a half-word and are not followed by it."""
        found = self._jumps.copy()
        if self._state.behind != _AT_THE_START:  # whatever ended the run was no fall-through
            found.reshape(-1)[self._state.behind_row + self._state.behind] += 1
        return found

    def start(self, limit: int) -> None:
        """Count from 0 on, and stop the core behind ``limit`` instructions."""
        for array in (self.executed, self.per_operator, self.changes, self._jumps):
            array[:] = 0
        self._state.behind = _AT_THE_START
        self._state.limit = limit
        self._state.total = self._state.stopped = self._state.depth = self._state.running = 0


class PythonCounter:
    """The counter whose call-back is Python."""

    def __init__(self, core: Any, code: Code) -> None:
        unicorn: Any = require("unicorn", "the CPU emulator")
        arm: Any = require("unicorn.arm_const", "the CPU emulator")
        self._code = code
        self._stack_pointer, self._link_register = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR
        self._counts: dict[tuple[int, int], int] = {}
        self.start(0)
        core.hook_add(unicorn.UC_HOOK_BLOCK, self._count)

    def start(self, limit: int) -> None:
        """Count from 0 on, and stop the core behind ``limit`` instructions."""
        self._limit = limit
        self.total = 0
        self.state, self.running = RUNS, NOTHING
        self._calls: list[tuple[int, int, int]] = []
        self.executed: Counts = np.zeros(self._code.halfwords.size, np.uint64)
        self.per_operator: Counts = np.zeros(len(self._code.operators) + 1, np.uint64)
        self.changes: Changes = np.zeros(self._code.rows, np.int64)
        self._jumps: Changes = np.zeros(self._code.rows, np.int64)
        self._behind: tuple[int, int] | None = None

    @property
    def jumps(self) -> Changes:
        """Blocks that end before a half-word and are not followed by it."""
        found = self._jumps.copy()
        if self._behind is not None:
            found[self._behind] += 1
        return found

    def _count(self, core: Any, address: int, size: int, _data: object) -> None:
        at, length = (address - self._code.base) // 2, size // 2
        if at < 0 or at + length > self._code.halfwords.size:
            self.state = OUTSIDE
            core.emu_stop()
            return
        if (at, size) not in self._counts:
            self._counts[at, size] = _instructions(self._code.halfwords[at : at + length])
        count = self._counts[at, size]
        while self._calls and self._calls[-1][0] == address:
            if core.reg_read(self._stack_pointer) < self._calls[-1][1]:
                break
            self.running = self._calls.pop()[2]
        if self._code.entry[at] and len(self._calls) < DEEPEST:
            self._enter(core, int(self._code.entry[at]))
        self.executed[at] += count
        self.per_operator[self.running] += count
        self.total += count
        self.changes[self.running, at] += 1
        self.changes[self.running, at + length] -= 1
        if self._behind is not None and self._behind[1] != at:
            self._jumps[self._behind] += 1
        self._behind = self.running, at + length
        if self.total > self._limit:
            self.state = LIMIT
            core.emu_stop()

    def _enter(self, core: Any, operator: int) -> None:
        call = core.reg_read(self._link_register) & ~1, core.reg_read(self._stack_pointer)
        if self._calls and self.running == operator and self._calls[-1][:2] == call:
            return
        self._calls.append((*call, self.running))
        self.running = operator


def _instructions(block: NDArray[np.uint16]) -> int:
    """Thumb instructions in a block: some are two half-words long (Armv7-M A5.1)."""
    count = at = 0
    while at < block.size:
        at += 2 if block[at] >> 11 >= 0b11101 else 1
        count += 1
    return count
