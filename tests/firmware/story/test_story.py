"""Every set of steps gives the reference's bytes, in exactly the SRAM that was planned."""

import importlib

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_graphs import int8_graphs, random_image

from tinyml_course.errors import FirmwareError, ImageTooLargeError
from tinyml_course.firmware import NetworkMachine, estimate_cycles, story
from tinyml_course.firmware.cycles.mix import NO_INSTRUCTIONS, InstructionMix
from tinyml_course.firmware.story import telling
from tinyml_course.firmware.story.layers import four_for_sxtb16
from tinyml_course.firmware.story.steps import STEPS, checked
from tinyml_course.graph import Graph, GraphBuilder, Operator, Quantization
from tinyml_course.graph.operators import Add, Conv2D, DepthwiseConv2D, Mul, Reshape
from tinyml_course.mcu import board, reference
from tinyml_course.models import compact, definition, random_graph

BOARD = board("stm32h743")
GRAPH = random_graph(compact(8, 1, 10))
IMAGE = random_image(GRAPH, np.random.default_rng(0))
KINDS = ("conv", "pointwise", "depthwise", "add", "average_pool")


@st.composite
def step_sets(draw: st.DrawFn) -> frozenset[str]:
    """Any lawful set."""
    chosen = draw(st.sets(st.sampled_from([*STEPS])))
    while missing := {need for name in chosen for need in STEPS[name].needs} - chosen:
        chosen |= missing
    return checked(chosen)


@pytest.fixture(scope="module")
def told() -> dict[str, story.StepResult]:
    return {result.name: result for result in story.tell(GRAPH, IMAGE)}


def wide(graph: Graph, operator: Operator) -> bool:
    """Whether it is a depthwise convolution with several outputs per channel."""
    inputs = graph.inputs_of(operator)
    return isinstance(operator, DepthwiseConv2D) and operator.multiplier(inputs) > 1


def mix(result: story.StepResult) -> InstructionMix:
    return sum(result.execution.mixes.values(), NO_INSTRUCTIONS)


@pytest.mark.slow
@settings(max_examples=30)
@given(int8_graphs(5, KINDS), step_sets())
def test_any_network_with_any_steps(case: tuple[Graph, np.ndarray], steps: frozenset[str]) -> None:
    graph, image = case
    assume(not any(wide(graph, operator) for operator in graph.operators))
    program = story.program(graph, steps)
    run = NetworkMachine(BOARD, program, strict=True).run(image)
    np.testing.assert_array_equal(run.output, reference.run(graph, image))
    assert run.execution.arena_bytes <= program.plan.peak_bytes


@pytest.mark.slow
def test_the_story(told: dict[str, story.StepResult]) -> None:
    assert [*told] == [story.START, *STEPS, story.COURSE]
    for count, result in enumerate(told.values()):
        assert result.steps == tuple(STEPS)[:count]
        # A byte that happens to be written with the paint's value is not seen.
        assert 0 <= result.sram_bytes - result.execution.arena_bytes <= 2
        assert result.instructions == result.execution.instructions
        assert result.instructions_per_mac == result.instructions / result.macs
        assert result.cycles == estimate_cycles(result.execution, BOARD.core)
        assert result.code_bytes < result.flash_bytes


@pytest.mark.slow
def test_what_each_step_is_there_for(told: dict[str, story.StepResult]) -> None:
    """The direction of what it claims; how much is the benchmark's to say."""
    names = [*told]
    for name, before in zip(names[1:], names, strict=False):
        old, new = told[before], told[name]
        if name == "codegen":
            assert new.instructions < old.instructions
            assert new.sram_bytes < old.sram_bytes
        if name == "fusion":
            assert new.sram_bytes < 0.5 * old.sram_bytes
            assert mix(new).classes["store"] < mix(old).classes["store"]
        if name == "unrolling":
            assert mix(new).classes["branch"] < 0.5 * mix(old).classes["branch"]
            # The multiplications stay, but for those of addresses.
            assert mix(new).classes["multiply"] <= mix(old).classes["multiply"]
        if name == "tiling":
            assert mix(new).classes["load"] < 0.8 * mix(old).classes["load"]
        if name == "in_place":
            assert new.sram_bytes <= old.sram_bytes
            assert new.instructions == pytest.approx(old.instructions, rel=0.02)
        if name == "simd":
            assert mix(new).classes["multiply"] < 0.8 * mix(old).classes["multiply"]
        if name == story.COURSE:
            assert new.instructions < old.instructions
            assert new.sram_bytes <= old.sram_bytes


@pytest.mark.slow
def test_the_interpreters_operators_are_its_kernels(told: dict[str, story.StepResult]) -> None:
    start, generated = told[story.START].execution, told["codegen"].execution
    assert [*start.operators][:2] == ["story_conv_node", "story_depthwise_node"]
    assert start.operators["story_conv_node"] > start.operators["story_depthwise_node"] > 0
    assert len(generated.operators) > len(start.operators)


