"""What goes wrong on a microcontroller, by name, instead of a silently wrong answer."""

from tinyml_course.errors import TinyMLError


class EmulatorFault(TinyMLError):
    """An access that a real board would trap, or would get silently wrong.

    Attributes:
        operator: the operator that made the access.
        step: its index in execution order.
        address: absolute address of the first offending byte.
    """

    def __init__(self, operator: str, step: int, address: int, message: str) -> None:
        self.operator = operator
        self.step = step
        self.address = address
        super().__init__(f"{operator} (step {step}), address 0x{address:08x}: {message}")


class SramOverflow(EmulatorFault):
    """A buffer reaches behind the end of SRAM."""


class FlashOverflow(EmulatorFault):
    """The constants do not fit into flash."""


class UninitialisedRead(EmulatorFault):
    """A read of bytes that nothing has written."""


class UseAfterFree(EmulatorFault):
    """A read of a tensor that is no longer held."""


class ClobberedRead(EmulatorFault):
    """A read of bytes that something else has overwritten since."""


class UnsafeOverlap(EmulatorFault):
    """An operator would overwrite input that it has yet to read."""


class WriteToFlash(EmulatorFault):
    """A store to memory that can only be read."""


class ScratchTooSmall(EmulatorFault):
    """An in-place operator without the scratch that makes it lawful."""
