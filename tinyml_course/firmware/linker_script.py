"""The memory map of a board, as the linker wants it.

SRAM from its first byte on: stack, initialised data, zeroed data, arena, nothing. The stack grows
downwards from its top, so that one which is too small runs off the beginning of SRAM, where there
is nothing to overwrite: the core faults at the first byte, on the board as well as emulated.
"""

from collections.abc import Iterable

from tinyml_course.errors import ToolchainError
from tinyml_course.mcu.boards import Board

STACK_ALIGNMENT = 8  # Procedure Call Standard for the Arm Architecture, 6.2.1.2

_SCRIPT = """\
{extern}MEMORY {{
  FLASH (rx) : ORIGIN = 0x{flash_base:08x}, LENGTH = {flash_bytes}
  SRAM (rw) : ORIGIN = 0x{sram_base:08x}, LENGTH = {sram_bytes}
}}
ENTRY(Reset_Handler)
SECTIONS {{
  .text : {{ KEEP(*(.vectors)) *(.text .text.*) . = ALIGN(4); }} > FLASH
  .rodata : {{ *(.rodata .rodata.*) . = ALIGN(4); }} > FLASH
  .stack (NOLOAD) : {{
    tinyml_stack_bottom = .; . = . + {stack_bytes}; tinyml_stack_top = .;
  }} > SRAM
  .data : {{
    tinyml_data_start = .; *(.data .data.*) . = ALIGN(4); tinyml_data_end = .;
  }} > SRAM AT> FLASH
  tinyml_data_load = LOADADDR(.data);
  .bss (NOLOAD) : {{
    tinyml_bss_start = .; *(.bss .bss.* COMMON) . = ALIGN(4); tinyml_bss_end = .;
  }} > SRAM
  .arena (NOLOAD) : {{
    tinyml_arena_start = .; *(.noinit .noinit.*) tinyml_arena_end = .;
  }} > SRAM
  /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab*) }}
}}
"""


def linker_script(board: Board, stack_bytes: int, keep: Iterable[str] = ()) -> str:
    """The linker script of an image.

    Args:
        board: whose flash and SRAM are filled.
        stack_bytes: bytes of SRAM for the stack, a positive multiple of 8.
        keep: functions that stay in the image though nothing calls them.

    Raises:
        ToolchainError: ``stack_bytes`` is no such number.
    """
    if stack_bytes <= 0 or stack_bytes % STACK_ALIGNMENT:
        raise ToolchainError(
            f"the stack must be a positive multiple of {STACK_ALIGNMENT} B, not {stack_bytes} B; "
            "2048 is enough for most networks"
        )
    extern = "".join(f"EXTERN({name})\n" for name in keep)
    return _SCRIPT.format(
        extern=extern,
        stack_bytes=stack_bytes,
        flash_base=board.flash_base,
        flash_bytes=board.flash_bytes,
        sram_base=board.sram_base,
        sram_bytes=board.sram_bytes,
    )
