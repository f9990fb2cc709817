"""Estimates of flash against images that were built, and against the kernels that there are."""

import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("elftools", reason="needs the extra 'firmware'")

from few_bits import of_few_bits

from tinyml_course.firmware import build, generate
from tinyml_course.mcu import POLICIES, Plan, board, plan
from tinyml_course.mcu.code_size import (
    OURS,
    RENEW,
    TINYENGINE_CODE_BYTES,
    code_key,
    padding_row_bytes,
)
from tinyml_course.mcu.planning.packed import packable
from tinyml_course.mcu.scheduling import Schedule
from tinyml_course.models import compact, definition, random_graph
from tinyml_course.patching import schedule

BOARD = board("stm32f746")
GRAPHS = {
    "digits": random_graph(compact(8, 1, 10)),
    "vww0@64": random_graph(definition("vww0@64")),
    "in0@48": random_graph(definition("in0@48")),
}


def built_bytes(planned: Plan) -> int:
    program = generate(planned)
    image = build(BOARD, program.sources, program.headers, keep=["network_run"])
    return image.flash_bytes


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("streamed", [False, True])
def test_the_estimate_is_near_the_image(name: str, streamed: bool) -> None:
    graph = GRAPHS[name]
    planned = plan(schedule(graph) if streamed else graph)
    beside = built_bytes(planned) - planned.constants_bytes
    estimated = planned.flash_bytes - planned.constants_bytes
    # benchmarks/code_size.py finds at most 15 % on these, nearly always too much;
    # another 5 % means that kernels have changed since the table was made.
    assert estimated == pytest.approx(beside, rel=0.20), f"renew the table: {RENEW}"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_estimate_knows_what_unpacks_weights(streamed: bool) -> None:
    graph = of_few_bits(GRAPHS["digits"], 0)
    planned = plan((schedule(graph) if streamed else Schedule(graph)).packing(packable(graph)))
    beside = built_bytes(planned) - planned.constants_bytes
    estimated = planned.flash_bytes - planned.constants_bytes
    assert estimated == pytest.approx(beside, rel=0.20), f"renew the table: {RENEW}"


def test_wider_networks_cost_constants_and_no_code() -> None:
    narrow, wide = (plan(random_graph(compact(32, 3, 10, width))) for width in (1.0, 2.0))
    assert wide.flash_use.code_bytes == narrow.flash_use.code_bytes
    assert wide.flash_use.constants_bytes > 2 * narrow.flash_use.constants_bytes
    assert wide.flash_bytes - narrow.flash_bytes == wide.constants_bytes - narrow.constants_bytes


def test_code_is_counted_once_for_each_kind_of_operator() -> None:
    """A second operator of a kind adds its call and its description, and no kernel."""
    one, two = (plan(GRAPHS[name]).flash_use for name in ("vww0@64", "in0@48"))
    assert two.code_bytes + two.descriptions_bytes < 2 * (one.code_bytes + one.descriptions_bytes)


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != OURS])
def test_other_engines_keep_the_published_figure(policy: str) -> None:
    use = plan(GRAPHS["vww0@64"], policy=policy).flash_use
    assert use.code_bytes == TINYENGINE_CODE_BYTES == 63 * 1024
    assert use.descriptions_bytes == 0
    assert not use.measured


def test_keys_tell_kernels_apart() -> None:
    graph = GRAPHS["in0@48"]
    found = {code_key(graph, operator) for operator in graph.operators}
    assert {"CONV_2D 1x1", "CONV_2D", "DEPTHWISE_CONV_2D 7x7/2", "ADD"} <= found


def test_rows_of_padding_are_those_of_the_c_code() -> None:
    graph = GRAPHS["in0@48"]
    text = generate(plan(graph)).sources["network.c"]
    for operator in graph.operators:
        start = f"network_{operator.name.replace('.', '_')}_layer_outside[] = {{"
        if start in text:
            numbers = text.split(start)[1].split("}")[0].strip().rstrip(",").split(",")
            assert padding_row_bytes(graph, operator) == -(-len(numbers) // 4) * 4
