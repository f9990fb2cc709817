"""The emulated core: exact counts, memory as the board has it, a name for whatever goes wrong."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from tinyml_course.errors import FirmwareError, ToolchainError, UnknownNameError
from tinyml_course.firmware import Execution, Image, Machine, build, faults
from tinyml_course.firmware.counting import NativeCounter, PythonCounter
from tinyml_course.mcu import board

BOARD = board("stm32f746")
SRAM, SRAM_END = BOARD.sram_base, BOARD.sram_base + BOARD.sram_bytes
STACK_BYTES = 4096

# Written in assembler where a test knows the number of instructions or the bytes of stack.
PROGRAM = r"""
#include <stdint.h>
#include <string.h>
#include "tinyml_memory.h"
#define NAKED __attribute__((naked))
#define ASM __asm volatile

TINYML_ARENA uint8_t arena[1000];
int32_t given = 7;
int32_t results[4];
uint8_t output[16];
const int32_t table[4] = {1, 2, 3, 4};

/* 1 + 3n + 2 instructions */
NAKED int sum_down(int n) {
    ASM("movs r1, #0\n1: adds r1, r1, r0\n subs r0, #1\n bne 1b\n mov r0, r1\n bx lr");
}
/* 5 instructions, two of them conditional, whatever x is */
NAKED int sign(int x) {
    ASM("cmp r0, #0\n ite lt\n movlt r0, #1\n movge r0, #0\n bx lr");
}
/* a loop that leads back to the first instruction: 2n + 1 instructions */
NAKED int at_entry(int n) { ASM("subs r0, #1\n bne at_entry\n bx lr"); }

int skips(int n);
TINYML_OPERATOR int inner(int n) { return sum_down(n) + 1; }
TINYML_OPERATOR int outer(int n) { int a = inner(n); return a + sum_down(n) + inner(1); }
TINYML_OPERATOR int tail(int n) { return inner(n); }
/* jumps to an operator, and so returns with it */
NAKED int jumps(int n) { ASM("b inner"); }
/* loops back to its first instruction, then calls an operator: 2n + 4 instructions */
NAKED int loops_then_calls(int n) {
    ASM("subs r0, #1\n bne loops_then_calls\n push {r4, lr}\n movs r0, #9\n bl inner\n"
        "pop {r4, pc}");
}
TINYML_OPERATOR int mutual(int n) { return skips(n - 1) + sum_down(10); }
/* goes on at the return address of its call without having made it: 6 instructions, or 5 */
NAKED int skips(int n) {
    ASM("push {r4, lr}\n movs r4, r0\n beq 1f\n bl mutual\n 1: mov r0, r4\n pop {r4, pc}");
}
int afterwards(int n) { int a = jumps(n); return a + sum_down(20); }

TINYML_OPERATOR int recursive(int n) { return n ? n + recursive(n - 1) + sign(n) : 0; }
int network(int n) { int a = outer(n); a += tail(n); a += recursive(n); return a + at_entry(n); }

float scale(float x) { return x * 1.5f + 2.0f; }
int messy(int n) {
    uint8_t buffer[100];
    int total = 0;
    for (int i = 0; i < n; i++) {
        memset(buffer, i, sizeof buffer);
        memcpy(arena, buffer, (unsigned)i % sizeof buffer);
        total += i % 3 == 0 ? buffer[i % 100] : (int)scale((float)(total % 100));
        if (total & 1) total += sign(total - 5000) + results[i % 4]++;
        total ^= (int)((int64_t)total * 0x12345678 >> 17);
    }
    return total;
}

/* Stack of 40 B, the lowest word written; then 4 B of them at the very bottom. */
NAKED void takes_40(void) { ASM("sub sp, #40\n movs r0, #0\n str r0, [sp]\n add sp, #40\n bx lr"); }
NAKED void reserves_40(void) { ASM("sub sp, #40\n str r0, [sp, #36]\n add sp, #40\n bx lr"); }
void fill_arena(int n) { memset(arena, 1, n); }

