"""An image as the linker left it: what lies in flash and in SRAM, and what it is called."""

import bisect
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.optional import require

SHF_ALLOC = 2  # a section that lies in memory, says the ELF specification
THUMB_BIT = 1  # set in the address of a function, clear in the address of its code


@dataclass(frozen=True)
class Symbol:
    """A function or an object.

    Attributes:
        name: as in C.
        address: of its first byte; without the Thumb bit.
        size: bytes, 0 where the linker does not know.
        is_function: code, as opposed to data.
    """

    name: str
    address: int
    size: int
    is_function: bool

    @property
    def end(self) -> int:
        """Address behind its last byte."""
        return self.address + self.size


@dataclass(frozen=True)
class Image:
    """A linked program.

    Attributes:
        path: the ELF file.
        symbols: by name.
        sections: bytes by section name.
        code: address and content of the instructions.
        flash: load address and content of everything that lies in flash.
    """

    path: Path
    symbols: dict[str, Symbol] = field(repr=False)
    sections: dict[str, int]
    code: tuple[int, bytes] = field(repr=False)
    flash: tuple[tuple[int, bytes], ...] = field(repr=False)

    @property
    def flash_bytes(self) -> int:
        """Flash: code, constants, and the initial values of variables."""
        return sum(self.sections.get(name, 0) for name in (".text", ".rodata", ".data"))

    @property
    def sram_bytes(self) -> int:
        """SRAM that is spoken for: variables, arena and stack."""
        return self.static_bytes + self.stack_bytes

    @property
    def static_bytes(self) -> int:
        """SRAM of variables and arena, without the stack."""
        return self.address("tinyml_arena_end") - self.address("tinyml_stack_top")

    @property
    def stack_bytes(self) -> int:
        """SRAM that the stack may use."""
        return self.sections[".stack"]

    @property
    def arena_bytes(self) -> int:
        """SRAM that start-up code leaves as it was (``TINYML_ARENA``)."""
        return self.sections.get(".arena", 0)

    @cached_property
    def functions(self) -> tuple[Symbol, ...]:
        """Functions by address; of several names for one, that which C calls it by."""
        by_address: dict[int, Symbol] = {}
        for symbol in sorted(self.symbols.values(), key=lambda s: (s.name[:1] == "_", s.name)):
            if symbol.is_function:
                by_address.setdefault(symbol.address, symbol)
        return tuple(by_address[address] for address in sorted(by_address))

    @cached_property
    def _starts(self) -> list[int]:
        return [symbol.address for symbol in self.functions]

    def address(self, name: str) -> int:
        """Where ``name`` lies.

        Raises:
            FirmwareError: the image has no such symbol.
        """
        return self.symbol(name).address

    def symbol(self, name: str) -> Symbol:
        """The function or object ``name``.

        Raises:
            FirmwareError: the image has none.
        """
        if name not in self.symbols:
            raise FirmwareError(
                f"there is no {name!r} in the image: it was never defined, was inlined, or was "
                "thrown out because nothing calls it; build with keep=[...] to hold on to it"
            )
        return self.symbols[name]

    def function_at(self, address: int) -> str | None:
        """The function whose code ``address`` lies in, if any."""
        index = bisect.bisect_right(self._starts, address & ~THUMB_BIT) - 1
        if index < 0:
            return None
        symbol = self.functions[index]
        return symbol.name if address < symbol.end else None


def read_image(path: Path) -> Image:
    """Read an ELF file.

    Raises:
        FirmwareError: it is not there or no ELF file.
        ToolchainError: pyelftools is not installed.
    """
    elffile: Any = require("elftools.elf.elffile", "the reader of ELF files")
    exceptions: Any = require("elftools.common.exceptions", "the reader of ELF files")
    try:
        with path.open("rb") as stream:
            elf = elffile.ELFFile(stream)
            symbols = _symbols(elf)
            text = elf.get_section_by_name(".text")
            code = (int(text["sh_addr"]), bytes(text.data()))
            # Not those at address 0: there the flash of some boards begins.
            loaded = [s for s in elf.iter_sections() if s["sh_flags"] & SHF_ALLOC]
            sections = {section.name: int(section["sh_size"]) for section in loaded}
            flash = tuple(
                (int(segment["p_paddr"]), bytes(segment.data()))
                for segment in elf.iter_segments("PT_LOAD")
                if segment["p_filesz"]
            )
    except OSError as error:
        raise FirmwareError(f"there is no image {path}") from error
    except exceptions.ELFError as error:
        raise FirmwareError(f"{path} is no ELF file: {error}") from error
    return Image(path, symbols, sections, code, flash)


def _symbols(elf: Any) -> dict[str, Symbol]:
    table = elf.get_section_by_name(".symtab")
    found: dict[str, Symbol] = {}
    for entry in table.iter_symbols() if table else ():
        kind = entry["st_info"]["type"]
        if kind not in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE") or entry.name[:1] in ("", "$"):
            continue
        is_function = kind == "STT_FUNC"
        address = int(entry["st_value"])
        symbol = Symbol(
            entry.name,
            address & ~THUMB_BIT if is_function else address,
            entry["st_size"],
            is_function,
        )
        # Of a local and a global symbol of one name the global one is meant.
        if symbol.name not in found or entry["st_info"]["bind"] != "STB_LOCAL":
            found[symbol.name] = symbol
    return found
