"""C sources to images and libraries: what lies where, what is built again, what is refused."""

import ctypes
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinyml_course.errors import FirmwareError, ImageTooLargeError, ToolchainError
from tinyml_course.mcu import BOARDS, board

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

import itertools

from tinyml_course.firmware import Image, Machine, build, build_host_library, read_image, toolchain
from tinyml_course.firmware.build_cache import cache_folder, kept, key
from tinyml_course.firmware.linker_script import linker_script

BOARD = board("stm32f746")
SOURCES = {
    "net.c": """
        #include <stdint.h>
        #include "weights.h"
        #include "tinyml_memory.h"
        TINYML_ARENA int8_t arena[1000];
        int32_t initialised[5] = {1, 2, 3, 4, 5};
        int32_t zeroed[7];
        int32_t entry(int32_t index) {
            arena[index] = weights[index];
            zeroed[index % 7] += initialised[index % 5];
            return arena[index] + zeroed[index % 7];
        }
    """
}
HEADERS: dict[str, str | bytes] = {
    "weights.h": "const int8_t weights[1003] = {\n#embed <weights.bin>\n};\n",
    "weights.bin": bytes(np.arange(1003, dtype=np.uint8)),
}


@pytest.fixture(scope="module")
def image() -> Image:
    return build(BOARD, SOURCES, HEADERS, keep=["entry"])


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the compiler was called")

    monkeypatch.setattr(toolchain, "_zig", refuse)


# ---- what an image holds


def test_flash_is_what_is_loaded_into_it(image: Image) -> None:
    """The flash figure equals the bytes that a programmer would write, without gaps."""
    loaded = sorted((address, len(content)) for address, content in image.flash)
    assert loaded[0][0] == BOARD.flash_base
    for (address, size), (following, _) in itertools.pairwise(loaded):
        assert address + size == following
    assert image.flash_bytes == sum(size for _, size in loaded)
    assert image.sections[".rodata"] == 1004  # 1003 weights, up to a multiple of 4
    assert image.sections[".data"] == 5 * 4
    assert image.flash_bytes == image.sections[".text"] + 1004 + 20


def test_sram_is_stack_variables_and_arena(image: Image) -> None:
    assert image.stack_bytes == toolchain.DEFAULT_STACK_BYTES
    assert image.sections[".bss"] == 7 * 4
    assert image.arena_bytes == 1000
    # The arena begins at a multiple of 16: 4096 + 20 + 28 is one already.
    assert image.static_bytes == 20 + 28 + 1000
    assert image.sram_bytes == image.static_bytes + image.stack_bytes


def test_one_more_constant_costs_its_bytes(image: Image) -> None:
    more = {**HEADERS, "weights.h": str(HEADERS["weights.h"]).replace("1003", "2003")}
    assert build(BOARD, SOURCES, more, keep=["entry"]).flash_bytes == image.flash_bytes + 1000


def test_the_stack_begins_where_sram_does(image: Image) -> None:
    """So that one which overflows leaves memory instead of eating variables."""
    assert image.address("tinyml_stack_bottom") == BOARD.sram_base
    assert image.address("tinyml_stack_top") == BOARD.sram_base + image.stack_bytes
    first_words = np.frombuffer(image.code[1][:8], "<u4")
    assert first_words[0] == image.address("tinyml_stack_top")  # Armv7-M B1.5.3
    assert first_words[1] == image.address("Reset_Handler") + 1


@pytest.mark.parametrize("name", ["stm32f412", "nrf52840", "stm32f765", "stm32h743"])
def test_every_board_gets_its_own_map(name: str) -> None:
    its_board = dataclasses.replace(BOARDS[name], sram_base=0x2400_0000)
    its_image = build(its_board, SOURCES, HEADERS, keep=["entry"])
    assert its_image.address("arena") >= 0x2400_0000
    assert Machine(its_board, its_image).call("entry", 3).result == 3 + 4


def test_functions_are_found_by_address(image: Image) -> None:
    entry = image.symbol("entry")
    assert entry.is_function
    assert entry.size > 0
    assert not image.symbol("arena").is_function
    assert image.symbol("arena").size == 1000
    for address in (entry.address, entry.address + 1, entry.end - 1):
        assert image.function_at(address) == "entry"
    assert image.function_at(BOARD.flash_base - 2) is None
    assert image.function_at(BOARD.flash_base) is None  # vectors
    assert image.function_at(BOARD.sram_base) is None
    starts = [function.address for function in image.functions]
    assert starts == sorted(set(starts))


