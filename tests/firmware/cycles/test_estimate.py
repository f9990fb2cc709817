"""Cycles of a mix: by Arm's table worked out by hand, bounded, and adding up."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from tinyml_course.errors import FirmwareError, UnknownNameError
from tinyml_course.firmware import Execution, Machine, build, estimate_cycles
from tinyml_course.firmware.cycles import CLASSES, ELSEWHERE, InstructionMix
from tinyml_course.firmware.cycles.costs import by_class, m4, m7
from tinyml_course.mcu import board
from tinyml_course.mcu.boards import CORES
from tinyml_course.mcu.latency import M4_CYCLES_PER_M7_CYCLE

counts = st.integers(0, 10**6)


@st.composite
def mixes(draw: st.DrawFn) -> InstructionMix:
    classes = {name: draw(counts) for name in CLASSES}
    several = classes["load_multiple"], classes["store_multiple"]
    words = [draw(st.integers(count, 16 * count)) for count in several]
    overlapped = draw(st.integers(0, classes["load"]))
    return InstructionMix(classes, *words, overlapped, draw(st.integers(0, classes["branch"])))


def mix_of(**counts: int) -> InstructionMix:
    keys = ("loaded_words", "stored_words", "overlapped_loads", "jumps")
    others = {key: counts.pop(key, 0) for key in keys}
    return InstructionMix({name: counts.get(name, 0) for name in CLASSES}, **others)


def run_of(**of_operators: InstructionMix) -> Execution:
    instructions = {name: mix.instructions for name, mix in of_operators.items()}
    total = sum(instructions.values())
    return Execution(0, 0, 0, 0, 0, total, {}, instructions, of_operators)


# Cycles of Arm's table: least, taken for the estimate, most.
@pytest.mark.parametrize(
    ("mix", "expected"),
    [
        (mix_of(alu=10), (10, 10, 10)),
        (mix_of(multiply=10), (10, 10, 10)),
        (mix_of(divide=10), (20, 70, 120)),  # 2 to 12
        (mix_of(load=10), (20, 20, 20)),  # LDR 2
        (mix_of(load=10, overlapped_loads=9), (11, 11, 20)),  # N + 1
        (mix_of(store=10), (10, 10, 20)),
        (mix_of(load_multiple=10, loaded_words=30), (40, 40, 40)),  # 1 + N
        (mix_of(store_multiple=10, stored_words=20), (30, 30, 30)),
        (mix_of(branch=10), (10, 10, 10)),  # not taken
        (mix_of(branch=10, jumps=10), (20, 30, 40)),  # 1 + P
        (mix_of(float=10), (10, 10, 10)),
        (mix_of(float_multiply_add=10), (30, 30, 30)),
        (mix_of(float_divide=10), (140, 140, 140)),
    ],
)
def test_arms_table(mix: InstructionMix, expected: tuple[int, int, int]) -> None:
    cycles = m4(mix)
    assert (cycles.low, cycles.cycles, cycles.high) == expected


@given(mixes())
def test_bounds_hold(mix: InstructionMix) -> None:
    for model in (m4, m7):
        cycles = model(mix)
        assert cycles.low <= cycles.cycles <= cycles.high
    assert m7(mix).low >= mix.instructions / 2
    assert m7(mix).low >= mix.classes["multiply"]
    assert m4(mix).low >= mix.instructions
    assert sum(by_class(mix).values()) == m4(mix).cycles


@given(mixes(), mixes())
def test_the_cortex_m4_adds_up(first: InstructionMix, second: InstructionMix) -> None:
    assert m4(first + second).cycles == m4(first).cycles + m4(second).cycles
    assert m4(first + second).high == m4(first).high + m4(second).high


@given(mixes())
def test_the_cortex_m7_is_the_measured_ratio_or_its_bound(mix: InstructionMix) -> None:
    fast, slow = m7(mix), m4(mix)
    ratio = slow.cycles / M4_CYCLES_PER_M7_CYCLE
    assert fast.cycles == (ratio if ratio >= fast.low else fast.low)


@given(mixes(), mixes(), st.sampled_from(CORES))
def test_estimates_add_up(first: InstructionMix, second: InstructionMix, core: str) -> None:
    run = run_of(conv=first, **{ELSEWHERE: second})
    estimate = estimate_cycles(run, core)  # type: ignore[arg-type]
    assert sum(estimate.by_operator.values()) == estimate.cycles
    assert [*estimate.by_operator] == ["conv", ELSEWHERE]
    assert [*estimate.by_class] == [*CLASSES]
    assert abs(sum(estimate.by_class.values()) - estimate.cycles) <= 1
    model = m4 if core == "cortex-m4" else m7
    assert abs(estimate.by_operator["conv"] - model(first).cycles) <= 1
    assert estimate.low <= estimate.cycles + 1
    assert estimate.cycles <= estimate.high + 1


def test_milliseconds_are_cycles_over_the_clock() -> None:
    estimate = estimate_cycles(run_of(conv=mix_of(alu=64_000)), "cortex-m4")
    assert estimate.milliseconds(board("nrf52840")) == pytest.approx(1.0)
    slower = dataclasses.replace(board("nrf52840"), clock_hz=32_000_000)
    assert estimate.milliseconds(slower) == pytest.approx(2.0)
    with pytest.raises(FirmwareError, match=r"cortex-m4.*stm32f746 has a cortex-m7"):
        estimate.milliseconds(board("stm32f746"))


def test_unknown_cores_are_an_error() -> None:
    with pytest.raises(UnknownNameError, match="cortex-m0"):
        estimate_cycles(run_of(conv=mix_of(alu=1)), "cortex-m0")  # type: ignore[arg-type]


def test_an_execution_of_nothing() -> None:
    estimate = estimate_cycles(run_of(), "cortex-m7")
    assert (estimate.cycles, estimate.low, estimate.high) == (0, 0, 0)


def test_a_loop_that_ran() -> None:
    """``n`` rounds of SUBS and BNE, then BX: ``n + n + 1`` and a refill each time it jumps."""
    text = '__attribute__((naked)) int spin(int n) { __asm("1: subs r0, #1\\nbne 1b\\nbx lr"); }'
    core = board("stm32f412")
    run = Machine(core, build(core, {"spin.c": text}, keep=["spin"])).call("spin", 50)
    estimate = estimate_cycles(run, "cortex-m4")
    assert estimate.cycles == 50 + 50 + 1 + 2 * (49 + 1)
    assert (estimate.low, estimate.high) == (101 + 50, 101 + 150)
    assert estimate.by_class == {**dict.fromkeys(CLASSES, 0), "alu": 50, "branch": 151}
