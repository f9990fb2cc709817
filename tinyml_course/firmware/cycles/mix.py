"""How often instructions of each class ran, from how often each block did."""

from dataclasses import dataclass

import numpy as np

from tinyml_course.firmware.counting import Changes, Code, Counter
from tinyml_course.firmware.cycles.instructions import CLASSES, Decoded

ELSEWHERE = "outside of operators"
"""Key of what no operator did: the calls of the program, code that runs between them."""


@dataclass(frozen=True)
class InstructionMix:
    """Instructions by class, and what else cycles depend on.

    Attributes:
        classes: instructions by class, every one of `CLASSES`; they add up to all executed. A
            conditional instruction counts whether it takes effect or not.
        loaded_words: registers that loads of several moved.
        stored_words: the same of stores.
        overlapped_loads: loads of one register that the Cortex-M4 overlaps with the one before.
        jumps: times that execution went on elsewhere than behind the instruction: branches taken,
            calls, returns.
    """

    classes: dict[str, int]
    loaded_words: int
    stored_words: int
    overlapped_loads: int
    jumps: int

    @property
    def instructions(self) -> int:
        """All of them."""
        return sum(self.classes.values())

    def __add__(self, other: "InstructionMix") -> "InstructionMix":
        return InstructionMix(
            {name: self.classes[name] + other.classes[name] for name in CLASSES},
            self.loaded_words + other.loaded_words,
            self.stored_words + other.stored_words,
            self.overlapped_loads + other.overlapped_loads,
            self.jumps + other.jumps,
        )


NO_INSTRUCTIONS = InstructionMix(dict.fromkeys(CLASSES, 0), 0, 0, 0, 0)


def mixes(code: Code, decoded: Decoded, counter: Counter) -> dict[str, InstructionMix]:
    """What ran since the counter's start, by operator in their order, then `ELSEWHERE`.

    Args:
        code: what the counter counts.
        decoded: the same code.
        counter: after the run.
    """
    names = [ELSEWHERE, *code.operators]
    times = np.cumsum(counter.changes, axis=1)[:, :-1]
    times[:, _second_halves(decoded, times.sum(axis=0))] = 0
    jumps = counter.jumps.sum(axis=1)
    return {
        names[row]: _mix(decoded, times[row], int(jumps[row]))
        for row in (*range(1, len(names)), 0)
        if times[row].any()
    }


def _mix(decoded: Decoded, times: Changes, jumps: int) -> InstructionMix:
    ran = np.flatnonzero(times)
    often, kinds, words = times[ran], decoded.kind[ran], decoded.words[ran]
    per_class = np.bincount(kinds, often, len(CLASSES))  # exact below 2^53
    moved = np.bincount(kinds, often * words, len(CLASSES))
    overlapped = 0
    for distance, flags in enumerate(decoded.follows_load, start=1):
        second = ran[flags[ran]]
        # The lesser of two: where a jump leads to the second, the first has not run before it.
        overlapped += int(np.minimum(times[second], times[second - distance]).sum())
    return InstructionMix(
        {name: int(count) for name, count in zip(CLASSES, per_class, strict=True)},
        int(moved[CLASSES.index("load_multiple")]),
        int(moved[CLASSES.index("store_multiple")]),
        overlapped,
        jumps,
    )


def _second_halves(decoded: Decoded, ran: Changes) -> list[int]:
    """The half-words that ran as the second of an instruction.

    What ran is whole instructions, so a stretch of half-words that ran begins with one.
    """
    found, behind, long = [], 0, decoded.is_long.tolist()
    for at in np.flatnonzero(ran).tolist():
        if at < behind:
            found.append(at)
        else:
            behind = at + 2 if long[at] else at + 1
    return found
