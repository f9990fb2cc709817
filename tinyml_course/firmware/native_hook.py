"""C functions that the emulator calls back.

A call-back in Python costs a microsecond, and an emulated core runs hundreds of instructions in
that time. So what must look at every block or instruction is C, compiled for this machine.
"""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import ToolchainError
from tinyml_course.firmware.optional import require
from tinyml_course.firmware.toolchain import build_host_library, runtime_text

_SHARED = "emulator.h"


def register(
    core: Any, source: str, hook: int, state: ctypes.Structure, arrays: Mapping[str, NDArray[Any]]
) -> object:
    """Have the emulator call a C function.

    Args:
        core: the ``unicorn.Uc``.
        source: file of the run-time that defines ``hook_call(core, address, size, state)``.
        hook: the kind of hook, ``unicorn.UC_HOOK_BLOCK``.
        state: what the function works on, as its C file declares it. Its fields ``read_register``
            and ``stop`` are set to the emulator's functions.
        arrays: fields of ``state`` that point to arrays.

    Returns:
        What must be kept as long as the hook is in place.

    Raises:
        ToolchainError: the function cannot be compiled, or the emulator does not take it.
    """
    # The binding registers Python functions only, so its library is asked directly. It is no part
    # of what the binding promises: whatever is missing there is an error that callers expect.
    binding: Any = require("unicorn.unicorn_py3.unicorn", "the CPU emulator")
    try:
        emulator, handle = binding.uclib, core._uch
        state.read_register = _address(emulator.uc_reg_read)
        state.stop = _address(emulator.uc_emu_stop)
        library = build_host_library(
            {source: runtime_text(source)}, {_SHARED: runtime_text(_SHARED)}
        )
        for name, array in arrays.items():
            setattr(state, name, array.ctypes.data)
        status = emulator.uc_hook_add(
            handle,
            ctypes.byref(ctypes.c_size_t()),
            hook,
            ctypes.c_void_p(_address(library.hook_call)),
            ctypes.byref(state),
            ctypes.c_uint64(1),  # from 1 to 0: everywhere
            ctypes.c_uint64(0),
        )
    except (AttributeError, OSError) as error:
        raise ToolchainError(f"{source} cannot be hooked into the emulator: {error}") from error
    if status:
        raise ToolchainError(f"the emulator refuses {source} as a hook (status {status})")
    return library, state, dict(arrays)


def _address(function: Any) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value


def halfwords(code: bytes) -> NDArray[np.uint16]:
    """Instructions as C code looks at them."""
    return np.frombuffer(code, "<u2").astype(np.uint16)
