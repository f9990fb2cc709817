"""A board's program on the emulated core, beside what the emulator computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.machine import Machine
from tinyml_course.firmware.network import NetworkMachine
from tinyml_course.firmware.optional import require
from tinyml_course.firmware.project.program import BoardProgram


@dataclass(frozen=True)
class FirmwareFigures:
    """What an image needs and does, measured on the emulated core.

    Attributes:
        images: inputs that were run.
        equal: on how many of them every output byte is the emulator's.
        self_test_differences: what ``main`` returned: bytes that differ from the sample's output.
        arena_bytes: from the first byte of the arena to the last one written, over two paints.
        plan_bytes: what the plan says. An image that writes less leaves scratch unused.
        maps_bytes: of it to the end of the last whole map, every byte of which is written.
        stack_bytes: reserved for the stack.
        stack_depth_bytes: used of it, at most.
        variables_bytes: initialised and zeroed variables, with what alignment adds.
        sram_bytes: arena, stack and variables.
        instructions: of one inference, the most of all images.
        flash_bytes: of the image.
    """

    images: int
    equal: int
    self_test_differences: int
    arena_bytes: int
    plan_bytes: int
    maps_bytes: int
    stack_bytes: int
    stack_depth_bytes: int
    variables_bytes: int
    sram_bytes: int
    instructions: int
    flash_bytes: int

    def verify(self) -> None:
        """Raise if the image does not do what the report says.

        Raises:
            FirmwareError: saying what differs.
        """
        defect = "a defect of this package, please report it"
        if self.equal != self.images:
            raise FirmwareError(
                f"emulated core and emulator agree on {self.equal} of {self.images} images: "
                f"{defect}"
            )
        if self.self_test_differences:
            raise FirmwareError(
                f"the image's own test found {self.self_test_differences} wrong bytes: {defect}"
            )
        if not self.maps_bytes <= self.arena_bytes <= self.plan_bytes:
            raise FirmwareError(
                f"the image used {self.arena_bytes:,} B of its arena, the plan says "
                f"{self.plan_bytes:,} B, {self.maps_bytes:,} B without scratch: {defect}"
            )


def require_machine() -> None:
    """Raise where an image could be neither built nor run.

    Raises:
        ToolchainError: naming the package that is missing and the command that brings it.
    """
    for module, purpose in (
        ("ziglang", "the C compiler"),
        ("unicorn", "the CPU emulator"),
        ("elftools.elf.elffile", "the reader of ELF files"),
    ):
        require(module, purpose)


def measure(
    program: BoardProgram,
    images: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    progress: bool = True,
) -> FirmwareFigures:
    """Run the image on an emulated core of its board.

    Args:
        program: what is built.
        images: int8 or float, ``(H, W, C)``; at least one.
        outputs: what the emulator made of each.
        progress: whether to show a bar.

    Raises:
        MachineFault: what a board would trap, with the operator.
        DependsOnUninitialised: the network reads what nothing has written.
        ToolchainError: no emulated core.
    """
    image, plan = program.image, program.plan
    machine = NetworkMachine(program.board, program.network, image=image)
    runs = machine.run_many(images, progress)
    exact = machine.measure(images[0])
    # From reset to the end of main, where an alignment that a board would trap is a fault, too.
    whole = Machine(program.board, image, program.network.operators, strict=True).run()
    depths = [whole.stack_depth_bytes, *(run.execution.stack_depth_bytes for run in runs)]
    return FirmwareFigures(
        images=len(runs),
        equal=sum(
            np.array_equal(run.output.ravel(), np.ravel(output))
            for run, output in zip(runs, outputs, strict=True)
        ),
        self_test_differences=whole.result,
        arena_bytes=exact.arena_bytes,
        plan_bytes=plan.peak_bytes,
        maps_bytes=max(b.end for b in plan.buffers if b.role == "activation"),
        stack_bytes=image.stack_bytes,
        stack_depth_bytes=max(depths),
        variables_bytes=image.static_bytes - image.arena_bytes,
        sram_bytes=image.sram_bytes,
        instructions=max(run.execution.instructions for run in runs),
        flash_bytes=image.flash_bytes,
    )