def test_what_nothing_calls_is_thrown_out() -> None:
    sources = {"two.c": "int used(int x) { return x; } int unused(int x) { return 2 * x; }"}
    assert "unused" not in build(BOARD, sources, keep=["used"]).symbols
    with pytest.raises(FirmwareError, match=r"no 'absent' in the image.*keep="):
        build(BOARD, sources, keep=["used", "absent"])


def test_flags_reach_the_compiler() -> None:
    sources = {"rows.c": "int rows(void) { return ROWS; }"}
    for rows in (4, 5):
        built = build(BOARD, sources, keep=["rows"], flags=[f"-DROWS={rows}"])
        assert Machine(BOARD, built).call("rows").result == rows


# ---- the same C on this machine


def test_a_host_library_computes_the_same(image: Image) -> None:
    library = build_host_library(SOURCES, HEADERS)
    machine = Machine(BOARD, image)
    for index in (0, 1, 200, 999, 200):
        assert library.entry(index) == machine.call("entry", index).result
    arena = (ctypes.c_int8 * 1000).in_dll(library, "arena")
    assert arena[200] == 200 - 256


def test_floating_point_is_the_same_everywhere() -> None:
    """A fused multiply-add would round once instead of twice, and give 8 more."""
    sources = {"f.c": "int f(int n) { float x = 1 + n * 0x1p-23f; return (x * x - 1) * 0x1p46f; }"}
    machine = Machine(BOARD, build(BOARD, sources, keep=["f"]))
    x = np.float32(1 + 3 * 2**-23)
    expected = int((x * x - np.float32(1)) * np.float32(2**46))
    assert build_host_library(sources).f(3) == machine.call("f", 3).result == expected


def test_importing_is_light() -> None:
    """Compiler and emulator are imported by who uses them."""
    probe = "import sys, tinyml_course.firmware; print(*sys.modules)"
    command = [sys.executable, "-c", probe]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "tinyml_course.firmware.machine" in loaded
    assert not {"unicorn", "ziglang", "elftools", "torch"} & set(loaded)


# ---- memory functions


MEMORY_CALLS = {
    "calls.c": """
        #include <stdint.h>
        #include <string.h>
        void copy(void *to, const void *from, size_t n) { memcpy(to, from, n); }
        void move(void *to, const void *from, size_t n) { memmove(to, from, n); }
        void set(void *to, int value, size_t n) { memset(to, value, n); }
        void clear(void *to, size_t n) { memset(to, 0, n); }
        int compare(const void *a, const void *b, size_t n) { return memcmp(a, b, n); }
    """
}
SPACE = 160


@pytest.fixture(scope="module")
def memory() -> Machine:
    names = ["copy", "move", "set", "clear", "compare"]
    return Machine(BOARD, build(BOARD, MEMORY_CALLS, keep=names), strict=True)


@given(
    to=st.integers(0, SPACE),
    start=st.integers(0, SPACE),
    size=st.integers(0, SPACE),
    value=st.integers(-300, 300),
)
@example(to=0, start=80, size=80, value=-1)  # whole blocks
@example(to=0, start=81, size=75, value=300)
@example(to=81, start=0, size=75, value=0)
def test_copying_and_filling_do_what_c_says(
    memory: Machine, to: int, start: int, size: int, value: int
) -> None:
    memory.reset()
    before = np.random.default_rng(to + 1000 * start).integers(-128, 128, 2 * SPACE, np.int8)
    base = memory.place(before)

    def check(expected: np.ndarray, function: str, *arguments: int) -> None:
        memory.write(base, before)
        memory.call(function, *arguments)
        assert np.array_equal(memory.read(base, 2 * SPACE), expected), function

    moved = before.copy()
    moved[to : to + size] = before[start : start + size]
    check(moved, "move", base + to, base + start, size)
    if abs(to - start) >= size:
        check(moved, "copy", base + to, base + start, size)
    filled = before.copy()
    filled[to : to + size] = np.uint8(value % 256).astype(np.int8)
    check(filled, "set", base + to, value, size)
    filled[to : to + size] = 0
    check(filled, "clear", base + to, size)