int sum_of_six(int a, int b, int c, int d, int e, int f) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}
NAKED int leftovers(void) {
    ASM("orr r0, r1\n orr r0, r2\n orr r0, r3\n orr r0, r12\n vmov r1, s0\n orr r0, r1\n"
        "mov r1, #9\n mov r12, #9\n vmov s0, r1\n bx lr");
}
int negative(void) { return -5; }
int control(uint32_t offset) { return *(volatile int *)(0xE000E000u + offset); }

TINYML_OPERATOR int load(const volatile int *from) { return *from; }
TINYML_OPERATOR void store(volatile int *to) { *to = 1; }
TINYML_OPERATOR void late_store(volatile int *to, volatile int *fine) {
    for (int i = 0; i < 10; i++) fine[i] = i;
    *to = 1;
    fine[0] = 3;
}
TINYML_OPERATOR void jump(void (*where)(void)) { where(); ASM(""); }
TINYML_OPERATOR void undefined(void) { ASM("udf #7"); }
TINYML_OPERATOR void supervisor(void) { ASM("svc #1"); }
TINYML_OPERATOR void waits(void) { ASM("wfi"); }
TINYML_OPERATOR void yields(void) { ASM("yield"); }
TINYML_OPERATOR void breakpoint(void) { ASM("bkpt #0"); }
TINYML_OPERATOR void double_precision(void) { ASM(".inst.w 0xee300b41"); }
TINYML_OPERATOR int forever(void) { for (;;) ASM(""); }
TINYML_OPERATOR int deep(int n) {
    volatile int frame[16];
    frame[n & 15] = n;
    return n ? deep(n - 1) + frame[n & 15] : 0;
}
NAKED TINYML_OPERATOR void pushes(void) { ASM("push {r4-r7, lr}\n bl pushes"); }
TINYML_OPERATOR int wide(int n) { volatile char big[20000]; big[n] = 1; return big[19999 - n]; }
void helper(volatile int *to) { *to = 1; }
TINYML_OPERATOR void calls(volatile int *to) { helper(to); ASM(""); }

int copies_unwritten(void) { output[0] = arena[500]; return 0; }
int branches_on_unwritten(int n) { return arena[500] & 1 ? sum_down(n) : 0; }
void writes(int value) { arena[999] = (uint8_t)value; }

