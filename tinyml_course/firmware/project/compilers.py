"""What each of the two compilers must be told, for the files that people build themselves."""

from tinyml_course.firmware import toolchain
from tinyml_course.firmware.cores import cpu
from tinyml_course.mcu.boards import Board

GCC_CORES: dict[str, tuple[str, ...]] = {
    "cortex-m4": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": ("-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16"),
}
"""As `CPUS`, in gcc's names."""

_GCC = (
    "-std=gnu11",
    "-O3",
    "-ffp-contract=off",
    *toolchain.BARE,
    # Hints to clang, and parameters that assembler finds in their registers.
    "-Wno-unknown-pragmas",
    "-Wno-unused-parameter",
)
# A loop that copies must not become a call of memcpy inside of memcpy. The aliases there are meant.
_GCC_START_UP = (
    *toolchain.START_UP,
    "-fno-tree-loop-distribute-patterns",
    "-Wno-attribute-alias",
    "-Wno-missing-attributes",
)


def compiler_values(board: Board) -> dict[str, object]:
    """The options of both compilers, by the marks of ``Makefile`` and ``CMakeLists.txt``.

    Raises:
        ToolchainError: firmware cannot be built for this core.
    """
    cpu(board)  # refuses what has no DSP extension
    gcc_machine = (*GCC_CORES[board.core], "-mthumb", "-mfloat-abi=hard")
    zig = [flag for flag in (*toolchain.COMMON, *toolchain.BARE) if flag != "-Wall"]
    return {
        "ZIG_MACHINE": " ".join(toolchain.machine_flags(board)),
        "ZIG_FLAGS": " ".join(zig),
        "ZIG_NETWORK_FLAGS": " ".join(toolchain.HOSTED),
        "ZIG_START_UP_FLAGS": " ".join(toolchain.START_UP),
        "GCC_MACHINE": " ".join(gcc_machine),
        "GCC_FLAGS": " ".join(_GCC),
        "GCC_START_UP_FLAGS": " ".join(_GCC_START_UP),
        "GCC_START_UP_LIST": ";".join(_GCC_START_UP),
    }
