"""Plain bytes and Intel HEX, read back line by line."""

from pathlib import Path

import pytest
from intel_hex import read_hex

from tinyml_course.firmware.elf import Image
from tinyml_course.firmware.project.formats import binary, intel_hex

BASE = 0x0800_0000


def image(*parts: tuple[int, bytes], base: int = BASE) -> Image:
    return Image(Path("none"), {}, {}, (base, parts[0][1]), parts)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 0xFFF8, 0x10000, 0x10009, 0x20001])
@pytest.mark.parametrize("base", [BASE, 0, BASE + 0xFFF8])
def test_hex_holds_every_byte_at_its_address(size: int, base: int) -> None:
    content = bytes((7 * i + i // 251) % 256 for i in range(size))
    found = read_hex(intel_hex(image((base, content), base=base)))
    assert found == {base + i: byte for i, byte in enumerate(content)}


def test_gaps_are_erased_flash() -> None:
    held = image((BASE, b"abc"), (BASE + 8, b"de"))
    assert binary(held) == b"abc\xff\xff\xff\xff\xffde"
    assert binary(image((BASE, b"abc"), (BASE + 3, b"de"))) == b"abcde"
