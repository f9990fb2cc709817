"""A plan: where every activation and scratch buffer lies in SRAM, and during which steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tinyml_course.graph import Graph, Lifetime
from tinyml_course.mcu.code_size import flash_use
from tinyml_course.mcu.flash import FlashLayout, FlashUse
from tinyml_course.mcu.scheduling import Schedule

Role = Literal[
    "activation", "rows", "patch", "scratch", "kernel copy", "runtime", "unpacked weights"
]
"""Whole maps; rings of rows and regions of maps inside of stages; what operators scribble on;
weights that lie packed in flash."""


PART_ROLES = ("rows", "patch")
SCRATCH_ROLES = ("scratch", "kernel copy", "runtime")


@dataclass(frozen=True)
class Buffer:
    """A block of SRAM.

    Attributes:
        name: of the tensor, or of the operator whose scratch it is.
        role: what it holds.
        offset: bytes from the start of the arena.
        size_bytes: bytes.
        lifetime: steps (units of the schedule) during which nobody else may hold it.
    """

    name: str
    role: Role
    offset: int
    size_bytes: int
    lifetime: Lifetime

    @property
    def end(self) -> int:
        """First byte behind the buffer."""
        return self.offset + self.size_bytes

    def live_at(self, step: int) -> bool:
        """Whether the buffer is held during ``step``."""
        return self.lifetime.first <= step <= self.lifetime.last

    def shares_bytes_with(self, other: "Buffer") -> bool:
        """Whether the two overlap in address."""
        return self.offset < other.end and other.offset < self.end


@dataclass(frozen=True)
class Step:
    """Memory during one unit of the schedule: an operator, or a stage.

    Attributes:
        index: position in execution order.
        operator: its name, or those of a stage's first and last operator.
        kind: TF-Lite's name of the operator, or how the stage runs.
        live_bytes: bytes held, counting a shared byte once.
        buffers: what is held, by address.
    """

    index: int
    operator: str
    kind: str
    live_bytes: int
    buffers: tuple[Buffer, ...]


class Plan:
    """The memory of a graph, decided: emulator, report and C code read it from here.

    Args:
        graph: what is planned and runs.
        policy: name of the planner.
        buffers: one for every activation, and scratch.
        lower_bound_bytes: what no choice of offsets can undercut under the planner's rules; by
            default the most bytes that this plan holds at once.
        source: the graph that was handed in, where the planner had to rewrite it.
        schedule: how the graph runs; by default operator by operator.
    """

    def __init__(
        self,
        graph: Graph,
        policy: str,
        buffers: Sequence[Buffer],
        lower_bound_bytes: int | None = None,
        source: Graph | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        self.graph = graph
        self.schedule = schedule or Schedule(graph)
        self.source = source or graph
        self.policy = policy
        self.buffers = tuple(buffers)
        self._lower_bound_bytes = lower_bound_bytes

    def __repr__(self) -> str:
        return f"Plan({self.graph.name!r}, {self.policy}, peak {self.peak_bytes:,} B)"

    @cached_property
    def flash(self) -> FlashLayout:
        """Where the constants lie; a search that looks at SRAM alone never asks."""
        return FlashLayout(self.graph, self.schedule.packed_bits)

    @cached_property
    def peak_bytes(self) -> int:
        """Size of the arena: the highest byte that is ever used, plus one."""
        return max(buffer.end for buffer in self.buffers)

    @cached_property
    def lower_bound_bytes(self) -> int:
        """No offsets can go below under the planner's rules, or the most bytes held at once."""
        if self._lower_bound_bytes is not None:
            return self._lower_bound_bytes
        return max(step.live_bytes for step in self.timeline)

    @cached_property
    def timeline(self) -> tuple[Step, ...]:
        """Memory unit by unit."""
        steps = []
        for unit in self.schedule.units:
            live = sorted(
                (b for b in self.buffers if b.live_at(unit.index)), key=lambda b: (b.offset, b.end)
            )
            held = _union_bytes(live)
            steps.append(Step(unit.index, unit.name, unit.kind, held, tuple(live)))
        return tuple(steps)

    @cached_property
    def peak_step(self) -> Step:
        """The operator during which the most bytes are held; the first of several."""
        return max(self.timeline, key=lambda step: (step.live_bytes, -step.index))

    @property
    def constants_bytes(self) -> int:
        """Flash for weights, biases, multipliers and shifts."""
        return self.flash.size_bytes

    @cached_property
    def flash_use(self) -> FlashUse:
        """Flash for the constants and, as an estimate, layer descriptions and code."""
        return flash_use(self)

    @property
    def flash_bytes(self) -> int:
        """Flash in all."""
        return self.flash_use.total_bytes

    def activation(self, tensor: str) -> Buffer:
        """The buffer of an activation.

        Raises:
            KeyError: the plan has none; a plan made for another graph.
        """
        return self._activations[tensor]

    def scratch(self, operator: str) -> list[Buffer]:
        """The scratch buffers of an operator."""
        return [b for b in self.buffers if b.role in SCRATCH_ROLES and b.name == operator]

    def unpacked(self, operator: str) -> Buffer | None:
        """Where an operator's weights are unpacked to; ``None`` if they are not packed."""
        return self._unpacked.get(operator)

    def find(self, tensor: str, whole: bool) -> Buffer | None:
        """Where a map lies, or what a stage keeps of it: a ring of rows, or room for a patch.

        ``None`` if it has no such place.
        """
        return (self._activations if whole else self._parts).get(tensor)

    @cached_property
    def _activations(self) -> dict[str, Buffer]:
        return {b.name: b for b in self.buffers if b.role == "activation"}

    @cached_property
    def _unpacked(self) -> dict[str, Buffer]:
        return {b.name: b for b in self.buffers if b.role == "unpacked weights"}

    @cached_property
    def _parts(self) -> dict[str, Buffer]:
        return {b.name: b for b in self.buffers if b.role in PART_ROLES}


def _union_bytes(by_offset: Sequence[Buffer]) -> int:
    total = reached = 0
    for buffer in by_offset:
        total += max(0, buffer.end - max(reached, buffer.offset))
        reached = max(reached, buffer.end)
    return total
