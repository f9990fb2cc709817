"""The accesses that a Cortex-M faults on for their alignment, and the emulator does not.

A look at every instruction, and so several times slower than counting.
"""

import ctypes
from typing import Any

from tinyml_course.firmware.counting import Code
from tinyml_course.firmware.native_hook import register
from tinyml_course.firmware.optional import require

REGISTERS = 16


class _State(ctypes.Structure):
    # checker_t of alignment_check.c, field by field
    _fields_ = (
        ("base", ctypes.c_uint64),
        ("bytes", ctypes.c_uint64),
        ("code", ctypes.c_void_p),
        ("read_register", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("registers", ctypes.c_int32 * REGISTERS),
        ("stopped", ctypes.c_int32),
        ("pc", ctypes.c_uint32),
        ("address", ctypes.c_uint32),
    )


class AlignmentCheck:
    """Stops a core at an unaligned access of more than a word.

    Args:
        core: the ``unicorn.Uc``.
        code: what it will execute.

    Raises:
        ToolchainError: the check cannot be compiled for this machine.
    """

    def __init__(self, core: Any, code: Code) -> None:
        unicorn: Any = require("unicorn", "the CPU emulator")
        arm: Any = require("unicorn.arm_const", "the CPU emulator")
        numbers = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(REGISTERS)]
        self._state = _State(
            base=code.base,
            bytes=code.halfwords.nbytes,
            registers=(ctypes.c_int32 * REGISTERS)(*numbers),
        )
        arrays = {"code": code.halfwords}
        source = "alignment_check.c"
        self._kept = register(core, source, unicorn.UC_HOOK_CODE, self._state, arrays)

    def start(self) -> None:
        """Forget what was found."""
        self._state.stopped = 0

    @property
    def found(self) -> tuple[int, int] | None:
        """Addresses of the instruction and of its access, if the core was stopped."""
        return (self._state.pc, self._state.address) if self._state.stopped else None
