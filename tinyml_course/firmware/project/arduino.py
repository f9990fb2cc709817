"""The same network as an Arduino library (Arduino library specification, 1.5 format)."""

import re

from tinyml_course.firmware.project.marks import fill
from tinyml_course.firmware.project.program import BoardProgram
from tinyml_course.firmware.toolchain import runtime_headers

ARCHITECTURES = "stm32,mbed_nano,mbed_portenta,nrf52"
"""Arduino's names of the cores (board packages) with Cortex-M4 and M7 boards in them."""

LONGEST_NAME = 63
_DSP = "tinyml_dsp.h"
_PORTED = (_DSP, "tinyml_memory.h")
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z]+")


def library_name(network: str) -> str:
    """The library's name, which is its folder's and its header's, too: ``TinyML_compact_8``."""
    return f"TinyML_{_NOT_IN_A_NAME.sub('_', network).strip('_')}"[:LONGEST_NAME]


def arduino_library(program: BoardProgram, values: dict[str, object]) -> dict[str, str]:
    """The library's files by path, from its own folder on.

    Args:
        program: the network and its sample.
        values: of the templates' marks.
    """
    name = library_name(program.plan.graph.name)
    values = {
        **values,
        "LIBRARY": name,
        "GUARD": f"{name.upper()}_H",
        "ARCHITECTURES": ARCHITECTURES,
    }
    runtime = runtime_headers()
    files = {
        "library.properties": fill("arduino/library.properties", values),
        f"src/{name}.h": fill("arduino/library.h", values),
        **{f"src/{header}": fill(f"arduino/{header}", values) for header in _PORTED},
        "src/tinyml_dsp_instructions.h": runtime[_DSP],
    }
    for path, text in (*program.sources.items(), *program.headers.items()):
        folder, _, file = path.rpartition("/")
        if folder == "network":
            files[f"src/{file}"] = text
    example = "examples/SelfTest"
    files[f"{example}/SelfTest.ino"] = fill("arduino/SelfTest.ino", values)
    for file, texts in (("sample.c", program.sources), ("sample.h", program.headers)):
        files[f"{example}/{file}"] = texts[file]
    return files
