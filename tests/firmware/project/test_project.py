"""The folder for a board: complete, buildable, and its build equal to the image in it."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from intel_hex import read_hex
from random_graphs import random_image

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware import Machine, read_image
from tinyml_course.firmware.project import (
    BoardProgram,
    FirmwareFigures,
    board_program,
    lay_down,
    measure,
    project_files,
    sample_of,
)
from tinyml_course.firmware.project.marks import fill, names
from tinyml_course.firmware.project.program import SELF_TEST
from tinyml_course.mcu import Board, Plan, board, plan, reference
from tinyml_course.models import compact, random_graph
from tinyml_course.patching import schedule

GRAPH = random_graph(compact(8, 1, 10))
F746 = board("stm32f746")
NATIVE_TOOLS = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
GCC = pytest.mark.skipif(
    not shutil.which("arm-none-eabi-gcc"), reason="there is no arm-none-eabi-gcc here"
)


def made(planned: Plan, target: Board = F746) -> tuple[BoardProgram, FirmwareFigures]:
    rng = np.random.default_rng(0)
    images = [random_image(GRAPH, rng)[0] for _ in range(3)]
    outputs = [reference.run(GRAPH, image[np.newaxis]) for image in images]
    sample = sample_of(planned, images[0], outputs[0], 7)
    program = board_program(target, planned, sample)
    figures = measure(program, images, outputs, progress=False)
    figures.verify()
    return program, figures


@pytest.fixture(scope="module")
def built() -> tuple[BoardProgram, FirmwareFigures]:
    return made(plan(schedule(GRAPH)))


@pytest.fixture(scope="module")
def folder(
    built: tuple[BoardProgram, FirmwareFigures], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("project") / "firmware"
    lay_down(target, project_files(*built))
    return target


def run_image(path: Path, target: Board = F746) -> tuple[Machine, int]:
    machine = Machine(target, read_image(path), strict=True)
    return machine, machine.run().result


def make(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess:
    command = ["make", "-C", str(folder), f"PYTHON={sys.executable}", *arguments]
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


# ---- what is in it


def test_the_folder_is_complete(folder: Path) -> None:
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for name in (
        "README.md",
        "Makefile",
        "CMakeLists.txt",
        "arm-none-eabi.cmake",
        "board.ld",
        "main.c",
        "sample.c",
        "sample.h",
        "network/network.c",
        "network/network.h",
        "network/tinyml_conv.c",
        "include/tinyml_dsp.h",
        "runtime/start.c",
        "runtime/memory.c",
        "image/network.elf",
        "image/network.bin",
        "image/network.hex",
        "contents.json",
    ):
        assert name in files, name
    assert files - {"contents.json"} == set(json.loads((folder / "contents.json").read_text()))


def test_no_mark_of_a_template_is_left(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".elf", ".bin"):
            assert not re.search(r"@[A-Z_]+@", path.read_text()), path


def test_every_template_is_used(
    built: tuple[BoardProgram, FirmwareFigures], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    def note(name: str, values: dict[str, object]) -> str:
        used.append(name)
        return fill(name, values)

    for module in ("contents", "arduino"):
        monkeypatch.setattr(f"tinyml_course.firmware.project.{module}.fill", note)
    project_files(*built)
    assert {*used, "main.c", "sample.h"} == set(names())


def test_a_mark_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="SAMPLE_CLASS"):
        fill("sample.h", {})


def test_every_source_is_named_once_in_the_order_of_the_image(folder: Path) -> None:
    text = (folder / "Makefile").read_text()
    line = next(li for li in text.splitlines() if li.startswith("SOURCES"))
    listed = line.split(":=")[1].split()
    network = sorted(p.relative_to(folder).as_posix() for p in folder.glob("network/*.c"))
    assert sorted(listed) == sorted(["main.c", "sample.c", *network])
    inside = (folder / "CMakeLists.txt").read_text().split("set(SOURCES")[1].split(")")[0]
    assert inside.split() == listed


def test_the_readme_says_what_was_measured(
    built: tuple[BoardProgram, FirmwareFigures], folder: Path
) -> None:
    program, figures = built
    text = (folder / "README.md").read_text()
    for number in (
        figures.sram_bytes,
        figures.arena_bytes,
        figures.stack_depth_bytes,
        figures.flash_bytes,
        figures.instructions,
        program.flash.code_bytes,
        program.flash.descriptions_bytes,
    ):
        assert f"{number:,}" in text
    assert F746.title in text
    assert "STM32CubeIDE" in text
    assert "ziglang>=0.17" in text or "ziglang<0.18" in text


# ---- the figures


def test_flash_is_the_images_to_the_byte(built: tuple[BoardProgram, FirmwareFigures]) -> None:
    program, figures = built
    binary = project_files(program, figures)["image/network.bin"]
    assert program.flash.total_bytes == figures.flash_bytes == len(binary)
    assert program.flash.constants_bytes == program.plan.constants_bytes
    assert program.flash.measured
    symbols = program.image.symbols.values()
    arrays = [s.size for s in symbols if re.search(r"_(weights|constants|shifts)$", s.name)]
    named = sum(-(-size // 4) * 4 for size in arrays)
    # In the C as in the plan; kernels that want channels filled up to words have a little more,
    # which counts as description.
    more = named - program.plan.constants_bytes
    assert 0 <= more <= program.flash.descriptions_bytes
    sample = sum(-(-program.image.symbol(name).size // 4) * 4 for name in SELF_TEST)
    assert program.flash.self_test_bytes == sample >= 64 + 12


def test_sram_is_arena_stack_and_variables(built: tuple[BoardProgram, FirmwareFigures]) -> None:
    program, figures = built
    sections = program.image.sections
    held = figures.plan_bytes + figures.stack_bytes + figures.variables_bytes
    assert 0 <= figures.sram_bytes - held < 4  # an arena is a multiple of four
    # What alignment adds is less than 16 bytes.
    assert 0 <= figures.variables_bytes - sections[".data"] - sections[".bss"] < 16
    assert figures.stack_bytes == sections[".stack"]
    assert 0 < figures.stack_depth_bytes < figures.stack_bytes
    assert figures.arena_bytes == figures.plan_bytes == program.plan.peak_bytes


def test_scratch_that_the_c_code_does_not_need_is_no_defect() -> None:
    """Plans keep scratch for the slowest way to compute a layer; whole maps are always written."""
    graph = random_graph(compact(12, 1, 10))
    planned = plan(graph)
    image = random_image(graph, np.random.default_rng(0))
    output = reference.run(graph, image)
    program = board_program(F746, planned, sample_of(planned, image, output, 0))
    figures = measure(program, [image], [output], progress=False)
    figures.verify()
    ends = [buffer.end for buffer in planned.buffers if buffer.role == "activation"]
    assert figures.maps_bytes == max(ends) <= figures.arena_bytes <= figures.plan_bytes
    assert figures.plan_bytes == planned.peak_bytes
    assert program.flash.total_bytes == figures.flash_bytes
    for wrong in (max(ends) - 1, planned.peak_bytes + 1):
        with pytest.raises(FirmwareError, match="of its arena"):
            dataclasses.replace(figures, arena_bytes=wrong).verify()


@pytest.mark.parametrize("image", ["memory", "fed"])
@pytest.mark.parametrize("core", ["stm32f746", "nrf52840"])
def test_main_says_whether_the_board_is_right(image: str, core: str) -> None:
    target = board(core)
    program, figures = made(plan(schedule(GRAPH, image=image)), target)
    assert figures.self_test_differences == 0
    machine, result = run_image(program.image.path, target)
    assert result == machine.variable("network_differences", "<i4")[0] == 0
    wrong = program.sample.output.copy()
    wrong.ravel()[[1, 4, 5]] ^= 1
    other = board_program(
        target, program.plan, sample_of(program.plan, program.sample.image, wrong, 7)
    )
    machine, result = run_image(other.image.path, target)
    assert result == machine.variable("network_differences", "<i4")[0] == 3


# ---- the makefiles


@NATIVE_TOOLS
@pytest.mark.slow
def test_make_with_zig_gives_the_image_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    done = make(folder, "COMPILER=zig", f"BUILD={tmp_path}", "-j2")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    made_by = {where: where / "network.bin" for where in (tmp_path, folder / "image")}
    assert len({path.read_bytes() for path in made_by.values()}) == 1
    one, other = ((where / "network.hex").read_text() for where in (tmp_path, folder / "image"))
    assert read_hex(one) == read_hex(other)
    _, result = run_image(tmp_path / "network.elf")
    assert result == 0
    size = make(folder, "COMPILER=zig", f"BUILD={tmp_path}", "size")
    assert str((folder / "image/network.bin").stat().st_size) in size.stdout
    assert make(folder, "COMPILER=zig", f"BUILD={tmp_path}", "-q").returncode == 0  # up to date


@NATIVE_TOOLS
@GCC
@pytest.mark.slow
def test_make_with_gcc_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    done = make(folder, f"BUILD={tmp_path}", "-j2")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    machine, result = run_image(tmp_path / "network.elf")
    assert result == 0
    assert machine.image.flash_bytes == (tmp_path / "network.bin").stat().st_size


@GCC
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="there is no cmake here")
def test_cmake_builds_the_same_as_make(folder: Path, tmp_path: Path) -> None:
    configure = ["cmake", "-S", str(folder), "-B", str(tmp_path), "-G", "Unix Makefiles"]
    for command in (
        [*configure, f"-DCMAKE_TOOLCHAIN_FILE={folder / 'arm-none-eabi.cmake'}"],
        ["cmake", "--build", str(tmp_path)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
    _, result = run_image(tmp_path / "network.elf")
    assert result == 0


@NATIVE_TOOLS
@pytest.mark.parametrize(
    ("programmer", "command"),
    [
        ("st-flash", "st-flash --reset write build/network.bin 0x08000000"),
        ("openocd", "openocd -f interface/stlink.cfg -f target/stm32f7x.cfg -c"),
        (
            "STM32_Programmer_CLI",
            "STM32_Programmer_CLI -c port=SWD -w build/network.bin 0x08000000 -v -rst",
        ),
    ],
)
def test_each_programmer_gets_its_command(folder: Path, programmer: str, command: str) -> None:
    done = make(folder, "-n", "flash", f"PROGRAMMER={programmer}")
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


@NATIVE_TOOLS
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["COMPILER=clang"], "COMPILER is gcc or zig, not clang"),
        (["-n", "flash", "PROGRAMMER=dfu"], "PROGRAMMER is st-flash, openocd or STM32"),
        (["-n", "flash", "PROGRAMMER=openocd", "OPENOCD_TARGET="], "set OPENOCD_TARGET"),
    ],
)
def test_make_says_what_it_does_not_know(folder: Path, arguments: list[str], message: str) -> None:
    done = make(folder, *arguments)
    assert done.returncode != 0
    assert message in done.stderr


@NATIVE_TOOLS
def test_without_a_compiler_make_fails_and_leaves_no_image(folder: Path, tmp_path: Path) -> None:
    done = make(folder, f"BUILD={tmp_path}", "PREFIX=no-such-", path=os.environ["PATH"])
    assert done.returncode != 0
    assert "no-such-gcc" in done.stderr
    assert not list(tmp_path.rglob("network.*"))


@pytest.mark.parametrize("core", ["stm32f412", "stm32h743", "nrf52840"])
def test_each_board_gets_its_core_and_its_memory(core: str) -> None:
    target = board(core)
    program, figures = made(plan(schedule(GRAPH)), target)
    files = {
        name: text.decode(errors="replace")
        for name, text in project_files(program, figures).items()
    }
    name = "cortex-m4" if target.core == "cortex-m4" else "cortex-m7"
    fpu = {"cortex-m4": "fpv4-sp-d16", "cortex-m7": "fpv5-sp-d16"}[name]
    for file in ("Makefile", "CMakeLists.txt"):
        assert f"-mcpu={name} -mfpu={fpu} -mthumb -mfloat-abi=hard" in files[file]
    assert f"LENGTH = {target.sram_bytes}" in files["board.ld"]
    assert f"ORIGIN = 0x{target.flash_base:08x}" in files["board.ld"]
    assert f"FLASH_START    := 0x{target.flash_base:08x}" in files["Makefile"]


def test_c_plus_plus_includes_the_headers(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "program.cpp"
    source.write_text(
        '#include "network.h"\n#include "sample.h"\n'
        "int main() { network_run(); return NETWORK_OUTPUT[0] + sample_image[0]; }\n"
    )
    command = [sys.executable, "-m", "ziglang", "c++", "-c", "-Wall", "-Wextra", "-Werror"]
    includes = [f"-I{folder}", f"-I{folder / 'network'}"]
    made_object = tmp_path / "program.o"
    done = subprocess.run(
        [*command, *includes, str(source), "-o", str(made_object)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"_Z11network_run" not in made_object.read_bytes()  # not by its name in C++
    assert b"network_run" in made_object.read_bytes()


def test_what_is_written_does_not_depend_on_the_run(
    built: tuple[BoardProgram, FirmwareFigures],
) -> None:
    again = made(plan(schedule(GRAPH)))
    assert project_files(*built) == project_files(*again)
