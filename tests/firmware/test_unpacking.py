"""Packed weights as C: unpacked as Python unpacks them, and the reference's bytes behind them."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from few_bits import of_few_bits
from firmware_runs import check, check_here
from hypothesis import given, settings
from hypothesis import strategies as st
from random_packings import packed_schedules

from tinyml_course.firmware import Machine, build, build_host_library, estimate_cycles, generate
from tinyml_course.firmware.kernels.sources import headers, sources
from tinyml_course.graph import Graph
from tinyml_course.mcu import board, plan
from tinyml_course.mcu.latency import COST_MODELS
from tinyml_course.mcu.packed_weights import pack_weights, unpacked_bytes
from tinyml_course.mcu.planning.packed import packable, packed_schedule
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.mcu.scheduling.schedule import Image
from tinyml_course.models import compact, definition, random_graph

FUNCTIONS = {bits: f"tinyml_unpack_{bits}" for bits in range(2, 8)}
SOURCE = {"tinyml_unpack.c": sources()["tinyml_unpack.c"]}
M4 = board("stm32f412")
STAGES = {
    "whole": ((), "memory"),
    "stream": ((Stream("stem", "block2.add"),), "memory"),
    "fed": ((Stream("stem", "block2.add"),), "fed"),
    "patches": ((Patches("stem", "block1.project", 2, 2),), "memory"),
}
GUARD = 8
"""Bytes behind the weights that must stay as they are."""


@pytest.fixture(scope="module")
def host() -> ctypes.CDLL:
    return build_host_library(SOURCE, headers())


@pytest.fixture(scope="module")
def core() -> Machine:
    return Machine(M4, build(M4, SOURCE, headers(), keep=[*FUNCTIONS.values()]), strict=True)


def few_bits(bits: int, count: int, seed: int) -> np.ndarray:
    limit = 2 ** (bits - 1) - 1
    weights = np.random.default_rng(seed).integers(-limit, limit + 1, count)
    return (weights << 8 - bits).astype(np.int8)


def carried(weights: np.ndarray, count: int) -> np.ndarray:
    """Of the first weights each second one is one less where the one before is negative."""
    found = weights.astype(np.int64)
    for at in range(0, count, 2):
        found[at + 1] -= found[at] < 0
    return found


@settings(max_examples=200)
@given(st.integers(2, 7), st.integers(1, 150), st.data())
def test_here_and_on_the_core_as_in_python(
    host: ctypes.CDLL, core: Machine, bits: int, count: int, data: st.DataObject
) -> None:
    carries = 2 * data.draw(st.integers(0, count // 2))
    weights = few_bits(bits, count, data.draw(st.integers(0, 99)))
    packed, expected = pack_weights(weights, bits), carried(weights, carries)
    whole = unpacked_bytes(count)
    found = np.full(whole + GUARD, 99, np.int8)
    arguments = [ctypes.c_void_p(a.ctypes.data) for a in (packed, found)]
    getattr(host, FUNCTIONS[bits])(*arguments, count, carries)
    np.testing.assert_array_equal(found[:count], expected)
    assert (found[whole:] == 99).all()

    core.reset()
    start, to = core.place(packed), core.place(np.full(whole + GUARD, 99, np.int8))
    core.call(FUNCTIONS[bits], start, to, count, carries)
    on_core = core.read(to, whole + GUARD, np.int8)
    np.testing.assert_array_equal(on_core[:count], expected)
    assert (on_core[whole:] == 99).all()


@pytest.mark.parametrize("bits", FUNCTIONS)
def test_the_estimate_of_latency_knows_what_it_costs(core: Machine, bits: int) -> None:
    count = 1_000
    core.reset()
    start = core.place(pack_weights(few_bits(bits, count, 0), bits))
    to = core.place(np.zeros(count, np.int8))
    ran = core.call(FUNCTIONS[bits], start, to, count, count)
    cycles = estimate_cycles(ran, "cortex-m4").cycles / count
    assert COST_MODELS["cortex-m4"].unpack_cycles[bits] == pytest.approx(cycles, rel=0.03)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return of_few_bits(random_graph(definition("vww0@64")), 1)


@pytest.mark.parametrize("kind", STAGES)
def test_a_network_with_all_weights_packed(graph: Graph, kind: str) -> None:
    bare = Schedule(graph, *STAGES[kind])
    before, run = check(bare, 1), check(bare.packing(packable(graph)), 1)
    assert run.execution.instructions > before.execution.instructions


@pytest.mark.parametrize("image", ["memory", "fed"])
def test_small_maps_in_a_stream(image: Image) -> None:
    """Where depthwise rows have a kernel whose constants are no weights, unless they are packed."""
    graph = random_graph(compact(8, 1, 10), weight_bits=3)
    bare = Schedule(graph, [Stream("stem", "block4.add")], image)
    assert "four_row" in generate(plan(bare)).sources["network.c"]
    packed = check(bare.packing(packable(graph)), 1)
    assert packed.execution.instructions > 0
    some = bare.packing(["block1.depthwise", "block3.project"])
    check(some, 1)


def test_a_network_with_the_weights_packed_that_have_room(graph: Graph) -> None:
    bare, chosen = plan(Schedule(graph)), plan(packed_schedule(graph))
    before, run = check(Schedule(graph), 1), check(chosen.schedule, 1)
    assert chosen.peak_bytes == bare.peak_bytes
    # 1.05 here: most weights are used for few pixels, at the network's end.
    assert run.execution.instructions < 1.1 * before.execution.instructions
    assert before.execution.arena_bytes == run.execution.arena_bytes


def test_flash_becomes_less_by_what_the_plan_says(graph: Graph) -> None:
    sizes, code = [], []
    for schedule in (Schedule(graph), Schedule(graph, packed=packable(graph))):
        planned = plan(schedule)
        program = generate(planned)
        image = build(board("stm32f746"), program.sources, program.headers, keep=["network_run"])
        sizes.append(image.flash_bytes - planned.constants_bytes)
        code.append(planned.flash_bytes - planned.constants_bytes)
    # Beside the constants there are only the functions that unpack, and their calls.
    assert 0 < sizes[1] - sizes[0] < 7_000
    assert code[1] - code[0] == pytest.approx(sizes[1] - sizes[0], rel=0.2)


@settings(max_examples=25, deadline=None)
@given(packed_schedules())
def test_random_packed_schedules(case: tuple[Schedule, np.ndarray]) -> None:
    check_here(*case)


@settings(max_examples=10, deadline=None)
@given(packed_schedules(6))
def test_random_packed_schedules_on_the_core(case: tuple[Schedule, np.ndarray]) -> None:
    check(case[0], 1, exact=False)


def test_nothing_of_it_is_in_a_program_without_packed_weights(graph: Graph) -> None:
    assert "tinyml_unpack.c" not in generate(plan(graph)).sources
    some = generate(plan(Schedule(graph, packed=["block3.expand"])))
    assert "tinyml_unpack.c" in some.sources
    assert some.sources["network.c"].count("_unpack();") == 1
