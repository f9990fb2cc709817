"""The folder that somebody takes to a board: every file of it, by path."""

from importlib import metadata

from packaging.requirements import Requirement

from tinyml_course.firmware.generate import is_fed
from tinyml_course.firmware.linker_script import linker_script
from tinyml_course.firmware.network import ENTRY
from tinyml_course.firmware.project.arduino import arduino_library, library_name
from tinyml_course.firmware.project.compilers import compiler_values
from tinyml_course.firmware.project.formats import binary, intel_hex
from tinyml_course.firmware.project.marks import fill
from tinyml_course.firmware.project.measure import FirmwareFigures
from tinyml_course.firmware.project.program import BoardProgram
from tinyml_course.firmware.toolchain import START_UP_FILES, runtime_headers, runtime_text
from tinyml_course.mcu.boards import Board

TEMPLATES = ("Makefile", "CMakeLists.txt", "arm-none-eabi.cmake", "README.md")

# By the beginning of a board's name: OpenOCD's configuration of probe and chip.
_OPENOCD = {
    "stm32f4": ("interface/stlink.cfg", "target/stm32f4x.cfg"),
    "stm32f7": ("interface/stlink.cfg", "target/stm32f7x.cfg"),
    "stm32h7": ("interface/stlink.cfg", "target/stm32h7x.cfg"),
    "nrf52": ("interface/jlink.cfg", "target/nrf52.cfg"),
}


def project_files(program: BoardProgram, figures: FirmwareFigures) -> dict[str, bytes]:
    """Every file of the folder, by path.

    Args:
        program: what was built.
        figures: what was measured, for its README.
    """
    values = _values(program, figures)
    library = library_name(program.plan.graph.name)
    texts = {
        **program.sources,
        **program.headers,
        **{name: fill(name, values) for name in TEMPLATES},
        **{f"include/{name}": text for name, text in runtime_headers().items()},
        **{f"runtime/{name}": runtime_text(name) for name in START_UP_FILES},
        "board.ld": linker_script(program.board, figures.stack_bytes, [ENTRY]),
        "image/network.hex": intel_hex(program.image),
        **{
            f"arduino/{library}/{name}": text
            for name, text in arduino_library(program, values).items()
        },
    }
    return {
        **{name: text.encode() for name, text in texts.items()},
        "image/network.elf": program.image.path.read_bytes(),
        "image/network.bin": binary(program.image),
    }


def _values(program: BoardProgram, figures: FirmwareFigures) -> dict[str, object]:
    board, graph = program.board, program.plan.graph
    scale, zero_point = graph.input.scale_and_zero_point()
    probe, target = _openocd(board)
    sources = list(program.sources)
    return {
        **compiler_values(board),
        "NETWORK": graph.name,
        "LIBRARY": library_name(graph.name),
        "BOARD_TITLE": board.title,
        "CORE": board.core.replace("cortex-m", "Cortex-M"),
        "FLASH_BASE": f"0x{board.flash_base:08x}",
        "PROGRAMMER": "st-flash" if board.name.startswith("stm32") else "openocd",
        "OPENOCD_PROBE": probe,
        "OPENOCD_TARGET": target,
        "SOURCES": " ".join(sources),
        "SOURCES_LINES": "\n  ".join(sources),
        "ARENA_BYTES": figures.arena_bytes,
        "FIGURES": _figures(program, figures),
        "FLASHING": _flashing(board),
        "ZIG_RANGE": _zig_range(),
        "USE": _FED_USE if is_fed(program.plan) else _USE,
        "INPUT_SCALE": f"{float(scale):.9g}",
        "INPUT_ZERO_POINT": zero_point,
        "INPUT_SHAPE": " x ".join(str(n) for n in graph.input.shape[1:]),
    }


def _openocd(board: Board) -> tuple[str, str]:
    for beginning, files in _OPENOCD.items():
        if board.name.startswith(beginning):
            return files
    return "interface/stlink.cfg", ""  # the Makefile asks for the chip


def _figures(program: BoardProgram, figures: FirmwareFigures) -> str:
    flash, board = program.flash, program.board
    rows = {
        "board": board.title,
        "peak SRAM": f"{figures.sram_bytes:,} B: arena {figures.arena_bytes:,} B, stack "
        f"{figures.stack_bytes:,} B, variables {figures.variables_bytes:,} B",
        "stack used": f"{figures.stack_depth_bytes:,} B of {figures.stack_bytes:,} B",
        "flash": f"{figures.flash_bytes:,} B: constants {flash.constants_bytes:,} B, layer "
        f"descriptions {flash.descriptions_bytes:,} B, code {flash.code_bytes:,} B, self-test "
        f"{flash.self_test_bytes:,} B",
        "instructions": f"{figures.instructions:,} for one image",
        "outputs": f"{figures.equal} of {figures.images} test images equal to the emulator's, "
        "byte for byte",
    }
    return "\n".join(f"| {what} | {figure} |" for what, figure in rows.items())


def _flashing(board: Board) -> str:
    if board.name.startswith("stm32"):
        return (
            f"With ST-LINK: `st-flash --reset write image/network.bin 0x{board.flash_base:08x}`, "
            "or open the hex file in STM32CubeProgrammer."
        )
    return "A debug probe and OpenOCD write it: `make flash PROGRAMMER=openocd`."


def _zig_range() -> str:
    """The compiler's range as this package declares it."""
    for line in metadata.requires("tinyml-course") or ():
        requirement = Requirement(line)
        if requirement.name == "ziglang":
            return str(requirement.specifier)
    return ""


_USE = """\
```c
#include "network.h"

memcpy(NETWORK_INPUT, image, NETWORK_INPUT_BYTES); /* before every run: it is written over */
network_run();
/* NETWORK_OUTPUT: NETWORK_OUTPUT_BYTES of int8 */
```"""

_FED_USE = """\
```c
#include "network.h"

/* Asked for one row after the other; instead of this one, network_image may point to an image. */
void network_take_row(int32_t row, int8_t *to) { camera_row(row, to, NETWORK_ROW_BYTES); }

network_run();
/* NETWORK_OUTPUT: NETWORK_OUTPUT_BYTES of int8 */
```"""
