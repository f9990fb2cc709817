"""From the state of a core that stopped to the fault, by name."""

from dataclasses import dataclass

from tinyml_course.firmware import faults
from tinyml_course.firmware.elf import Image
from tinyml_course.mcu.boards import Board

LARGEST_PUSH_BYTES = 16 * 4 + 32 * 4
"""What one instruction may store below the stack pointer: all registers of core or FPU."""


@dataclass(frozen=True)
class Stop:
    """A core that stopped where it should not have.

    Attributes:
        reason: ``"limit"``, ``"alignment"``, ``"flash"`` (a store), ``"sram"`` (a jump),
            ``"instruction"``, ``"jump"`` or ``"access"``.
        pc: program counter.
        back: link register.
        stack: stack pointer.
        address: of the access, where there was one.
        operator: that was running.
        limit: instructions that were granted.
    """

    reason: str
    pc: int
    back: int
    stack: int
    address: int | None
    operator: str | None
    limit: int


def diagnose(stop: Stop, board: Board, image: Image, code: bytes) -> faults.MachineFault:
    """Name what went wrong.

    Args:
        stop: how the core was found.
        board: whose memory it has.
        image: what it ran.
        code: four bytes at the program counter, as far as there are any.
    """
    at = stop.address if stop.address is not None else stop.pc
    # Behind a wild jump, the link register still tells who made it.
    function = image.function_at(stop.pc) or image.function_at(stop.back - 1) or "unknown code"

    def fault(kind: type[faults.MachineFault], message: str) -> faults.MachineFault:
        return kind(message, function, stop.pc, stop.address, stop.operator)

    if stop.reason == "limit":
        message = f"still running after {stop.limit:,} instructions; raise the limit if it should"
        return fault(faults.Hang, message)
    if stop.reason == "alignment":
        message = f"loads or stores several words at 0x{at:08x}, which is no multiple of 4"
        return fault(faults.UnalignedAccess, message)
    below = board.sram_base - min(at, stop.stack)
    if below > 0 and (stop.stack < board.sram_base or 0 < stop.stack - at <= LARGEST_PUSH_BYTES):
        message = (
            f"the stack of {image.stack_bytes:,} B is at least {below:,} B too small; build with "
            "a larger stack_bytes"
        )
        return fault(faults.StackOverflow, message)
    if stop.reason == "flash":
        return fault(
            faults.StoreToFlash, f"stores to 0x{at:08x}, in flash; a constant cannot change"
        )
    if stop.reason == "sram":
        return fault(faults.ExecutionFromSram, f"jumps to 0x{at:08x}, in SRAM, where data lies")
    if stop.reason == "jump":
        return fault(faults.StrayAccess, f"jumps to 0x{at:08x}, where there is no code")
    if stop.reason == "instruction":
        shown = " ".join(code[i : i + 2][::-1].hex() for i in (0, 2))
        message = f"{board.core} as emulated does not take the instruction {shown}"
        return fault(faults.UnsupportedInstruction, message)
    return fault(faults.StrayAccess, f"accesses 0x{at:08x}, where {board.title} has no memory")
