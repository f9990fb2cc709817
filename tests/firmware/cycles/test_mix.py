"""Instructions by class as they ran: counted by hand, the same in C and in Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")
pytest.importorskip("unicorn", reason="needs the extra 'firmware'")

from tinyml_course.firmware import Execution, Machine, NetworkMachine, build, generate
from tinyml_course.firmware.cycles import CLASSES, ELSEWHERE, InstructionMix
from tinyml_course.firmware.cycles.mix import NO_INSTRUCTIONS
from tinyml_course.mcu import board, plan
from tinyml_course.models import compact, random_graph

PROGRAM = r"""
#include "tinyml_memory.h"
#define ASM __asm volatile
#define NAKED __attribute__((naked))

int data[8];

/* n times a multiplication, two loads that overlap, a store; the branch is taken n - 1 times */
NAKED int loop(int n) {
    ASM("push {r4, r5, r6, lr}\n ldr r4, =data\n"
        "1: ldr r1, [r4]\n ldr r2, [r4, #4]\n mul r3, r1, r2\n str.w r3, [r4, #8]\n"
        "subs r0, #1\n bne 1b\n pop {r4, r5, r6, pc}\n .ltorg");
}
/* conditional instructions count whether they take effect or not */
NAKED int sign(int n) {
    ASM("cmp r0, #0\n ite lt\n movlt r0, #1\n movge r0, #0\n bx lr");
}
/* a conditional return is a jump where it takes effect */
NAKED int returns(int n) {
    ASM("cmp r0, #0\n it eq\n bxeq lr\n cbnz r0, 1f\n nop\n 1: sdiv r0, r0, r0\n bx lr");
}
/* the second load of a pair is where a loop begins: overlapped once only */
NAKED int enters_between(int n) {
    ASM("ldr r2, =data\n ldr r1, [r2]\n"
        "1: ldr r3, [r2, #4]\n subs r0, #1\n bne 1b\n bx lr\n .ltorg");
}
NAKED int copies(void) {
    ASM("push {r4, r5}\n ldr r0, =data\n ldm r0, {r1, r2, r3}\n strd r1, r2, [r0, #16]\n"
        "pop {r4, r5}\n bx lr\n .ltorg");
}
TINYML_OPERATOR int one(int n) { return loop(n) + sign(n); }
TINYML_OPERATOR int two(int n) { return n > 3 ? one(3) + loop(n) : loop(n); }
int both(int n) { return one(n) + two(n); }

int messy(int n) {
    int total = 0;
    for (int i = 0; i < n; i++) {
        total += i % 3 == 0 ? data[i % 8] : i * total;
        if (total & 1) total += sign(total - 50) + loop(2);
        data[i & 7] ^= total / (i + 1);
    }
    return total;
}
"""
KEEP = ["loop", "sign", "returns", "enters_between", "copies", "both", "messy", "one", "two"]


@pytest.fixture(scope="module", params=[True, False], ids=["C", "Python"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return made(request.param)


def made(native: bool) -> Machine:
    core = board("stm32f746")
    image = build(core, {"all.c": PROGRAM}, keep=KEEP)
    return Machine(core, image, ["one", "two"], native=native)


def whole(execution: Execution) -> InstructionMix:
    return sum(execution.mixes.values(), NO_INSTRUCTIONS)


def classes(**counts: int) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in CLASSES}


@pytest.mark.parametrize("n", [1, 2, 100])
def test_a_loop(machine: Machine, n: int) -> None:
    (name, mix), *others = machine.call("loop", n).mixes.items()
    assert name == ELSEWHERE
    assert not others
    assert mix.classes == classes(
        alu=n, multiply=n, load=1 + 2 * n, store=n, branch=n, load_multiple=1, store_multiple=1
    )
    assert (mix.loaded_words, mix.stored_words) == (4, 4)
    # The literal's register is the address of the first load in the loop.
    assert mix.overlapped_loads == n
    assert mix.jumps == n - 1 + 1  # and the return


@pytest.mark.parametrize(("n", "divides", "nops", "jumps"), [(0, 0, 0, 1), (5, 1, 0, 2)])
def test_conditional_returns(machine: Machine, n: int, divides: int, nops: int, jumps: int) -> None:
    mix = whole(machine.call("returns", n))
    assert mix.jumps == jumps
    assert mix.classes["divide"] == divides
    assert mix.classes["alu"] == 2 + nops


def test_conditional_instructions_always_count(machine: Machine) -> None:
    for n in (-3, 3):
        assert whole(machine.call("sign", n)).classes == classes(alu=4, branch=1)


def test_a_loop_may_begin_between_two_loads(machine: Machine) -> None:
    mix = whole(machine.call("enters_between", 5))
    assert mix.classes["load"] == 2 + 5
    assert mix.overlapped_loads == 1


def test_words(machine: Machine) -> None:
    mix = whole(machine.call("copies"))
    assert (mix.loaded_words, mix.stored_words) == (3 + 2, 2 + 2)
    assert mix.classes == classes(load=1, load_multiple=2, store_multiple=2, branch=1)


def test_operators_have_their_own(machine: Machine) -> None:
    run = machine.call("both", 5)
    assert [*run.mixes] == ["one", "two", ELSEWHERE]
    counted = {name: mix.instructions for name, mix in run.mixes.items() if name != ELSEWHERE}
    assert counted == run.operators
    assert whole(run).instructions == run.instructions
    # Loops of 5 and of 3 in `one`, though `two` called it the second time.
    assert run.mixes["one"].classes["multiply"] == 5 + 3
    assert run.mixes["two"].classes["multiply"] == 5
    assert run.mixes["one"].jumps > 4 + 2


def test_a_second_run_starts_from_nothing(machine: Machine) -> None:
    first, second = machine.call("both", 4), machine.call("both", 4)
    assert first.mixes == second.mixes


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40))
def test_c_and_python_count_alike(n: int) -> None:
    native, python = NATIVE.call("messy", n), PYTHON.call("messy", n)
    assert native.mixes == python.mixes
    assert whole(native).instructions == native.instructions
    NATIVE.reset()
    PYTHON.reset()


NATIVE, PYTHON = made(True), made(False)


def test_a_network() -> None:
    graph = random_graph(compact(8, 1, 10))
    machine = NetworkMachine(board("stm32f746"), generate(plan(graph)))
    image = np.random.default_rng(0).integers(-128, 128, graph.input.shape, np.int8)
    run = machine.run(image).execution
    assert whole(run).instructions == run.instructions
    for name, count in run.operators.items():
        assert run.mixes[name].instructions == count
    multiplications = whole(run).classes["multiply"]
    macs = sum(o.macs(graph.inputs_of(o)) for o in graph.operators)
    # SMLAD does two; requantization and addresses multiply as well.
    assert macs / 2 < multiplications < 1.5 * macs
