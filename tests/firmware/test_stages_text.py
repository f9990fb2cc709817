"""Generated C of stages as people and compilers read it."""

import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")

from firmware_runs import H743

from tinyml_course.errors import ToolchainError
from tinyml_course.firmware import build, generate
from tinyml_course.graph import Graph
from tinyml_course.mcu import plan
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.models import compact, random_graph

STRICT = ("-Wextra", "-Werror")
FIRST, LAST = "stem", "block1.project"


def demo() -> Graph:
    return random_graph(compact(8, 1, 10))


@pytest.mark.parametrize("stage", [Stream(FIRST, LAST), Patches(FIRST, LAST, 2, 2)])
@pytest.mark.parametrize("image", ["memory", "fed"])
def test_no_compiler_warns(stage: Stream | Patches, image: str) -> None:
    program = generate(plan(Schedule(demo(), [stage], image)))
    build(H743, program.sources, program.headers, keep=["network_run"], flags=STRICT)
    text = program.sources["network.c"] + "static int unused;\n"
    sources = {**program.sources, "network.c": text}
    with pytest.raises(ToolchainError, match="unused"):
        build(H743, sources, program.headers, keep=["network_run"], flags=STRICT)


@pytest.mark.parametrize("stage", [Stream(FIRST, LAST), Patches(FIRST, LAST, 2, 2)])
def test_lines_are_short_and_headers_needed(stage: Stream | Patches) -> None:
    program = generate(plan(Schedule(demo(), [stage], "fed")))
    text = program.sources["network.c"]
    statements = [line for line in text.splitlines() if not line.lstrip().startswith("-")]
    numbers = [line for line in statements if line.strip("-0123456789, ")]
    assert max(map(len, numbers)) <= 110
    assert '#include "tinyml_softmax.h"' not in text
    assert ('#include "tinyml_conv_patch.h"' in text) == isinstance(stage, Patches)


def test_a_fed_image_arrives_as_the_stage_asks_for_it() -> None:
    by_row = generate(plan(Schedule(demo(), [Stream(FIRST, LAST)], "fed")))
    by_patch = generate(plan(Schedule(demo(), [Patches(FIRST, LAST, 2, 2)], "fed")))
    assert "void network_take_row(int32_t row, int8_t *to);" in by_row.headers["network.h"]
    header = by_patch.headers["network.h"]
    assert "void network_take_region(" in header
    assert "network_take_row" not in header
