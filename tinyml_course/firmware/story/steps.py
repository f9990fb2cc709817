"""The steps from an interpreter to the course's kernels, and which of them need which.

They are those of TinyEngine (MCUNet, section 3.2 and figure 5), each a switch of the same C. How
much each one helps is measured, not promised (``benchmarks/optimisation_story.py``), and not all
help everywhere. On the emulated core, for networks of the MCUNet family:

- code generation and loop unrolling save the most instructions of the seven, and the code takes
  several times the flash;
- operator fusion divides SRAM by four and costs instructions as long as every window is read where
  it lies, because its test for the edge of the map stands in the innermost loop;
- im2col saves a third of an interpreter's instructions and little behind unrolling; but tiling and
  SIMD need it;
- tiling and SIMD save instructions and nothing else;
- in-place depthwise saves SRAM and no instruction, and only where a depthwise convolution is the
  peak.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tinyml_course.errors import FirmwareError, lookup


@dataclass(frozen=True)
class Step:
    """A switch.

    Attributes:
        name: what `program` takes.
        title: for an axis.
        idea: what changes in the C, in a sentence.
        needs: steps without which it means nothing.
        why: what they are needed for.
    """

    name: str
    title: str
    idea: str
    needs: tuple[str, ...] = ()
    why: str = ""


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step(
            "codegen",
            "code generation",
            "a function for each operator, its sizes constants, instead of records that an "
            "interpreter reads in SRAM",
        ),
        Step(
            "fusion",
            "operator fusion",
            "padding, requantization (with batch norm) and activation happen where a sum is made, "
            "instead of in passes over whole maps, some of 32 bits",
        ),
        Step(
            "unrolling",
            "loop unrolling",
            "the loops over a window are written out, those over taps eight at a time",
            ("codegen",),
            "the compiler can only write out a window whose size it knows",
        ),
        Step(
            "im2col",
            "im2col",
            "a window is copied into one piece before all output channels read it; of a depthwise "
            "convolution a channel",
        ),
        Step(
            "tiling",
            "loop tiling",
            "as many windows as fit are copied, and two of them times two channels go through the "
            "loop together, so that each number loaded is used twice",
            ("im2col",),
            "a tile is made of copied windows",
        ),
        Step(
            "in_place",
            "in-place depthwise",
            "a depthwise convolution writes each channel over the one that it has copied",
            ("im2col",),
            "a channel must have been copied before its place is written",
        ),
        Step(
            "simd",
            "SIMD",
            "SMLAD multiplies two pairs of 16-bit numbers and adds both products",
            ("im2col",),
            "pairs must lie side by side, 16 bits wide",
        ),
    )
}
"""The steps by name, in the order of the story."""

START = "interpreter"
"""Name of what the story begins with: no step at all."""

COURSE = "course"
"""Name of what it ends with: the kernels of `tinyml_course.firmware.kernels`, and their plan."""


def steps() -> tuple[Step, ...]:
    """The steps in the order of the story."""
    return tuple(STEPS.values())


def checked(names: Iterable[str]) -> frozenset[str]:
    """A set of steps that makes sense.

    Raises:
        UnknownNameError: there is no such step.
        FirmwareError: one of them needs another; the message names both.
    """
    chosen = {lookup("step", name, STEPS).name for name in names}
    for step in STEPS.values():
        missing = [name for name in step.needs if name not in chosen]
        if step.name in chosen and missing:
            raise FirmwareError(
                f"step {step.name!r} needs {' and '.join(map(repr, missing))} as well: {step.why}; "
                f"add what is missing, or leave {step.name!r} out"
            )
    return frozenset(chosen)


def up_to(name: str) -> frozenset[str]:
    """All steps of the story up to one; ``"interpreter"`` for none."""
    if name == START:
        return frozenset()
    order = [*STEPS]
    return frozenset(order[: order.index(lookup("step", name, STEPS).name) + 1])


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Steps in the order of the story."""
    return tuple(name for name in STEPS if name in names)
