"""What the compiler must know about a core."""

from tinyml_course.errors import ToolchainError
from tinyml_course.mcu.boards import Board

# The plain names of the CPUs stand for cores without an FPU. Single precision only: it is what all
# boards of a core have, and the double-precision unit of some M7 is of no use to int8 networks.
CPUS: dict[str, str] = {
    "cortex-m4": "cortex_m4+vfp4d16sp",
    "cortex-m7": "cortex_m7+fp_armv8d16sp",
}
"""The cores that firmware is built for, with the compiler's name of CPU and floating-point unit.

All have the DSP extension: SMLAD and its relatives.
"""


def cpu(board: Board) -> str:
    """The compiler's name for the core of ``board``.

    The emulated core runs SMLAD whatever it is called, so a core that may lack it is refused here.

    Raises:
        ToolchainError: firmware cannot be built for this core.
    """
    if board.core not in CPUS:
        raise ToolchainError(
            f"board {board.name!r}: firmware needs a core with the DSP extension and a "
            f"single-precision FPU, and {board.core!r} is not known to have them; choose a board "
            f"with {' or '.join(sorted(CPUS))}"
        )
    return CPUS[board.core]
