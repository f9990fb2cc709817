"""The Arduino library: laid out as its specification says, and its sketch runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")

from random_graphs import random_image

from tinyml_course.firmware.build_cache import cache_folder
from tinyml_course.firmware.project import BoardProgram, board_program, sample_of
from tinyml_course.firmware.project.arduino import LONGEST_NAME, arduino_library, library_name
from tinyml_course.mcu import board, plan, reference
from tinyml_course.models import compact, random_graph
from tinyml_course.patching import schedule

GRAPH = random_graph(compact(8, 1, 10))
NAME = "TinyML_compact_8"
# https://arduino.github.io/arduino-cli/latest/library-specification/
FIELDS = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url")
CATEGORIES = (
    "Display",
    "Communication",
    "Signal Input/Output",
    "Sensors",
    "Device Control",
    "Timing",
    "Data Storage",
    "Data Processing",
    "Other",
)
STUB = """
#include <cstdint>
#include <cstdio>
#include <cstring>
struct Port {
    void begin(long) {}
    void print(const char *text) { std::printf("%s", text); }
    void print(int number) { std::printf("%d", number); }
    void println(unsigned long) { std::printf("\\n"); }
} Serial;
unsigned long micros() { return 0; }
void delay(int) {}
#include "SelfTest.ino"
int main() { setup(); loop(); }
"""


def program(image: str = "memory", wrong: int = 0) -> BoardProgram:
    planned = plan(schedule(GRAPH, image=image))
    one = random_image(GRAPH, np.random.default_rng(1))
    output = reference.run(GRAPH, one)
    output.ravel()[:wrong] ^= 1
    return board_program(board("nrf52840"), planned, sample_of(planned, one, output, 3))


def library(of: BoardProgram) -> dict[str, str]:
    return arduino_library(of, {"NETWORK": GRAPH.name, "ARENA_BYTES": of.plan.peak_bytes})


def test_the_layout_is_that_of_the_specification() -> None:
    files = library(program())
    properties = dict(line.split("=", 1) for line in files["library.properties"].splitlines())
    assert set(FIELDS) <= set(properties)
    assert all(properties.values())
    assert properties["name"] == NAME
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.\-]*", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] in CATEGORIES
    assert properties["architectures"].split(",")[0] == "stm32"
    assert f"src/{properties['includes']}" in files
    # A sketch has the name of its folder; sources lie in src/ itself, where cores look for them.
    assert "examples/SelfTest/SelfTest.ino" in files
    allowed = r"library\.properties|src/\w+\.[ch]|examples/SelfTest/(SelfTest\.ino|sample\.[ch])"
    assert all(re.fullmatch(allowed, name) for name in files)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("vww1@80", "TinyML_vww1_80"),
        ("mbv2-w0.35@144", "TinyML_mbv2_w0_35_144"),
        ("@", "TinyML_"),
        ("x" * 90, "TinyML_" + "x" * (LONGEST_NAME - 7)),
    ],
)
def test_names_are_allowed_ones(network: str, expected: str) -> None:
    assert library_name(network) == expected


def test_nothing_is_included_that_is_not_there() -> None:
    files = library(program())
    present = {Path(name).name for name in files}
    own = {*present, "Arduino.h"}
    for name, text in files.items():
        for included in re.findall(r'#include "([^"]+)"', text):
            assert included in own | {"string.h", "stdint.h"}, (name, included)


def zig(folder: Path, *arguments: str) -> None:
    """Run the compiler; what it builds for itself lies where the package's own calls keep it."""
    environment = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder() / "zig"), **os.environ}
    command = [sys.executable, "-m", "ziglang", *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def run_sketch(of: BoardProgram, folder: Path, *flags: str) -> str:
    """The sketch on this machine, with the little of Arduino that it uses."""
    for name, text in library(of).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "sketch.cpp").write_text(STUB)
    example = folder / "examples/SelfTest"
    sources = [*(folder / "src").glob("*.c"), example / "sample.c"]
    includes = [f"-I{folder / 'src'}", f"-I{example}"]
    # As Arduino's cores compile: C of 2011, and C++.
    zig(folder, "cc", "-std=gnu11", "-O1", "-c", *flags, *includes, *map(str, sources))
    # A sanitizer that traps needs no run-time, and a sketch that is linked as C no C++ library:
    # the compiler would build both first, for a minute.
    strict = ("-Wall", "-Wextra", "-Werror", "-fsanitize-trap=undefined")
    zig(folder, "c++", "-c", *strict, *includes, "sketch.cpp")
    objects = [str(path) for path in folder.glob("*.o")]
    zig(folder, "cc", "-O3", "-mcpu=baseline", *objects, "-o", "sketch")
    done = subprocess.run([str(folder / "sketch")], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("image", ["memory", "fed"])
def test_the_sketch_passes(image: str, tmp_path: Path) -> None:
    of = program(image)
    expected = int(np.argmax(of.sample.output))
    told = f"PASS, bytes that differ: 0; class {expected}, the image shows 3; microseconds: \n"
    assert run_sketch(of, tmp_path) == told


@pytest.mark.slow
def test_the_sketch_fails_where_bytes_differ(tmp_path: Path) -> None:
    assert run_sketch(program(wrong=2), tmp_path).startswith("FAIL, bytes that differ: 2;")