@given(
    first=st.binary(min_size=9, max_size=9),
    second=st.binary(min_size=9, max_size=9),
    same=st.integers(0, 9),
)
def test_comparing_finds_the_first_difference(
    memory: Machine, first: bytes, second: bytes, same: int
) -> None:
    memory.reset()
    second = first[:same] + second[same:]
    one, other = (memory.place(np.frombuffer(b, np.uint8)) for b in (first, second))
    result = memory.call("compare", one, other, 9).result
    assert np.sign(result) == (first > second) - (first < second)


def test_a_large_aligned_copy_moves_eight_words_at_once(memory: Machine) -> None:
    memory.reset()
    to, start = memory.place(np.zeros(3200, np.int8)), memory.place(np.ones(3200, np.int8))
    counted = memory.call("copy", to, start, 3200).functions["memcpy"]
    assert counted <= 4 * (3200 // 32) + 30  # LDM, STM, count, branch; some to begin and to end


# ---- what is built again


@pytest.mark.usefixtures("no_compiler")
def test_the_same_is_not_built_again(image: Image) -> None:
    assert build(BOARD, SOURCES, HEADERS, keep=["entry"]).path == image.path


@pytest.mark.parametrize(
    "change",
    [
        {"sources": {"net.c": SOURCES["net.c"] + "\n"}},
        {"headers": {**HEADERS, "weights.bin": bytes(1003)}},
        {"stack_bytes": 2048},
        {"flags": ["-DX"]},
        {"board": BOARDS["stm32h743"]},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.usefixtures("no_compiler")
def test_anything_else_is(image: Image, change: dict[str, Any]) -> None:
    unseen = {"stack_bytes": 4096 + 8 * (os.getpid() % 1000 + 1), "flags": [f"-DX{time.time_ns()}"]}
    if "sources" in change:
        change = {"sources": {"net.c": f"{SOURCES['net.c']}// {time.time_ns()}"}}
    elif "headers" in change:
        change = {"headers": {**HEADERS, "weights.bin": os.urandom(1003)}}
    elif "board" in change:
        change = {"board": dataclasses.replace(BOARD, sram_base=0x3000_0000 + os.getpid() * 1024)}
    else:
        change = {name: unseen[name] for name in change}
    arguments: dict[str, Any] = {"board": BOARD, "sources": SOURCES, "headers": HEADERS, **change}
    with pytest.raises(AssertionError, match="compiler was called"):
        build(**arguments, keep=["entry"])
    assert image.path.exists()


@pytest.mark.usefixtures("no_compiler")
def test_a_header_that_no_source_names_changes_nothing(image: Image) -> None:
    others = {**HEADERS, "other_weights.bin": os.urandom(8)}
    assert build(BOARD, SOURCES, others, keep=["entry"]).path == image.path


def test_keys_tell_everything_apart() -> None:
    assert len({key(p) for p in (["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], [])}) == 5
    assert key(["a", b"b"]) == key([b"a", "b"])


def test_the_least_recently_used_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tinyml_course.firmware.build_cache.cache_folder", lambda: tmp_path)
    made = []

    def keep(name: str) -> None:
        def make() -> bytes:
            made.append(name)
            return bytes(100)

        path = kept("kind", name, make, most_bytes=250)
        assert path.read_bytes() == bytes(100)
        assert path.stat().st_mtime_ns > 10**15  # used just now, and not as below
        # File systems have coarse clocks; the order of use must not depend on that.
        os.utime(path, ns=(time.time_ns(), 10**9 * (len(order) + 1)))
        order.append(name)

    order: list[str] = []
    for name in ("a", "b", "a", "c", "a", "b"):
        keep(name)
    assert made == ["a", "b", "c", "b"]
    assert sorted(p.name for p in (tmp_path / "kind").iterdir()) == ["a", "b"]


def test_a_home_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = cache_folder.__wrapped__
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert chosen() == tmp_path / "cache" / "tinyml-course"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    instead = chosen()
    assert instead.is_dir()
    assert not instead.is_relative_to(tmp_path)
    assert instead != chosen()  # nobody can lay a file there beforehand


# ---- what is refused


def test_an_error_in_c_is_shown_with_its_place() -> None:
    with pytest.raises(ToolchainError, match=r"(?s)first error first.*net\.c:2:16: error:.*undecl"):
        build(BOARD, {"net.c": "int f(void) {\n        return undeclared;\n}"})


def test_a_missing_embedded_file_is_guessed() -> None:
    with pytest.raises(ToolchainError, match=r"file of an #embed is not among the headers"):
        build(BOARD, {"net.c": 'const char w[] = {\n#embed "absent.bin"\n};'})


def test_many_errors_are_cut_short() -> None:
    lines = [f"int f{i}(void) {{ return undeclared{i}; }}" for i in range(15)]
    with pytest.raises(ToolchainError, match=r"undeclared0") as caught:
        build(BOARD, {"net.c": "\n".join(lines)})
    assert len(str(caught.value).splitlines()) == 1 + toolchain.SHOWN_ERROR_LINES + 1
    assert "more lines" in str(caught.value)


def test_a_function_that_is_nowhere_is_named_with_its_caller() -> None:
    sources = {"net.c": "int missing(void); int f(void) { return missing(); }"}
    with pytest.raises(ToolchainError, match=r"(?s)undefined symbol: missing.*net\.c"):
        build(BOARD, sources, keep=["f"])


@pytest.mark.parametrize(("excess", "arena"), [(4, 0), (40_000, 0), (4, 800), (-400, 800)])
def test_an_image_with_too_much_sram_says_by_how_much(excess: int, arena: int) -> None:
    size = BOARD.sram_bytes - toolchain.DEFAULT_STACK_BYTES + excess
    line = f"TINYML_ARENA char arena[{arena}]; char big[{size}];"
    function = "char f(int i) { return big[i]++ + arena[i]++; }"
    sources = {"big.c": f'#include "tinyml_memory.h"\n{line}\n{function}'}
    with pytest.raises(ImageTooLargeError, match=r"B more SRAM than STM32F746.*smaller") as caught:
        build(BOARD, sources, keep=["f"])
    aligned = -(-size // 16) * 16 - size  # the arena begins at a multiple of 16
    assert caught.value.missing_bytes == excess + aligned + arena
    assert caught.value.memory == "SRAM"


def test_an_image_fills_sram_to_the_last_byte() -> None:
    free = BOARD.sram_bytes - toolchain.DEFAULT_STACK_BYTES
    sources = {"big.c": f"char big[{free}]; char f(int i) {{ return big[i]++; }}"}
    filled = build(BOARD, sources, keep=["f"])
    assert filled.sram_bytes == BOARD.sram_bytes
    assert Machine(BOARD, filled).call("f", free - 1).high_water_bytes == BOARD.sram_bytes


def test_an_image_with_too_much_flash_says_by_how_much(image: Image) -> None:
    header = {"big.h": f"const char big[{BOARD.flash_bytes}] = {{1}};"}
    sources = {"big.c": '#include "big.h"\nchar f(int i) { return big[i]; }'}
    with pytest.raises(ImageTooLargeError, match=r"more flash than .*fewer weights") as caught:
        build(BOARD, sources, header, keep=["f"])
    assert 0 < caught.value.missing_bytes < 1000  # the code of f and of start-up


def test_a_core_without_dsp_is_refused_by_name() -> None:
    """The emulator would run its SMLAD all the same."""
    small = dataclasses.replace(BOARD)
    object.__setattr__(small, "core", "cortex-m0")  # `Board` refuses it, too
    with pytest.raises(ToolchainError, match=r"'cortex-m0' is not known.*cortex-m4 or cortex-m7"):
        build(small, SOURCES, HEADERS)


@pytest.mark.parametrize("size", [0, -8, 4, 1001])
def test_a_stack_of_odd_size_is_refused(size: int) -> None:
    with pytest.raises(ToolchainError, match=f"multiple of 8 B, not {size} B"):
        linker_script(BOARD, size)


def test_a_missing_package_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, image: Image
) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)
    toolchain._compiler.cache_clear()
    with pytest.raises(ToolchainError, match=r"C compiler \(ziglang\).*pip install.*\[firmware\]"):
        build(BOARD, SOURCES, HEADERS)
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(ToolchainError, match=r"CPU emulator \(unicorn\).*pip install"):
        Machine(BOARD, image)
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    with pytest.raises(ToolchainError, match=r"ELF files \(elftools\).*pip install"):
        read_image(image.path)


def test_a_compiler_that_dies_silently_is_not_a_riddle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain.sys, "executable", "false")
    with pytest.raises(ToolchainError, match=r"status 1 and without a word; try .* -m ziglang"):
        build(BOARD, {"new.c": f"int x{time.time_ns()};"})


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match="there is no image"):
        read_image(tmp_path / "absent.elf")
    (tmp_path / "text.elf").write_text("not an ELF file")
    with pytest.raises(FirmwareError, match="is no ELF file"):
        read_image(tmp_path / "text.elf")
