"""An emulated Cortex-M with the memory of a board, and the image that runs on it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinyml_course.errors import FirmwareError, lookup
from tinyml_course.firmware.alignment import AlignmentCheck
from tinyml_course.firmware.counting import LIMIT, OUTSIDE, Code, attach
from tinyml_course.firmware.cycles.instructions import decode
from tinyml_course.firmware.cycles.mix import InstructionMix, mixes
from tinyml_course.firmware.diagnosis import Stop, diagnose
from tinyml_course.firmware.elf import THUMB_BIT, Image
from tinyml_course.firmware.faults import DependsOnUninitialised
from tinyml_course.firmware.optional import require
from tinyml_course.firmware.paint import SramUse, paint, sram_use
from tinyml_course.mcu.boards import Board

DEFAULT_LIMIT = 2_000_000_000
"""Instructions; some ten seconds of emulation."""

PAGE_BYTES = 1024  # the least that the emulator maps
CONTROL_SPACE, CONTROL_SPACE_BYTES = 0xE000_E000, 4096  # System Control Space, Armv7-M B3.2.1
CPACR = 0xD88  # in it: the Coprocessor Access Control Register, which switches the FPU on
ARGUMENT_REGISTERS = 4
STACK_ALIGNMENT = 8
# The emulator has stepped over these when it gives up: SVC with any number, YIELD, WFE, WFI.
STEPPED_OVER = {*range(0xDF00, 0xE000), 0xBF10, 0xBF20, 0xBF30}
THUMB_STATE = 1 << 5  # bit of the status register, in the older layout that the emulator shows

Memory = Literal["sram", "flash"]


@dataclass(frozen=True)
class Execution(SramUse):
    """What a program or a function did.

    Attributes:
        result: what it returned, a signed integer of 32 bits; chance where it returns nothing.
        instructions: executed.
        functions: of them by C function, without those that it called; the busiest first.
        operators: of them by operator, with all that it called but other operators.
        mixes: the same by class; what ran outside of operators under `cycles.ELSEWHERE`.
    """

    result: int
    instructions: int
    functions: dict[str, int]
    operators: dict[str, int]
    mixes: dict[str, InstructionMix]


class Machine:
    """A board with an image in its flash, after its start-up code.

    There is flash (to read and to execute), SRAM (to read and to write) and nothing else; whatever
    a program does elsewhere is a fault with a name. Not modelled: cycles, interrupts, and, unless
    ``strict``, the faults of a real core on unaligned LDRD, LDM and their like.

    Args:
        board: whose memory there is.
        image: what lies in flash.
        operators: functions, usually one for each operator of a network, that instructions and
            faults are attributed to with all that they call; `TINYML_OPERATOR` in C.
        strict: whether to check alignment as well, at a few times the time.
        native: whether instructions are counted in C (True), in Python (False), or in C where that
            can be built (None).

    Raises:
        FirmwareError: the image was built for another board, an operator is not in it, or the
            board's memory is no multiple of 1024 B.
        ToolchainError: the emulator is not installed, or what ``strict`` or ``native`` asks for
            cannot be built.
        MachineFault: start-up code failed.
    """

    def __init__(
        self,
        board: Board,
        image: Image,
        operators: Sequence[str] = (),
        *,
        strict: bool = False,
        native: bool | None = None,
    ) -> None:
        self.board, self.image = board, image
        self._unicorn: Any = require("unicorn", "the CPU emulator")
        self._arm: Any = require("unicorn.arm_const", "the CPU emulator")
        self._check_board()
        self._core = self._map()
        self._code = Code(image, operators)
        self._decoded = decode(self._code.halfwords)
        self._counter = attach(self._core, self._code, native)
        self._alignment = AlignmentCheck(self._core, self._code) if strict else None
        self._bad_address: int | None = None
        self._control_registers = {CPACR: 0}
        self._clean_registers = self._core.context_save()
        self.reset()

    def reset(self, inverted: bool = False) -> None:
        """Paint SRAM and run the start-up code, so that variables have their initial values.

        Args:
            inverted: whether to paint with the complement of what is painted with otherwise.
        """
        flash_end = max(address + len(content) for address, content in self.image.flash)
        self._placed = {"sram": self.image.address("tinyml_arena_end"), "flash": flash_end}
        self._repaint(inverted)
        self._start("tinyml_start", DEFAULT_LIMIT)

    def run(self, limit: int = DEFAULT_LIMIT) -> Execution:
        """Run the whole image over painted SRAM, from reset to the end of ``main``.

        Args:
            limit: instructions it may take.

        Raises:
            MachineFault: `StrayAccess`, `UnalignedAccess`, `StoreToFlash`, `ExecutionFromSram`,
                `UnsupportedInstruction`, `StackOverflow` or `Hang`.
        """
        self.write(self.board.sram_base, self._paint)
        self._start("Reset_Handler", limit)
        return self._report()

    def call(self, function: str, *arguments: int, limit: int = DEFAULT_LIMIT) -> Execution:
        """Call one function; what lies in SRAM stays there.

        Args:
            function: its name. One that nothing calls must be kept when the image is built.
            arguments: integers of 32 bits, and addresses.
            limit: instructions it may take.

        Returns:
            What it did. The stack's depth is that of this call, the other figures on SRAM are
            those of everything since `reset`: start-up code, `write`, `place` and calls.

        Raises:
            FirmwareError: there is no such function, or an argument has more than 32 bits.
            MachineFault: as for `run`.
        """
        for value in arguments:
            if not -(2**31) <= value < 2**32:
                raise FirmwareError(f"{function}: argument {value} does not fit into 32 bits")
        bottom = self.image.address("tinyml_stack_bottom")
        offset = bottom - self.board.sram_base
        self.write(bottom, self._paint[offset : offset + self.image.stack_bytes])
        self._start(function, limit, [int(value) & 0xFFFF_FFFF for value in arguments])
        return self._report()

    @property
    def instructions(self) -> int:
        """Executed by the last or the running call."""
        return self._counter.total

    @property
    def running(self) -> str | None:
        """The operator that runs, if any."""
        return self._code.operator(self._counter.running)

    def measure(
        self, program: Callable[["Machine"], Execution], outputs: Sequence[str] = ()
    ) -> Execution:
        """Run a program over two opposite paints, so that no byte it writes goes unseen.

        Args:
            program: calls `run`, or places inputs and makes calls; the machine is reset before.
            outputs: variables of the image that must hold the same both times.

        Returns:
            The first execution, its figures on SRAM exact.

        Raises:
            DependsOnUninitialised: outputs or numbers of instructions differ: something was read
                that nothing had written.
        """
        self.reset()
        first, held = program(self), [self.variable(name) for name in outputs]
        touched = self.touched()
        self.reset(inverted=True)
        try:
            second = program(self)
            touched |= self.touched()
            for name, before in zip(outputs, held, strict=True):
                if not np.array_equal(before, self.variable(name)):
                    raise DependsOnUninitialised(name, "holds something else")
        finally:
            self.reset()
        for name in {**first.functions, **second.functions}:
            one, other = (e.functions.get(name, 0) for e in (first, second))
            if one != other:
                message = f"takes {other:,} instead of {one:,} instructions"
                raise DependsOnUninitialised(name, message)
        return replace(first, **asdict(sram_use(touched, self.image, self.board)))

    def touched(self) -> NDArray[np.bool_]:
        """For each byte of SRAM, whether it was written since `reset`; see `paint`."""
        sram = self.read(self.board.sram_base, self.board.sram_bytes, np.uint8)
        different: NDArray[np.bool_] = sram != self._paint
        return different

    def write(self, address: int, content: bytes | NDArray[Any]) -> None:
        """Put bytes into SRAM or flash, as a debugger does.

        Args:
            address: of the first of them.
            content: bytes, or an array in C order.

        Raises:
            FirmwareError: not all of them would lie in the board's memory.
        """
        data = content if isinstance(content, bytes) else content.tobytes()
        self._check_range(address, len(data))
        self._core.mem_write(address, data)

    def read(
        self, address: int, shape: int | tuple[int, ...], dtype: DTypeLike = np.int8
    ) -> NDArray[Any]:
        """Fetch an array from SRAM or flash.

        Args:
            address: of its first byte.
            shape: of the array.
            dtype: of its elements.

        Raises:
            FirmwareError: not all of it lies in the board's memory.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._check_range(address, size)
        content = self._core.mem_read(address, size)
        return np.frombuffer(content, np.dtype(dtype).newbyteorder("<")).reshape(shape)

    def variable(self, name: str, dtype: DTypeLike = np.int8) -> NDArray[Any]:
        """What a variable of the image holds, as a flat array.

        Raises:
            FirmwareError: there is no such variable.
        """
        symbol = self.image.symbol(name)
        return self.read(symbol.address, symbol.size // np.dtype(dtype).itemsize, dtype)

    def place(self, array: NDArray[Any], memory: Memory = "sram", alignment: int = 16) -> int:
        """Put an array into memory that the image leaves free, behind what was placed before.

        Args:
            array: of any dtype; its bytes are copied in C order.
            memory: ``"sram"``, or ``"flash"``, where functions can read it only.
            alignment: of the address, bytes.

        Returns:
            Its address, until the next `reset`.

        Raises:
            FirmwareError: there is no room.
        """
        board = self.board
        ends = {
            "sram": board.sram_base + board.sram_bytes,
            "flash": board.flash_base + board.flash_bytes,
        }
        end = lookup("memory", memory, ends)
        address = -(-self._placed[memory] // alignment) * alignment
        if address + array.nbytes > end:
            raise FirmwareError(
                f"no room for {array.nbytes:,} B in the {memory} of {board.title}: "
                f"{max(end - address, 0):,} B are free; reset() frees what was placed"
            )
        self.write(address, array)
        self._placed[memory] = address + array.nbytes
        return address

    def _check_board(self) -> None:
        board, image = self.board, self.image
        for what in ("flash_bytes", "sram_bytes", "flash_base", "sram_base"):
            value = getattr(board, what)
            if value % PAGE_BYTES:
                raise FirmwareError(
                    f"board {board.name!r}: {what} is {value:,}, and the emulated core wants a "
                    f"multiple of {PAGE_BYTES}; take {value // PAGE_BYTES * PAGE_BYTES:,}"
                )
        flash_end = max(address + len(content) for address, content in image.flash)
        fits = (
            image.code[0] == board.flash_base
            and flash_end <= board.flash_base + board.flash_bytes
            and image.address("tinyml_stack_bottom") == board.sram_base
            and image.address("tinyml_arena_end") <= board.sram_base + board.sram_bytes
        )
        if not fits:
            raise FirmwareError(
                f"{image.path.name} was built for another memory map than that of {board.title}; "
                "build it for this board"
            )

    def _map(self) -> Any:
        board, uc = self.board, self._unicorn
        core = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        core.mem_map(board.flash_base, board.flash_bytes, uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        core.mem_map(board.sram_base, board.sram_bytes, uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        callbacks = (self._read_control, None, self._write_control, None)
        core.mmio_map(CONTROL_SPACE, CONTROL_SPACE_BYTES, *callbacks)
        for address, content in self.image.flash:
            core.mem_write(address, content)
        # Called for accesses that fail, never for others: hooks on those make the emulator lose
        # instructions.
        core.hook_add(uc.UC_HOOK_MEM_INVALID, self._note_bad_access)
        return core

    def _read_control(self, core: Any, offset: int, _size: int, _data: object) -> int:
        if offset not in self._control_registers:
            self._bad_address = CONTROL_SPACE + offset
            core.emu_stop()
        return self._control_registers.get(offset, 0)

    def _write_control(self, core: Any, offset: int, _size: int, value: int, _d: object) -> None:
        # The other registers of the core are nothing that a network needs.
        if offset in self._control_registers:
            self._control_registers[offset] = value
        else:
            self._bad_address = CONTROL_SPACE + offset
            core.emu_stop()

    def _note_bad_access(
        self, _core: Any, _access: int, address: int, _size: int, _value: int, _data: object
    ) -> bool:
        self._bad_address = address
        return False  # let it fail

    def _check_range(self, address: int, size: int) -> None:
        b = self.board
        for base, length in ((b.sram_base, b.sram_bytes), (b.flash_base, b.flash_bytes)):
            if base <= address and address + size <= base + length:
                return
        raise FirmwareError(
            f"{size:,} B at 0x{address:08x} do not all lie in the memory of {b.title}: SRAM begins "
            f"at 0x{b.sram_base:08x}, flash at 0x{b.flash_base:08x}"
        )

    def _repaint(self, inverted: bool = False) -> None:
        self._paint = paint(self.board, inverted)
        self.write(self.board.sram_base, self._paint)

    def _start(self, function: str, limit: int, arguments: Sequence[int] = ()) -> None:
        arm, core, image = self._arm, self._core, self.image
        core.context_restore(self._clean_registers)
        # Procedure Call Standard for the Arm Architecture, 6.5: four in registers, others on the
        # stack, the first of them lowest.
        for index, word in enumerate(arguments[:ARGUMENT_REGISTERS]):
            core.reg_write(arm.UC_ARM_REG_R0 + index, word)
        others = np.array(arguments[ARGUMENT_REGISTERS:], "<u4")
        top = image.address("tinyml_stack_top")
        stack = top - -(-others.nbytes // STACK_ALIGNMENT) * STACK_ALIGNMENT
        if others.size:
            self.write(stack, others)
        # Always the same end: translated code remembers the one that it was translated for.
        end = image.address("tinyml_exit")
        core.reg_write(arm.UC_ARM_REG_SP, stack)
        core.reg_write(arm.UC_ARM_REG_LR, end | THUMB_BIT)
        self._counter.start(limit)
        if self._alignment:
            self._alignment.start()
        self._bad_address = None
        error: int | None = None
        try:
            core.emu_start(image.address(function) | THUMB_BIT, end)
        except self._unicorn.UcError as failure:
            error = failure.errno
        stop = self._stopped(error, limit)
        if stop:
            raise diagnose(stop, self.board, image, self._peek(stop.pc, 4))

    def _stopped(self, error: int | None, limit: int) -> Stop | None:
        """Where and why the core stopped; None if it came to its end."""
        arm, uc = self._arm, self._unicorn
        registers = (arm.UC_ARM_REG_PC, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_SP)
        pc, back, stack = (self._core.reg_read(register) for register in registers)
        address = self._bad_address
        unaligned = self._alignment.found if self._alignment else None
        # WFI waits for an interrupt that will not come, which is no error to the emulator.
        waits = error is None and address is None and pc != self.image.address("tinyml_exit")
        if unaligned:
            reason, (pc, address) = "alignment", unaligned
        elif self._counter.state == LIMIT:
            reason, address = "limit", None
        elif self._counter.state == OUTSIDE or error == uc.UC_ERR_FETCH_UNMAPPED:
            reason, address = "jump", pc
        elif error == uc.UC_ERR_FETCH_PROT:
            reason, address = "sram", pc
        elif error == uc.UC_ERR_WRITE_PROT:
            reason = "flash"
        elif error in (uc.UC_ERR_INSN_INVALID, uc.UC_ERR_EXCEPTION) or waits:
            thumb = self._core.reg_read(arm.UC_ARM_REG_CPSR) & THUMB_STATE
            reason, address = ("instruction", None) if thumb else ("jump", pc)
            if int.from_bytes(self._peek(pc - 2, 2), "little") in STEPPED_OVER:
                pc -= 2
        elif error is not None or address is not None:
            reason = "access"
        else:
            return None
        operator = self._code.operator(self._counter.running)
        return Stop(reason, pc, back, stack, address, operator, limit)

    def _peek(self, address: int, size: int) -> bytes:
        """Memory, or nothing where there is none."""
        try:
            return bytes(self._core.mem_read(address, size))
        except self._unicorn.UcError:
            return b""

    def _report(self) -> Execution:
        result = self._core.reg_read(self._arm.UC_ARM_REG_R0)
        return Execution(
            **asdict(sram_use(self.touched(), self.image, self.board)),
            result=result - (result >> 31 << 32),
            instructions=self._counter.total,
            functions=self._code.per_function(self._counter.executed),
            operators=self._code.per_operator(self._counter.per_operator),
            mixes=mixes(self._code, self._decoded, self._counter),
        )
