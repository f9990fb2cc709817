"""Microcontroller boards: how much memory there is and how fast the core runs."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinyml_course.errors import TinyMLError, UnknownNameError, lookup, reject_unknown_keys

Core = Literal["cortex-m4", "cortex-m7"]
CORES: tuple[Core, ...] = ("cortex-m4", "cortex-m7")
KIB = 1024


@dataclass(frozen=True)
class Board:
    """A microcontroller.

    Attributes:
        name: lower case, as the command line takes it.
        sram_bytes: memory that can be written; activations live here.
        flash_bytes: memory that can only be read while running; weights and code lie here.
        core: the CPU.
        clock_hz: cycles a second.
        sram_base: address of the first SRAM byte.
        flash_base: address of the first flash byte.
    """

    name: str
    sram_bytes: int
    flash_bytes: int
    core: Core
    clock_hz: int
    sram_base: int = 0x2000_0000
    flash_base: int = 0x0800_0000

    def __post_init__(self) -> None:
        for key in ("sram_bytes", "flash_bytes", "clock_hz"):
            value = getattr(self, key)
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise TinyMLError(f"board {self.name!r}: {key} must be a positive integer: {value}")
        if self.core not in CORES:
            raise UnknownNameError(
                f"board {self.name!r}: unknown core {self.core!r}. Known: {', '.join(CORES)}"
            )

    @property
    def title(self) -> str:
        """Name and memory for people: ``STM32F746 (320 KiB SRAM, 1024 KiB flash)``."""
        sram, flash = self.sram_bytes // KIB, self.flash_bytes // KIB
        return f"{self.name.upper()} ({sram} KiB SRAM, {flash} KiB flash)"


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board("stm32f412", 256 * KIB, 1024 * KIB, "cortex-m4", 100_000_000),
        Board("stm32f746", 320 * KIB, 1024 * KIB, "cortex-m7", 216_000_000),
        Board("stm32f765", 512 * KIB, 1024 * KIB, "cortex-m7", 216_000_000),
        # Its 512 KiB are the AXI SRAM; at 0x2000_0000 there are 128 KiB of DTCM.
        Board("stm32h743", 512 * KIB, 2048 * KIB, "cortex-m7", 480_000_000, sram_base=0x2400_0000),
        Board("nrf52840", 256 * KIB, 1024 * KIB, "cortex-m4", 64_000_000, flash_base=0),
    )
}
"""The boards of the MCUNet papers and the usual Bluetooth one."""


def board(name: str | Path) -> Board:
    """A known board by name (in any case), or one of your own from a JSON file.

    The file holds the attributes of `Board`; ``sram_base`` and ``flash_base`` may be left out.

    Raises:
        UnknownNameError: no board of that name, or an unknown key in the file.
        TinyMLError: the file is missing or holds something else than a board.
    """
    path = Path(name)
    if path.suffix == ".json":
        return _from_file(path)
    return lookup("board", str(name).lower(), BOARDS)


def _from_file(path: Path) -> Board:
    fields = dataclasses.fields(Board)
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise TinyMLError(f"there is no board file {path}") from error
    except ValueError as error:
        raise TinyMLError(f"board file {path} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise TinyMLError(f"board file {path} must hold one JSON object")
    reject_unknown_keys(f"board file {path}", record, [f.name for f in fields])
    needed = [f.name for f in fields if f.default is dataclasses.MISSING]
    missing = [key for key in needed if key not in record]
    if missing:
        raise TinyMLError(f"board file {path} lacks {', '.join(missing)}")
    return Board(**record)
