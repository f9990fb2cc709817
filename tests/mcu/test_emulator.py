"""The emulated board: right answers, measured peaks, and a named fault for every broken plan."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import int8_graphs, random_image

from tinyml_course.errors import GraphError
from tinyml_course.graph import Graph, GraphBuilder, Lifetime, Quantization, dequantize
from tinyml_course.graph.operators import Add, Conv2D, DepthwiseConv2D
from tinyml_course.mcu import (
    POLICIES,
    Board,
    Emulator,
    EmulatorFault,
    Plan,
    board,
    faults,
    plan,
    reference,
)
from tinyml_course.models import definition, definitions, random_graph

Q = Quantization.per_tensor(0.1, 3)
policies = pytest.mark.parametrize("policy", POLICIES)


def board_with(sram_bytes: int, flash_bytes: int = 1 << 24) -> Board:
    return Board("mine", sram_bytes, flash_bytes, "cortex-m4", 1)


def weighted(b: GraphBuilder, kind: type, name: str, source: str, c_out: int, kernel: int) -> str:
    rng = np.random.default_rng(len(b.operators))
    c_in = b.tensors[source].shape[3]
    shape = (1, kernel, kernel, c_in) if kind is DepthwiseConv2D else (c_out, kernel, kernel, c_in)
    weight = rng.integers(-127, 128, shape).astype(np.int8)
    channels = shape[3] if kind is DepthwiseConv2D else c_out
    scale, bias = np.full(channels, 0.002, np.float32), np.zeros(channels, np.int32)
    pad = (kernel // 2, kernel // 2)
    return b.weighted(kind, name, source, weight, scale, bias, Q, padding=(pad, pad))


def small_graph() -> Graph:
    """Input (64 B) - a (128 B) - d, depthwise (128 B) - b (128 B) - sum of a and b (128 B)."""
    net = GraphBuilder("small")
    x = net.input((1, 4, 4, 4), Q)
    a = weighted(net, Conv2D, "a", x, 8, 3)
    d = weighted(net, DepthwiseConv2D, "d", a, 8, 3)
    b = weighted(net, Conv2D, "b", d, 8, 1)
    return net.finish(net.apply(Add, "sum", [a, b], Q))


GRAPH = small_graph()
IMAGE = random_image(GRAPH, np.random.default_rng(0))
STEPS = {operator.name: step for step, operator in enumerate(GRAPH.operators)}


def changed(planned: Plan, name: str, role: str = "activation", **changes: Any) -> Plan:
    """The plan with one buffer changed."""
    buffers = [
        dataclasses.replace(b, **changes) if (b.name, b.role) == (name, role) else b
        for b in planned.buffers
    ]
    assert buffers != list(planned.buffers)
    return Plan(planned.graph, "broken", buffers)


def without_scratch(planned: Plan, operator: str) -> Plan:
    buffers = [b for b in planned.buffers if b.role == "activation" or b.name != operator]
    return Plan(planned.graph, "broken", buffers)


def spread(graph: Graph = GRAPH, scratch_bytes: int = 512) -> Plan:
    """Every tensor and scratch in a place of its own: nothing to break but what is changed."""
    planned = plan(graph, policy="per_layer")
    buffers, offset = [], 0
    for buffer in planned.buffers:
        buffers.append(dataclasses.replace(buffer, offset=offset))
        offset = buffers[-1].end
    for step, operator in enumerate(graph.operators):
        buffer = dataclasses.replace(
            buffers[0],
            name=operator.name,
            role="scratch",
            offset=offset,
            size_bytes=scratch_bytes,
            lifetime=Lifetime(step, step),
        )
        buffers.append(buffer)
        offset = buffer.end
    return Plan(graph, "spread", buffers)


# --- lawful plans ---------------------------------------------------------------------------


@policies
@settings(max_examples=40)
@given(int8_graphs())
def test_random_graphs_run_in_exactly_the_planned_arena(
    policy: str, case: tuple[Graph, np.ndarray]
) -> None:
    graph, image = case
    planned = plan(graph, policy=policy)
    run = Emulator(graph, planned).run(image)
    expected = reference.run(graph, image)
    assert np.array_equal(run.output, expected)
    assert np.array_equal(run.values, dequantize(expected, graph.output.quantization))
    assert run.peak_bytes == planned.peak_bytes
    with pytest.raises(faults.SramOverflow):
        Emulator(graph, planned, board_with(planned.peak_bytes - 1)).run(image)


def check_network(name: str, policy: str) -> None:
    graph = random_graph(definition(name))
    planned = plan(graph, policy=policy)
    image = random_image(graph, np.random.default_rng(0))
    run = Emulator(graph, planned, board_with(planned.peak_bytes)).run(image)
    assert np.array_equal(run.output, reference.run(graph, image))
    assert run.peak_bytes == planned.peak_bytes
    with pytest.raises(faults.SramOverflow) as caught:
        Emulator(graph, planned, board_with(planned.peak_bytes - 1)).run(image)
    last = max(planned.buffers, key=lambda b: b.end)
    assert "ends 1 B behind" in str(caught.value)
    assert caught.value.address == 0x2000_0000 + last.offset


@policies
@pytest.mark.parametrize("name", definitions())
def test_networks_peak_where_the_plan_says_to_the_byte(name: str, policy: str) -> None:
    check_network(name, policy)


@policies
@settings(max_examples=25)
@given(int8_graphs())
def test_the_trace_measures_what_the_plan_promises(
    policy: str, case: tuple[Graph, np.ndarray]
) -> None:
    graph, image = case
    planned = plan(graph, policy=policy)
    run = Emulator(graph, planned).run(image)
    graph = planned.graph  # the planner may have rewritten it
    assert [r.operator for r in run.trace] == [o.name for o in graph.operators]
    assert [r.index for r in run.trace] == list(range(len(graph.operators)))
    marks = [r.high_water_bytes for r in run.trace]
    assert marks == sorted(marks)
    assert marks[-1] == run.peak_bytes
    for record, step, operator in zip(run.trace, planned.timeline, graph.operators, strict=True):
        assert record.live_bytes == step.live_bytes, operator.name
        read = sum(t.size_bytes for t in graph.activations_of(operator))
        assert record.read_bytes == read
        scratch = sum(b.size_bytes for b in planned.scratch(operator.name))
        assert record.written_bytes == graph.output_of(operator).size_bytes + scratch


def test_the_spread_plan_is_lawful() -> None:
    assert np.array_equal(Emulator(GRAPH, spread()).run(IMAGE).output, reference.run(GRAPH, IMAGE))


def test_float_images_are_quantized_and_an_image_needs_no_batch_axis() -> None:
    emulator = Emulator(GRAPH, spread())
    expected = emulator.run(IMAGE).output
    assert np.array_equal(emulator.run(IMAGE[0]).output, expected)
    assert np.array_equal(emulator.run(dequantize(IMAGE, Q)).output, expected)


def test_the_output_is_a_copy() -> None:
    emulator = Emulator(GRAPH, spread())
    first = emulator.run(IMAGE).output
    kept = first.copy()
    emulator.run(~IMAGE)
    assert np.array_equal(first, kept)


def test_weights_are_read_from_the_flash_image() -> None:
    planned = spread()
    emulator = Emulator(GRAPH, planned)
    with pytest.raises(ValueError, match="read-only"):
        emulator.flash[0] = 0
    emulator.flash.setflags(write=True)
    segment = planned.flash.of("b")["weight"]
    emulator.flash[segment.offset : segment.offset + segment.size_bytes] = 7
    constants = emulator._constants(GRAPH.operators[STEPS["b"]])
    assert (constants["weight"] == 7).all()
    assert constants["weight"].shape == segment.data.shape
    assert np.array_equal(constants["bias"], planned.flash.of("b")["bias"].data)


# --- broken plans ---------------------------------------------------------------------------

IN_PLACE = plan(GRAPH, policy="tinyengine")


def place(planned: Plan, name: str) -> int:
    return planned.activation(name).offset


# How the plan is broken, which fault it must be, in which operator, and what the message says.
BROKEN: dict[str, tuple[Callable[[], Plan], type[EmulatorFault], str, str]] = {
    "an output over a tensor that is still needed": (
        lambda: changed(spread(), "b", offset=place(spread(), "a")),
        faults.ClobberedRead,
        "sum",
        "reads a, overwritten by b",
    ),
    "one byte of overlap is enough": (
        lambda: changed(spread(), "b", offset=place(spread(), "a") + 127),
        faults.ClobberedRead,
        "sum",
        "reads a, overwritten by b",
    ),
    "scratch over the operator's own input": (
        lambda: changed(spread(), "d", "scratch", offset=place(spread(), "a") + 100),
        faults.ClobberedRead,
        "d",
        "reads a, overwritten by the scratch of d",
    ),
    "scratch over a tensor that waits": (
        lambda: changed(spread(), "b", "scratch", offset=place(spread(), "a"), size_bytes=16),
        faults.ClobberedRead,
        "sum",
        "reads a, overwritten by the scratch of b",
    ),
    "a passing tensor over one that waits": (
        # c is gone again when a is read: still an overwritten a, not one that was given up.
        lambda: changed(spread(waiting()), "c", offset=place(spread(waiting()), "a") + 3),
        faults.ClobberedRead,
        "sum",
        "reads a, overwritten by c",
    ),
    "scratch over the operator's own output": (
        lambda: changed(spread(), "b", "scratch", offset=place(spread(), "b") + 5),
        faults.UnsafeOverlap,
        "b",
        "its own scratch",
    ),
    "a lifetime that ends too early": (
        lambda: changed(spread(), "a", lifetime=Lifetime(0, 2)),
        faults.UseAfterFree,
        "sum",
        "reads a, no longer held",
    ),
    "an input given up before it is read": (
        lambda: changed(spread(), "d", lifetime=Lifetime(1, 1)),
        faults.UseAfterFree,
        "b",
        "reads d, no longer held",
    ),
    "a 3x3 convolution in place": (
        lambda: changed(spread(), "a", offset=place(spread(), "input")),
        faults.UnsafeOverlap,
        "a",
        "would overwrite input while reading it",
    ),
    "a depthwise convolution one byte beside its place": (
        lambda: changed(spread(), "d", offset=place(spread(), "a") + 1),
        faults.UnsafeOverlap,
        "d",
        "would overwrite a while reading it",
    ),
    "an addition above its place": (
        lambda: changed(spread(), "sum", offset=place(spread(), "b") + 1),
        faults.UnsafeOverlap,
        "sum",
        "would overwrite b while reading it",
    ),
    "a depthwise convolution in place with too small a ring": (
        # Three rows of four pixels, one channel.
        lambda: changed(
            changed(spread(two_steps()), "d", offset=place(spread(two_steps()), "a")),
            "d",
            "scratch",
            size_bytes=3 * 4 - 1,
        ),
        faults.ScratchTooSmall,
        "d",
        "11 B of scratch, needs 12 B",
    ),
    "a 1x1 convolution in place without room for a pixel": (
        lambda: without_scratch(changed(spread(), "b", offset=place(spread(), "d")), "b"),
        faults.ScratchTooSmall,
        "b",
        "0 B of scratch, needs 8 B",
    ),
    "a buffer before the start of SRAM": (
        lambda: changed(spread(), "b", offset=-1),
        faults.SramOverflow,
        "b",
        "b starts 1 B before SRAM",
    ),
}


def two_steps() -> Graph:
    """A depthwise convolution whose input nobody reads afterwards."""
    net = GraphBuilder("two")
    a = weighted(net, Conv2D, "a", net.input((1, 4, 4, 4), Q), 8, 3)
    return net.finish(weighted(net, DepthwiseConv2D, "d", a, 8, 3))


def waiting() -> Graph:
    """Three convolutions between ``a`` and the sum that reads it."""
    net = GraphBuilder("waiting")
    a = weighted(net, Conv2D, "a", net.input((1, 4, 4, 4), Q), 8, 3)
    b = weighted(net, Conv2D, "b", a, 8, 1)
    c = weighted(net, Conv2D, "c", b, 8, 1)
    e = weighted(net, Conv2D, "e", c, 8, 1)
    return net.finish(net.apply(Add, "sum", [a, e], Q))


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plan_is_a_named_fault(how: str) -> None:
    make, fault, operator, message = BROKEN[how]
    planned = make()
    emulator = Emulator(planned.graph, planned)
    with pytest.raises(EmulatorFault) as caught:
        emulator.run(IMAGE)
    error = caught.value
    assert type(error) is fault, error
    assert error.operator == operator
    names = [o.name for o in planned.graph.operators]
    assert error.step == names.index(operator)
    assert message in str(error)
    assert f"{operator} (step {error.step}), address 0x{error.address:08x}" in str(error)
    assert 0x2000_0000 <= error.address < 0x2000_0000 + emulator.sram_bytes


def test_in_place_is_lawful_with_just_enough_scratch() -> None:
    graph = two_steps()
    planned = changed(spread(graph), "d", offset=place(spread(graph), "a"))
    planned = changed(planned, "d", "scratch", size_bytes=3 * 4)
    assert np.array_equal(Emulator(graph, planned).run(IMAGE).output, reference.run(graph, IMAGE))
    planned = changed(spread(), "b", offset=place(spread(), "d"))
    planned = changed(planned, "b", "scratch", size_bytes=8)
    assert np.array_equal(Emulator(GRAPH, planned).run(IMAGE).output, reference.run(GRAPH, IMAGE))


def test_the_first_wrong_byte_is_named() -> None:
    planned = changed(spread(), "b", offset=place(spread(), "a") + 127)
    with pytest.raises(faults.ClobberedRead) as caught:
        Emulator(GRAPH, planned).run(IMAGE)
    assert caught.value.address == 0x2000_0000 + place(spread(), "a") + 127


def test_a_read_of_what_nobody_wrote() -> None:
    """No plan can cause it, because every operator writes its output; a lazy kernel could."""
    emulator = Emulator(GRAPH, spread())
    with pytest.raises(faults.UninitialisedRead, match=r"d \(step 1\).*reads a, where nothing"):
        emulator._read("a", GRAPH.operators[1], 1)


@settings(max_examples=300)
@given(st.data())
def test_a_shuffled_plan_is_right_or_a_fault_but_never_silently_wrong(data: st.DataObject) -> None:
    planned = spread(scratch_bytes=64)
    buffers = []
    for buffer in planned.buffers:
        if data.draw(st.integers(0, 2)) == 0:
            buffer = dataclasses.replace(buffer, offset=data.draw(st.integers(0, 700)))
        buffers.append(buffer)
    emulator = Emulator(GRAPH, Plan(GRAPH, "shuffled", buffers))
    try:
        output = emulator.run(IMAGE).output
    except EmulatorFault:
        return
    assert np.array_equal(output, reference.run(GRAPH, IMAGE))


# --- the board ------------------------------------------------------------------------------


def test_a_program_may_write_to_sram_but_not_to_flash() -> None:
    emulator = Emulator(GRAPH, spread(), board("stm32f746"))
    with pytest.raises(faults.WriteToFlash, match="address 0x08000004: flash can only be read"):
        emulator.store(0x0800_0004, b"\1")
    for address in (0x2000_0000 - 1, 0x2000_0000 + 320 * 1024 - 1, 0x4000_0000):
        with pytest.raises(faults.SramOverflow):
            emulator.store(address, b"\1\2")
    emulator.store(0x2000_0000 + 320 * 1024 - 2, b"\1\2")
    assert emulator.high_water_bytes == 320 * 1024
    assert emulator.sram[-2:].tolist() == [1, 2]
    a = place(spread(), "a")
    emulator.run(IMAGE)
    emulator.store(0x2000_0000 + a + 9, b"\1")
    with pytest.raises(faults.ClobberedRead, match="reads a, overwritten by a store"):
        emulator._read("a", GRAPH.operators[3], 3)


def test_a_run_starts_from_clean_memory() -> None:
    emulator = Emulator(GRAPH, spread(), board("stm32f746"))
    emulator.store(0x2000_0000, bytes(range(200)))
    run = emulator.run(IMAGE)
    assert np.array_equal(run.output, reference.run(GRAPH, IMAGE))
    assert run.peak_bytes == spread().peak_bytes


def test_constants_must_fit_into_flash() -> None:
    planned = spread()
    Emulator(GRAPH, planned, board_with(10_000, planned.constants_bytes))
    with pytest.raises(faults.FlashOverflow, match="constants exceed flash by 1 B"):
        Emulator(GRAPH, planned, board_with(10_000, planned.constants_bytes - 1))


def test_addresses_are_those_of_the_board() -> None:
    other = dataclasses.replace(board_with(10), sram_base=0x1000_0000)
    with pytest.raises(faults.SramOverflow, match="address 0x1000"):
        Emulator(GRAPH, spread(), other).run(IMAGE)


def test_a_plan_of_another_graph_is_refused() -> None:
    with pytest.raises(GraphError, match="the plan was made for small; plan two itself"):
        Emulator(two_steps(), spread())


def test_every_fault_is_an_emulator_fault() -> None:
    named = [
        v for v in vars(faults).values() if isinstance(v, type) and v.__module__ == faults.__name__
    ]
    assert len(named) == 9
    for cls in named:
        assert issubclass(cls, EmulatorFault)
        error = cls("conv3", 7, 0x2000_0010, "why")
        assert str(error) == "conv3 (step 7), address 0x20000010: why"