@pytest.mark.parametrize("core", ["stm32f746", "nrf52840"])
def test_one_set_on_a_board_of_ones_own(core: str) -> None:
    machine = story.build(GRAPH, {"simd", "im2col", "fusion"}, board(core))
    np.testing.assert_array_equal(machine.run(IMAGE).output, reference.run(GRAPH, IMAGE))
    result = story.measure(GRAPH, IMAGE, {"simd", "im2col", "fusion"}, board(core))
    assert result.name == "simd"
    assert result.steps == ("fusion", "im2col", "simd")
    assert result.cycles.core == board(core).core


def test_weights_for_sxtb16() -> None:
    """A word's bytes 0 and 2 are the first two weights, 1 and 3 the other two; the rest stays."""
    rows = np.arange(22, dtype=np.int8).reshape(2, 11)
    ordered = four_for_sxtb16(rows)
    for before, after in zip(rows, ordered, strict=True):
        for four in (0, 4):
            word = after[four : four + 4]
            np.testing.assert_array_equal([word[0], word[2], word[1], word[3]], before[four:][:4])
        np.testing.assert_array_equal(after[8:], before[8:])
    few = rows[:, :3]
    np.testing.assert_array_equal(four_for_sxtb16(few), few)


def test_wrong_bytes_are_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    right = reference.run(GRAPH, IMAGE)
    monkeypatch.setattr(telling.reference, "run", lambda *_: right ^ 1)
    with pytest.raises(FirmwareError, match="code generation gives other bytes"):
        story.measure(GRAPH, IMAGE, {"codegen"})


def test_what_a_reshape_shares_is_not_written_over() -> None:
    """A map is reshaped for a depthwise convolution and still needed in its first shape."""
    builder, same = GraphBuilder("shared"), Quantization.per_tensor(0.1, 0)
    source = builder.input((1, 4, 4, 2), same)
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.int32)
    point, window = np.full((2, 1, 1, 2), 3, np.int8), np.full((1, 3, 3, 2), -5, np.int8)
    wide = Quantization.per_tensor(2.0, 3)
    kept = builder.weighted(Conv2D, "kept", source, point, ones, zeros, wide)
    other = builder.apply(Reshape, "reshape", [kept], shape=(1, 2, 8, 2))
    deep = builder.weighted(
        DepthwiseConv2D, "deep", other, window, ones, zeros, wide, padding=((1, 1), (1, 1))
    )
    back = builder.apply(Reshape, "back", [deep], shape=(1, 4, 4, 2))
    graph = builder.finish(builder.apply(Add, "sum", [kept, back], wide))
    image = random_image(graph, np.random.default_rng(0))
    expected = reference.run(graph, image)
    assert len(np.unique(expected)) > 5
    output = story.build(graph, story.up_to("in_place")).run(image).output
    np.testing.assert_array_equal(output, expected)


@pytest.mark.parametrize("steps", [{"codegen", "fusion", "in_place"}, {"codegen", "simd"}])
def test_what_is_refused_would_be_wrong(steps: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs over windows that are still read; weights in an order that nobody expects."""
    module = importlib.import_module("tinyml_course.firmware.story.program")
    monkeypatch.setattr(module, "checked", frozenset)
    output = NetworkMachine(BOARD, module.program(GRAPH, steps)).run(IMAGE).output
    assert not np.array_equal(output, reference.run(GRAPH, IMAGE))


def test_orders_that_cannot_be() -> None:
    with pytest.raises(FirmwareError, match="'tiling' needs 'im2col'"):
        story.tell(GRAPH, IMAGE, order=("codegen", "tiling", "im2col"))


def test_what_is_not_in_the_story() -> None:
    builder = GraphBuilder("gated")
    source = builder.input((1, 4, 4, 3), Quantization.per_tensor(0.1, 0))
    gate = builder.constant("gate", np.ones((1, 1, 1, 3), np.int8), Quantization.per_tensor(0.1, 0))
    builder.apply(Mul, "mul", [source, gate], Quantization.per_tensor(0.1, 0))
    with pytest.raises(FirmwareError, match="mul: MUL with a constant"):
        story.program(builder.finish("mul"))
    twice = GraphBuilder("twice")
    source = twice.input((1, 4, 4, 2), Quantization.per_tensor(0.1, 0))
    weight = np.ones((1, 3, 3, 4), np.int8)
    twice.weighted(
        DepthwiseConv2D, "wide", source, weight, np.ones(4, np.float32),
        np.zeros(4, np.int32), Quantization.per_tensor(10.0, 0), padding=((1, 1), (1, 1)),
    )  # fmt: skip
    with pytest.raises(FirmwareError, match=r"wide: .* 2 outputs per channel and a 3x3 window"):
        story.program(twice.finish("wide"))


def test_a_board_too_small_for_the_beginning() -> None:
    with pytest.raises(ImageTooLargeError):
        story.build(random_graph(definition("vww0@64")), (), board("nrf52840"))
