"""Intel HEX read back, after Intel's specification; every check sum is checked."""


def read_hex(text: str) -> dict[int, int]:
    """Bytes by address."""
    found: dict[int, int] = {}
    upper, ended = 0, False
    for line in text.splitlines():
        assert line[0] == ":"
        assert not ended
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        length, offset, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        data = record[4:-1]
        assert len(data) == length
        assert offset + length <= 0x10000
        if kind == 4:
            upper = int.from_bytes(data, "big") << 16
        elif kind == 1:
            ended = True
        else:
            assert kind == 0
            found |= {upper + offset + i: byte for i, byte in enumerate(data)}
    assert ended
    return found
