"""What goes wrong while firmware runs, by name, instead of a core stuck in its fault handler."""

from tinyml_course.errors import FirmwareError


class MachineFault(FirmwareError):
    """Something that stops a real core, or that it would silently get wrong.

    Attributes:
        function: the C function that was running.
        operator: the operator it ran for, where the machine was told of any.
        pc: address of the instruction.
        address: address of the access, where there was one.
    """

    def __init__(
        self,
        message: str,
        function: str,
        pc: int,
        address: int | None = None,
        operator: str | None = None,
    ) -> None:
        self.function = function
        self.operator = operator
        self.pc = pc
        self.address = address
        where = f"{operator}, in {function}" if operator and operator != function else function
        super().__init__(f"{where} (pc 0x{pc:08x}): {message}")


class StrayAccess(MachineFault):
    """A load or store where the board has no memory, or a jump where it has no code."""


class UnalignedAccess(MachineFault):
    """A load or store of more than a word at an address that is no multiple of four."""


class StoreToFlash(MachineFault):
    """A store to memory that can only be read."""


class ExecutionFromSram(MachineFault):
    """A jump into data."""


class UnsupportedInstruction(MachineFault):
    """An instruction that the core does not have."""


class StackOverflow(MachineFault):
    """The stack ran off the beginning of SRAM."""


class Hang(MachineFault):
    """More instructions than the program was granted."""


class DependsOnUninitialised(FirmwareError):
    """A program that does something else over other contents of SRAM that it was not given.

    Attributes:
        name: the variable or function in which it shows.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(
            f"{name} {message} when SRAM holds other bytes before the start: something is read "
            "that nothing has written"
        )