int main(void) { results[0] += given; arena[99] = 1; return results[0] * 6 - 50 * results[1]; }
"""
OPERATORS = ["inner", "outer", "tail", "recursive"]
FAULTY = [
    "load", "store", "late_store", "jump", "undefined", "supervisor", "waits", "yields",
    "breakpoint", "double_precision", "forever", "deep", "pushes", "wide", "calls",
]  # fmt: skip
KEPT = [
    *OPERATORS, *FAULTY, "network", "afterwards", "loops_then_calls", "skips", "sum_down", "sign",
    "at_entry", "messy", "takes_40", "reserves_40", "fill_arena", "sum_of_six", "leftovers",
    "negative", "control", "table", "copies_unwritten", "branches_on_unwritten", "writes",
]  # fmt: skip


@pytest.fixture(scope="module")
def image() -> Image:
    # Bodies that a call could be replaced by stay calls.
    flags = ["-fno-inline", "-fno-optimize-sibling-calls"]
    return build(BOARD, {"program.c": PROGRAM}, keep=KEPT, stack_bytes=STACK_BYTES, flags=flags)


@pytest.fixture(params=["C", "Python"])
def machine(image: Image, request: pytest.FixtureRequest) -> Machine:
    return Machine(BOARD, image, OPERATORS, native=request.param == "C")


# ---- counting


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_a_loop_takes_the_instructions_that_it_has(machine: Machine, n: int) -> None:
    run = machine.call("sum_down", n)
    assert run.result == n * (n + 1) // 2
    assert run.instructions == 1 + 3 * n + 2
    assert run.functions == {"sum_down": run.instructions}


@pytest.mark.parametrize("x", [-3, 0, 3])
def test_a_conditional_instruction_counts_whether_it_takes_effect_or_not(
    machine: Machine, x: int
) -> None:
    run = machine.call("sign", x)
    assert (run.result, run.instructions) == (int(x < 0), 5)


@pytest.mark.parametrize("n", [0, 1, 37, 300])
def test_blocks_count_what_single_steps_count(machine: Machine, n: int) -> None:
    """The same program with a hook on every instruction, by which the emulator counts itself.

    It calls for conditional instructions only if they take effect, so an IT block is taken whole.
    """
    import unicorn

    whole = machine.call("messy", n)
    steps: dict[str | None, int] = {}
    base, code = machine.image.code
    in_block = range(0)

    def step(_core: object, address: int, _size: int, _data: object) -> None:
        nonlocal in_block
        if address in in_block:
            return
        first, second = code[address - base : address - base + 2]
        in_block = range(0)
        conditional = 0
        if second == 0xBF and first & 15:
            conditional = 4 - [bool(first & 1 << bit) for bit in range(4)].index(True)
            end = address + 2
            for _ in range(conditional):
                end += 4 if code[end - base + 1] >> 3 >= 0b11101 else 2
            in_block = range(address + 2, end)
        name = machine.image.function_at(address)
        steps[name] = steps.get(name, 0) + 1 + conditional

    stepped = Machine(BOARD, machine.image, OPERATORS)
    stepped._core.hook_add(unicorn.UC_HOOK_CODE, step)
    assert stepped.call("messy", n) == whole
    assert whole.functions == steps
    assert whole.instructions == sum(steps.values())


def test_c_and_python_count_alike(image: Image) -> None:
    native, slow = (Machine(BOARD, image, OPERATORS, native=n) for n in (True, False))
    assert isinstance(native._counter, NativeCounter)
    assert isinstance(slow._counter, PythonCounter)
    for call in (("messy", 50), ("network", 9), ("sign", 3)):
        assert native.call(*call) == slow.call(*call)
    assert native.run() == slow.run()


def test_python_counts_where_c_cannot(monkeypatch: pytest.MonkeyPatch, image: Image) -> None:
    def cannot(*_: object) -> None:
        raise ToolchainError("no compiler for this machine")

    monkeypatch.setattr("tinyml_course.firmware.native_hook.build_host_library", cannot)
    assert isinstance(Machine(BOARD, image)._counter, PythonCounter)
    with pytest.raises(ToolchainError, match="no compiler"):
        Machine(BOARD, image, native=True)


def test_operators_count_with_what_they_call(machine: Machine) -> None:
    """Nested operators each count their own; recursion counts once; the rest belongs to nobody."""
    n = 5
    alone = {
        name: Machine(BOARD, machine.image, []).call(name, n).instructions
        for name in ("inner", "outer", "tail", "recursive")
    }
    inner_of_1 = machine.call("inner", 1).instructions
    run = machine.call("network", n)
    assert list(run.operators) == OPERATORS
    assert run.operators == {
        "inner": 2 * alone["inner"] + inner_of_1,
        "outer": alone["outer"] - alone["inner"] - inner_of_1,
        "tail": alone["tail"] - alone["inner"],
        "recursive": alone["recursive"],
    }
    outside = run.instructions - sum(run.operators.values())
    assert outside == run.functions["network"] + run.functions["at_entry"]
    assert sum(run.functions.values()) == run.instructions


@pytest.mark.parametrize("native", [True, False])
def test_calls_and_returns_are_told_from_jumps(image: Image, native: bool) -> None:
    operators = ["inner", "jumps", "loops_then_calls", "mutual"]
    machine = Machine(BOARD, image, operators, native=native)
    inner = machine.call("inner", 9).instructions

    jumped = machine.call("afterwards", 9)  # two operators end at one return
    assert jumped.operators == {"inner": inner, "jumps": 1, "loops_then_calls": 0, "mutual": 0}
    assert jumped.instructions > inner + 1 + (1 + 3 * 20 + 2)

    looped = machine.call("loops_then_calls", 100).operators  # no hundred calls within another
    assert looped["loops_then_calls"] == 2 * 100 + 4
    assert looped["inner"] == inner

    skipped = machine.call("skips", 1)  # the return address is passed before the return
    assert skipped.functions["skips"] == 6 + 5
    assert skipped.operators["mutual"] == skipped.instructions - 6


def test_an_operator_that_is_not_there_is_refused(image: Image) -> None:
    with pytest.raises(FirmwareError, match="no 'conv9' in the image"):
        Machine(BOARD, image, ["conv9"])


# ---- running and calling


def test_the_program_runs_from_reset_to_the_end_of_main(machine: Machine) -> None:
    """Each time with variables as they were initialised, and with the FPU switched on."""
    first, second = machine.run(), machine.run()
    assert first == second
    assert first.result == 42
    assert first.functions["main"] > 0
    assert first.functions["tinyml_start"] > 0
    assert machine.call("control", 0xD88).result == 0xF << 20


def test_a_new_machine_has_initialised_variables(machine: Machine) -> None:
    assert machine.variable("given", np.int32).tolist() == [7]
    assert machine.variable("results", np.int32).tolist() == [0] * 4
    assert machine.read(machine.image.address("table"), 4, np.int32).tolist() == [1, 2, 3, 4]


def test_calls_change_memory_until_it_is_reset(machine: Machine) -> None:
    assert machine.call("main").result == 42
    assert machine.call("main").result == 84
    machine.reset()
    assert machine.call("main").result == 42


@given(values=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=6, max_size=6))
def test_arguments_arrive_in_registers_and_on_the_stack(image: Image, values: list[int]) -> None:
    expected = sum((i + 1) * value for i, value in enumerate(values))
    result = Machine(BOARD, image).call("sum_of_six", *values).result
    assert result == (expected + 2**31) % 2**32 - 2**31


def test_registers_hold_nothing_of_an_earlier_call(machine: Machine) -> None:
    """Neither a whole call nor one that a fault cut short."""
    fresh = [machine.call("leftovers").result, machine.call("leftovers").result]
    machine.call("sum_of_six", 1, 2, 3, 4, 5, 6)
    with pytest.raises(faults.StackOverflow):
        machine.call("deep", 1000)
    assert [*fresh, machine.call("leftovers").result] == [0] * 3


def test_results_have_signs(machine: Machine) -> None:
    assert machine.call("negative").result == -5


@pytest.mark.parametrize("value", [2**32, -(2**31) - 1])
def test_arguments_have_32_bits(machine: Machine, value: int) -> None:
    with pytest.raises(FirmwareError, match=f"argument {value} does not fit into 32 bits"):
        machine.call("negative", value)


def test_arrays_are_placed_one_behind_the_other(machine: Machine) -> None:
    data = np.arange(10, dtype=np.int16).reshape(2, 5)
    places = [machine.place(data), machine.place(data, alignment=4), machine.place(data, "flash")]
    assert places[0] >= machine.image.address("tinyml_arena_end")
    assert places[0] % 16 == 0
    assert places[1] == places[0] + 20
    assert places[2] >= BOARD.flash_base + machine.image.flash_bytes
    for place in places:
        assert np.array_equal(machine.read(place, (2, 5), np.int16), data)
    assert machine.call("load", places[2] + 4).result == 3 << 16 | 2
    machine.reset()
    assert machine.place(data.T) == places[0]
    assert np.array_equal(machine.read(places[0], (5, 2), np.int16), data.T)


def test_what_does_not_fit_is_not_placed(machine: Machine) -> None:
    free = SRAM_END - -(-machine.image.address("tinyml_arena_end") // 16) * 16
    machine.place(np.zeros(free, np.int8))
    machine.reset()
    with pytest.raises(FirmwareError, match=rf"no room for .* in the sram .*{free:,} B are free"):
        machine.place(np.zeros(free + 1, np.int8))
    with pytest.raises(UnknownNameError, match="unknown memory 'ram'"):
        machine.place(np.zeros(1), "ram")  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [0, SRAM - 1, SRAM_END - 3, BOARD.flash_base - 4])
def test_there_is_no_other_memory_to_read_or_write(machine: Machine, address: int) -> None:
    with pytest.raises(FirmwareError, match="do not all lie in the memory of STM32F746"):
        machine.read(address, 4)
    with pytest.raises(FirmwareError, match="do not all lie"):
        machine.write(address, b"1234")


def test_an_image_for_another_board_is_refused(image: Image) -> None:
    Machine(board("stm32f765"), image)  # the same addresses and more of everything
    for changed in (
        {"sram_base": 0x2000_8000},
        {"flash_base": 0x0900_0000},
        {"sram_bytes": 4096},
        {"flash_bytes": 1024},
    ):
        with pytest.raises(FirmwareError, match="built for another memory map"):
            Machine(dataclasses.replace(BOARD, **changed), image)


def test_memory_that_the_emulator_cannot_map_is_refused(image: Image) -> None:
    with pytest.raises(
        FirmwareError, match=r"sram_bytes is 100,000.*multiple of 1024; take 99,328"
    ):
        Machine(dataclasses.replace(BOARD, sram_bytes=100_000), image)


# ---- what is used of SRAM


def test_the_stack_is_as_deep_as_what_was_written(machine: Machine) -> None:
    assert machine.call("takes_40").stack_depth_bytes == 40
    assert machine.call("reserves_40").stack_depth_bytes == 4
    assert machine.call("sum_down", 3).stack_depth_bytes == 0


@pytest.mark.parametrize("used", [1, 17, 999, 1000])
def test_the_high_water_mark_is_the_last_byte_written(machine: Machine, used: int) -> None:
    before = machine.call("sum_down", 1)
    assert before.high_water_bytes == machine.image.address("tinyml_bss_end") - SRAM
    assert before.arena_bytes == 0
    run = machine.call("fill_arena", used)
    end = machine.image.address("arena") + used - SRAM
    # Twice by chance: a byte painted with 1 already goes unseen.
    paint = machine._paint[end - used : end]
    assert run.arena_bytes == used - (paint[::-1] != 1).argmax()
    assert run.high_water_bytes == end - (paint[::-1] != 1).argmax()


def test_over_two_paints_no_byte_goes_unseen(machine: Machine) -> None:
    """Whatever value the last byte is painted with, writing just that is seen."""
    last = machine.image.address("arena") + 999 - SRAM
    for value in (machine._paint[last], ~machine._paint[last]):
        run = machine.measure(lambda m, value=int(value): m.call("writes", value))
        assert run.arena_bytes == 1000
        assert run.high_water_bytes == last + 1
    assert machine.call("writes", int(machine._paint[last])).arena_bytes == 0


def test_a_whole_program_is_measured(machine: Machine) -> None:
    once, exact = machine.run(), machine.measure(Machine.run, outputs=["results"])
    figures = ("high_water_bytes", "touched_bytes", "stack_depth_bytes", "arena_bytes")
    assert {f: getattr(exact, f) for f in figures}.keys() == set(figures)
    assert all(getattr(exact, f) >= getattr(once, f) for f in figures)
    assert dataclasses.replace(exact, **{f: getattr(once, f) for f in figures}) == once
    assert exact.arena_bytes == 100


def test_reading_what_nothing_wrote_is_found(machine: Machine) -> None:
    def copies(m: Machine) -> Execution:
        return m.call("copies_unwritten")

    def branches(m: Machine) -> Execution:
        return m.call("branches_on_unwritten", 9)

    machine.measure(copies)  # not among the outputs
    with pytest.raises(faults.DependsOnUninitialised, match="output holds something else when"):
        machine.measure(copies, outputs=["output"])
    with pytest.raises(
        faults.DependsOnUninitialised, match=r"instead of .* instructions"
    ) as caught:
        machine.measure(branches)
    assert caught.value.name in ("sum_down", "branches_on_unwritten")

    def given_it(m: Machine) -> Execution:
        m.write(m.image.address("arena") + 500, b"\1")
        return m.call("branches_on_unwritten", 9)

    assert machine.measure(given_it, outputs=["output"]).result == 45


# ---- faults


FAULTS: list[tuple[tuple[Any, ...], type[faults.MachineFault], int | None, str]] = [
    (("load", 0), faults.StrayAccess, 0, "has no memory"),
    (("load", SRAM - 4), faults.StrayAccess, SRAM - 4, "no memory"),
    (("load", SRAM_END), faults.StrayAccess, SRAM_END, "0x20050000"),
    (("load", SRAM_END - 2), faults.StrayAccess, SRAM_END, "0x20050000"),
    (("load", BOARD.flash_base - 4), faults.StrayAccess, BOARD.flash_base - 4, "no memory"),
    (("load", 0x4002_3800), faults.StrayAccess, 0x4002_3800, "no memory"),  # a peripheral
    (("load", 0xE000_ED00), faults.StrayAccess, 0xE000_ED00, "no memory"),  # CPUID
    (("store", SRAM_END), faults.StrayAccess, SRAM_END, "no memory"),
    (("store", 0xE000_E100), faults.StrayAccess, 0xE000_E100, "no memory"),
    (("late_store", 0x4000_0000, SRAM_END - 40), faults.StrayAccess, 0x4000_0000, "no memory"),
    (("store", BOARD.flash_base + 4096), faults.StoreToFlash, BOARD.flash_base + 4096, "in flash"),
    (("jump", 0), faults.StrayAccess, 0, "there is no code"),
    (("jump", BOARD.flash_base), faults.StrayAccess, BOARD.flash_base, "there is no code"),
    (("jump", 0x080F_0001), faults.StrayAccess, 0x080F_0000, "there is no code"),
    (("jump", 0x3000_0001), faults.StrayAccess, 0x3000_0000, "there is no code"),
    (("jump", SRAM + 4097), faults.ExecutionFromSram, SRAM + 4096, "where data lies"),
    (("undefined",), faults.UnsupportedInstruction, None, "instruction de07"),
    (("supervisor",), faults.UnsupportedInstruction, None, "instruction df01"),
    (("waits",), faults.UnsupportedInstruction, None, "instruction bf30"),
    (("yields",), faults.UnsupportedInstruction, None, "instruction bf10"),
    (("breakpoint",), faults.UnsupportedInstruction, None, "instruction be00"),
    (("double_precision",), faults.UnsupportedInstruction, None, "instruction ee30 0b41"),
    (("forever",), faults.Hang, None, "after 10,000 instructions; raise the limit"),
    (("deep", 1000), faults.StackOverflow, None, "build with a larger stack_bytes"),
    (("pushes",), faults.StackOverflow, SRAM - 4, "B too small"),
    (("wide", 1), faults.StackOverflow, None, "B too small"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "kind", "address", "message"),
    FAULTS,
    ids=[f"{call[0]}-{'-'.join(hex(a) for a in call[1:])}" for call, *_ in FAULTS],
)
def test_a_fault_has_a_name_a_place_and_a_culprit(
    image: Image,
    call: tuple[Any, ...],
    kind: type[faults.MachineFault],
    address: int | None,
    message: str,
) -> None:
    for native in (True, False):
        machine = Machine(BOARD, image, FAULTY, native=native)
        with pytest.raises(faults.MachineFault, match=message) as caught:
            machine.call(*call, limit=10_000)
        fault = caught.value
        assert type(fault) is kind
        assert fault.function == call[0]
        assert fault.operator == call[0]
        if call[0] != "jump":
            culprit = image.symbol(call[0])
            assert culprit.address <= fault.pc < culprit.end
        if kind is not faults.StackOverflow or address is not None:
            assert fault.address == address
        assert str(fault).startswith(f"{call[0]} (pc 0x")
        machine.reset()
        assert machine.call("negative").result == -5  # the machine lives on


def test_a_fault_in_a_helper_names_the_operator(image: Image) -> None:
    machine = Machine(BOARD, image, FAULTY)
    with pytest.raises(faults.StrayAccess, match=r"^calls, in helper \(pc 0x") as caught:
        machine.call("calls", 0)
    assert (caught.value.operator, caught.value.function) == ("calls", "helper")
    with pytest.raises(faults.StrayAccess, match=r"^helper \(pc 0x") as caught:
        machine.call("helper", 0)
    assert caught.value.operator is None


def test_a_stack_overflow_says_how_many_bytes_are_missing(image: Image) -> None:
    with pytest.raises(faults.StackOverflow, match=r"4,096 B is at least 15,[0-9]{3} B too small"):
        Machine(BOARD, image).call("wide", 1)


def test_a_stack_may_be_used_to_its_last_byte(image: Image) -> None:
    """As deep as it goes before the fault, it is not deeper than the stack."""
    machine, deepest = Machine(BOARD, image), 0
    for n in range(200):
        try:
            deepest = machine.call("deep", n).stack_depth_bytes
        except faults.StackOverflow:
            break
    frame = machine.call("deep", 3).stack_depth_bytes - machine.call("deep", 2).stack_depth_bytes
    assert STACK_BYTES - frame < deepest <= STACK_BYTES


def test_the_limit_is_the_last_instruction_that_is_granted(machine: Machine) -> None:
    needed = machine.call("sum_down", 10).instructions
    assert machine.call("sum_down", 10, limit=needed).instructions == needed
    with pytest.raises(faults.Hang):
        machine.call("sum_down", 10, limit=needed - 1)


# ---- alignment


UNALIGNED = {
    "ldm r0, {r1, r2}": True,
    "ldm.w r0, {r1, r12}": True,
    "ldm r0!, {r1, r2}": True,
    "ldmdb r0, {r1, r2}": True,
    "stm r0!, {r1, r2}": True,
    "stmdb r0!, {r1, r2}": True,
    "ldrd r1, r2, [r0]": True,
    "ldrd r1, r2, [r0, #8]": True,
    "ldrd r1, r2, [r0], #8": True,
    "ldrd r1, r2, [r0, #8]!": True,
    "strd r1, r2, [r0, #-8]": True,
    "vldr s0, [r0]": True,
    "vldr d0, [r0, #4]": True,
    "vstr s0, [r0]": True,
    "vldm r0!, {s0-s3}": True,
    "vstmdb r0!, {s0-s3}": True,
    "ldr r1, [r0]": False,
    "ldr.w r1, [r0, #4]!": False,
    "str r1, [r0], #4": False,
    "ldrh r1, [r0]": False,
    "strb r1, [r0]\n tbb [r0, r1]": False,
    "strb r1, [r0]": False,
    "vmov r1, r0, d0": False,
    "vmov d0, r1, r0": False,
    "vadd.f32 s0, s1, s2": False,
    "smlad r0, r0, r0, r0": False,
    "smlald r1, r2, r0, r0": False,
    "cmp r0, r0\n it ne\n ldmne r0, {r1, r2}": False,
    "cmp r0, r0\n it eq\n ldmeq r0, {r1, r2}": True,
    "cmp r0, #0\n ite lt\n ldrdlt r1, r2, [r0]\n movge r1, #0": False,
    "cmp r0, #0\n ite gt\n movgt r1, #0\n ldrdle r1, r2, [r0]": False,
    "cmp r0, #0\n itee hi\n movhi r1, #0\n ldrls r1, [r0]\n movls r1, #1\n ldrd r1, r2, [r0]": True,
    "cmp r0, #0\n itt hi\n movhi r1, #0\n vldrhi s0, [r0]": True,
    "cmp r0, #0\n it vs\n ldmvs r0, {r1, r2}": False,
    "cmp r0, #0\n it pl\n ldmpl r0, {r1, r2}": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def aligned() -> dict[bool, Machine]:
    functions = [
        # r4 and r5 are not touched; r0 comes in as the address.
        f'__attribute__((naked)) void access_{i}(void *p) {{ __asm volatile("{code}\\n bx lr"); }}'
        for i, code in enumerate(c.replace("\n", "\\n") for c in UNALIGNED)
    ]
    keep = [f"access_{i}" for i in range(len(UNALIGNED))]
    built = build(BOARD, {"access.c": "\n".join(functions)}, keep=keep)
    return {strict: Machine(BOARD, built, strict=strict) for strict in (True, False)}


@pytest.mark.parametrize("code", UNALIGNED)
def test_accesses_of_several_words_are_checked_for_alignment(
    aligned: dict[bool, Machine], code: str
) -> None:
    function, address = f"access_{list(UNALIGNED).index(code)}", SRAM + 0x8000
    for machine in aligned.values():
        machine.reset()
    runs = [machine.call(function, address) for machine in aligned.values()]
    assert runs[0] == runs[1]
    for offset in (1, 2, 3):
        aligned[False].call(function, address + offset)  # the emulator does not mind
        if UNALIGNED[code]:
            with pytest.raises(faults.UnalignedAccess, match="no multiple of 4") as caught:
                aligned[True].call(function, address + offset)
            assert caught.value.function == function
            assert caught.value.address == address + offset
        else:
            aligned[True].call(function, address + offset)


def test_a_strict_machine_counts_the_same(image: Image) -> None:
    strict, quick = (Machine(BOARD, image, OPERATORS, strict=s) for s in (True, False))
    for call in (("messy", 50), ("network", 9)):
        assert strict.call(*call) == quick.call(*call)
    assert strict.run() == quick.run()
