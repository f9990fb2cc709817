"""Cycles per instruction of each class, and where the figures are from.

**Cortex-M4**: table 3-1 of Arm's Technical Reference Manual (r0p1, section 3.3.1, zero wait
states), with the pairs of loads that section 3.3.3 describes, and table 7-1 for the FPU. Three
entries are ranges there: the refill of the pipeline behind a jump (1 to 3), division (2 to 12), and
loads and stores of one register (2, or 1 where they overlap). The estimate takes the middle of the
first two, loads that overlap where two stand side by side in the code, and 1 for a store; the
bounds take the ends.

**Cortex-M7**: Arm publishes no table. STMicroelectronics' results for MLPerf Tiny v1.0 show one
engine and four networks on a chip of either core, and there the M4 needs `M4_CYCLES_PER_M7_CYCLE`
times the M7's cycles. The estimate is the M4's divided by that; below, two instructions a cycle and
one multiplication are what the core can issue; above, it is as slow as the M4.

**Errors** (``benchmarks/cycles.py``): on the M7 code that is built like TinyEngine's, run here, is
estimated 1 to 12 % below TinyEngine's published latencies on eleven networks; without that bias the
rest, each network left out in turn, is 3 % on average. On the M4 an estimate for CMSIS-NN, from its
instructions on three layers, is 8 and 19 % below two published latencies, whose flash makes the
core wait. Below is what to expect: the model knows no waits for memory. Code with many loads of
several registers is likely judged too dear on the M7, which moves two words a cycle.
"""

from dataclasses import dataclass

from tinyml_course.firmware.cycles.mix import InstructionMix
from tinyml_course.mcu.latency import M4_CYCLES_PER_M7_CYCLE

PER_INSTRUCTION = {
    "alu": 1,
    "multiply": 1,
    "divide": 2,
    "load": 2,
    "load_multiple": 1,
    "store": 1,
    "store_multiple": 1,
    "branch": 1,
    "float": 1,
    "float_multiply_add": 3,
    "float_divide": 14,
}
"""Cycles on the Cortex-M4 at least; of a load without the overlap, of loads and stores of several
without a cycle for each register."""

REFILL = (1, 2, 3)
"""Cycles for each jump: least, taken for the estimate, most."""

DIVISION = (0, 5, 10)
"""Cycles of a division on top of `PER_INSTRUCTION`, by its operands: the same."""

M7_INSTRUCTIONS_PER_CYCLE = 2
M7_MULTIPLICATIONS_PER_CYCLE = 1


@dataclass(frozen=True)
class Bounded:
    """Cycles: the estimate, and what the same table allows.

    Attributes:
        cycles: the estimate.
        low: what it cannot undercut.
        high: what it cannot exceed without waits for memory.
    """

    cycles: float
    low: float
    high: float


def m4(mix: InstructionMix) -> Bounded:
    """Cycles of what ran, on a Cortex-M4 whose memory never makes it wait."""
    return Bounded(*(sum(_cycles_by_class(mix, case).values()) for case in (1, 0, 2)))


def m7(mix: InstructionMix) -> Bounded:
    """Cycles of what ran, on a Cortex-M7."""
    slow = m4(mix)
    low = max(
        mix.instructions / M7_INSTRUCTIONS_PER_CYCLE,
        mix.classes["multiply"] / M7_MULTIPLICATIONS_PER_CYCLE,
    )
    return Bounded(max(low, slow.cycles / M4_CYCLES_PER_M7_CYCLE), low, slow.high)


def by_class(mix: InstructionMix) -> dict[str, float]:
    """The Cortex-M4's estimate by class; refills count as branches."""
    return _cycles_by_class(mix, 1)


def _cycles_by_class(mix: InstructionMix, case: int) -> dict[str, float]:
    """Cycles by class: 0 at least, 1 the estimate, 2 at most."""
    cycles = {name: float(PER_INSTRUCTION[name] * n) for name, n in mix.classes.items()}
    cycles["divide"] += DIVISION[case] * mix.classes["divide"]
    cycles["branch"] += REFILL[case] * mix.jumps
    cycles["load_multiple"] += mix.loaded_words
    cycles["store_multiple"] += mix.stored_words
    if case < 2:
        cycles["load"] -= mix.overlapped_loads
    else:  # behind another store, or with a register for an offset
        cycles["store"] += mix.classes["store"]
    return cycles
