"""A network with a program around it, built for a board: what a board runs from reset on."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.elf import Image
from tinyml_course.firmware.generate import Program, generate
from tinyml_course.firmware.kernels.layer_code import array
from tinyml_course.firmware.network import ENTRY
from tinyml_course.firmware.project.marks import fill
from tinyml_course.firmware.toolchain import DEFAULT_STACK_BYTES, build
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.flash import ALIGNMENT, FlashUse
from tinyml_course.mcu.inputs import to_integers
from tinyml_course.mcu.planning import Plan

SELF_TEST = ("main", "sample_image", "sample_output", "network_differences")


@dataclass(frozen=True, eq=False)
class Sample:
    """An image that the program runs the network on.

    Attributes:
        image: int8, in the input's shape.
        output: int8, what the network makes of it.
        label: the class that it shows.
    """

    image: NDArray[np.int8]
    output: NDArray[np.int8]
    label: int


@dataclass(frozen=True, eq=False)
class BoardProgram:
    """A network's firmware for a board.

    Attributes:
        board: where it runs.
        network: the network's C.
        sample: what ``main`` runs it on.
        sources: every C file by path, in the order in which they are linked.
        headers: every header by path.
        image: all of it, built.
    """

    board: Board
    network: Program
    sample: Sample
    sources: dict[str, str]
    headers: dict[str, str]
    image: Image

    @property
    def plan(self) -> Plan:
        """Where everything lies in SRAM."""
        return self.network.plan

    @cached_property
    def flash(self) -> FlashUse:
        """The image's flash, to the byte: code, constants, descriptions, and the self-test."""
        image = self.image
        parts = {name: image.symbol(name) for name in SELF_TEST}
        sizes = {name: -(-s.size // ALIGNMENT) * ALIGNMENT for name, s in parts.items()}
        constants = self.plan.constants_bytes
        data = image.flash_bytes - image.sections[".text"]
        return FlashUse(
            constants_bytes=constants,
            descriptions_bytes=data - constants - sum(sizes.values()) + sizes["main"],
            code_bytes=image.sections[".text"] - sizes["main"],
            self_test_bytes=sum(sizes.values()),
            measured=True,
        )


def board_program(
    board: Board, plan: Plan, sample: Sample, stack_bytes: int = DEFAULT_STACK_BYTES
) -> BoardProgram:
    """Generate and build.

    Args:
        board: where it runs.
        plan: of the policy ``tight``.
        sample: what ``main`` runs the network on.
        stack_bytes: SRAM for the stack, a multiple of 8.

    Raises:
        FirmwareError: no C for an operator, a type or a schedule; a sample of another network.
        ToolchainError: no compiler, a core without the DSP extension, or C with errors in it.
        ImageTooLargeError: the board has too little flash, or SRAM for arena, stack and variables.
    """
    network = generate(plan)
    texts = _sample_texts(plan, sample)
    sources = {"main.c": fill("main.c", {}), "sample.c": texts["sample.c"]}
    used = {f"network/{name}": text for name, text in network.sources.items()}
    headers = {f"network/{name}": str(text) for name, text in network.headers.items()}
    image = build(
        board,
        {**sources, **network.sources},
        {**network.headers, "sample.h": texts["sample.h"]},
        keep=[ENTRY],
        stack_bytes=stack_bytes,
    )
    headers["sample.h"] = texts["sample.h"]
    return BoardProgram(board, network, sample, {**sources, **used}, headers, image)


def sample_of(plan: Plan, image: NDArray[Any], output: NDArray[Any], label: int) -> Sample:
    """A sample from an image as data sets hold it, and its output.

    Args:
        plan: of the network.
        image: int8 or float, ``(H, W, C)`` or ``(1, H, W, C)``.
        output: of the network, int8.
        label: the class that it shows.
    """
    return Sample(to_integers(plan.graph, image), np.asarray(output), label)


def _sample_texts(plan: Plan, sample: Sample) -> dict[str, str]:
    wanted = {"image": plan.graph.input, "output": plan.graph.output}
    for name, tensor in wanted.items():
        given = getattr(sample, name)
        if given.size != tensor.elements or given.dtype != np.int8:
            raise FirmwareError(
                f"the sample's {name} has {given.size} elements of {given.dtype}, the network's "
                f"has {tensor.elements} of int8; take a sample of this network"
            )
    arrays = "\n".join(
        # Not static: the program reads them as any other file's, and the linker lists them.
        array(f"sample_{name}", getattr(sample, name)).replace("static const", "const")
        for name in wanted
    )
    values = {
        "SAMPLE_CLASS": sample.label,
        "INPUT_BYTES": sample.image.size,
        "OUTPUT_BYTES": sample.output.size,
    }
    return {"sample.h": fill("sample.h", values), "sample.c": f'#include "sample.h"\n\n{arrays}'}
