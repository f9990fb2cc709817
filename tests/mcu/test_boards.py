"""Boards by name and from a file."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tinyml_course.errors import TinyMLError, UnknownNameError
from tinyml_course.mcu import BOARDS, Board, board

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("name", "sram", "flash", "core", "clock_hz"),
    [
        ("stm32f412", 256 * KIB, 1 * MIB, "cortex-m4", 100_000_000),
        ("stm32f746", 320 * KIB, 1 * MIB, "cortex-m7", 216_000_000),
        ("stm32f765", 512 * KIB, 1 * MIB, "cortex-m7", 216_000_000),
        ("stm32h743", 512 * KIB, 2 * MIB, "cortex-m7", 480_000_000),
        ("nrf52840", 256 * KIB, 1 * MIB, "cortex-m4", 64_000_000),
    ],
)
def test_the_boards_of_the_papers(
    name: str, sram: int, flash: int, core: str, clock_hz: int
) -> None:
    found = board(name)
    assert (found.sram_bytes, found.flash_bytes) == (sram, flash)
    assert (found.core, found.clock_hz) == (core, clock_hz)
    assert found is BOARDS[name]


@pytest.mark.parametrize("name", ["STM32F746", "Stm32F746", "stm32f746"])
def test_case_does_not_matter(name: str) -> None:
    assert board(name) is BOARDS["stm32f746"]


def test_unknown_boards_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        board("stm32f747")
    for name in BOARDS:
        assert name in str(caught.value)
    assert "did you mean 'stm32f746'?" in str(caught.value)


def test_the_title_is_for_people() -> None:
    assert board("stm32f746").title == "STM32F746 (320 KiB SRAM, 1024 KiB flash)"


OWN = {
    "name": "mine",
    "sram_bytes": 65536,
    "flash_bytes": 262144,
    "core": "cortex-m4",
    "clock_hz": 80_000_000,
}


def written(tmp_path: Path, record: Any) -> Path:
    path = tmp_path / "mine.json"
    path.write_text(record if isinstance(record, str) else json.dumps(record))
    return path


def test_a_board_of_your_own(tmp_path: Path) -> None:
    path = written(tmp_path, OWN)
    assert board(path) == board(str(path)) == Board(**OWN)
    assert board(path).sram_base == 0x2000_0000
    based = board(written(tmp_path, {**OWN, "sram_base": 4096, "flash_base": 0}))
    assert (based.sram_base, based.flash_base) == (4096, 0)


@pytest.mark.parametrize("name", BOARDS)
def test_a_known_board_survives_its_file(tmp_path: Path, name: str) -> None:
    assert board(written(tmp_path, dataclasses.asdict(BOARDS[name]))) == BOARDS[name]


@pytest.mark.parametrize("key", OWN)
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, {k: v for k, v in OWN.items() if k != key})
    with pytest.raises(TinyMLError, match=rf"mine\.json lacks {key}"):
        board(path)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, {**OWN, "sram_byte": 1})
    with pytest.raises(UnknownNameError, match="'sram_byte'; did you mean 'sram_bytes'"):
        board(path)


@pytest.mark.parametrize("content", ["", "{", "sram: 3", "\0"])
def test_what_is_not_json_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(TinyMLError, match=r"mine\.json is not JSON"):
        board(written(tmp_path, content))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(TinyMLError, match=r"mine\.json is not JSON"):
        board(path)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"stm32f746"'])
def test_json_that_is_no_board_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(TinyMLError, match=r"mine\.json must hold one JSON object"):
        board(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TinyMLError, match=r"there is no board file .*mine\.json"):
        board(tmp_path / "mine.json")


@pytest.mark.parametrize("key", ["sram_bytes", "flash_bytes", "clock_hz"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "64", None])
def test_sizes_are_positive_integers(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(TinyMLError, match=f"board 'mine': {key} must be a positive integer"):
        board(written(tmp_path, {**OWN, key: value}))


@pytest.mark.parametrize("core", ["cortex-m0", "", None, 7])
def test_an_unknown_core_is_answered_with_the_known_ones(tmp_path: Path, core: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown core .* Known: cortex-m4, cortex-m7"):
        board(written(tmp_path, {**OWN, "core": core}))
