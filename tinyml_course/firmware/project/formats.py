"""An image as programmers take it: plain bytes, and Intel HEX."""

from tinyml_course.firmware.elf import Image

_BYTES_PER_LINE = 16
_DATA, _END, _UPPER_ADDRESS = (
    0,
    1,
    4,
)  # types of records; Intel Hexadecimal Object File Format, 1988


def binary(image: Image) -> bytes:
    """What lies in flash, from its first byte on."""
    start = image.code[0]
    content = bytearray()
    for address, part in sorted(image.flash):
        content.extend(b"\xff" * (address - start - len(content)))  # erased flash
        content.extend(part)
    return bytes(content)


def intel_hex(image: Image) -> str:
    """The same with its addresses, as lines of text."""
    start, content = image.code[0], binary(image)
    lines, upper = [], None
    offset = 0
    while offset < len(content):
        address = start + offset
        if address >> 16 != upper:
            upper = address >> 16
            lines.append(_record(_UPPER_ADDRESS, 0, upper.to_bytes(2, "big")))
        # A line does not reach over a multiple of 64 KiB.
        length = min(_BYTES_PER_LINE, 0x10000 - address % 0x10000)
        lines.append(_record(_DATA, address % 0x10000, content[offset : offset + length]))
        offset += length
    return "\n".join([*lines, _record(_END, 0, b"")]) + "\n"


def _record(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data), *address.to_bytes(2, "big"), kind]) + data
    return f":{(body + bytes([-sum(body) % 256])).hex().upper()}"
