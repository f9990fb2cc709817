"""A schedule: which operators of a graph run one after the other, and which part by part.

And whose weights lie packed in flash, to be unpacked before they are used.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal

from tinyml_course.errors import ScheduleError, lookup, reject_unknown_keys
from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.packed_weights import BYTE_BITS, packable_bits
from tinyml_course.mcu.scheduling.patch_flow import PatchFlow
from tinyml_course.mcu.scheduling.rows import RowFlow
from tinyml_course.mcu.scheduling.stage_graph import stage_graph

Image = Literal["memory", "fed"]


@dataclass(frozen=True)
class Stream:
    """Operators that run row by row; rings of rows stand for the maps between them.

    Attributes:
        first: name of the first operator.
        last: name of the last one.
    """

    first: str
    last: str


@dataclass(frozen=True)
class Patches:
    """Operators that run patch by patch, halos computed again (MCUNetV2, section 3.1).

    Attributes:
        first: name of the first operator.
        last: name of the last one.
        rows: patches one above the other.
        columns: patches side by side.
    """

    first: str
    last: str
    rows: int
    columns: int


Stage = Stream | Patches
_KINDS: dict[type[Stage], str] = {Stream: "stream", Patches: "patches"}
Flow = RowFlow | PatchFlow


@dataclass(frozen=True)
class Unit:
    """What runs as one step of a plan: an operator, or a stage.

    Attributes:
        index: position among the units.
        first: index of the first operator.
        last: index of the last one.
        operators: all of them.
        flow: how the parts follow each other; ``None`` for an operator that runs as a whole.
    """

    index: int
    first: int
    last: int
    operators: tuple[Operator, ...]
    flow: Flow | None = None

    @property
    def name(self) -> str:
        """For people: ``stem`` or ``stem .. block1.project``."""
        first, last = self.operators[0].name, self.operators[-1].name
        return first if self.first == self.last else f"{first} .. {last}"

    @property
    def kind(self) -> str:
        """TF-Lite's name of the operator, or what a stage does."""
        if self.flow is None:
            return self.operators[0].kind
        return self.flow.kind


class Schedule:
    """A graph and the stages in which parts of it run.

    Args:
        graph: the network. Its operators run in the order in which they stand.
        stages: disjoint; what lies in none of them runs operator by operator.
        image: ``"memory"``: the whole input lies in SRAM before the first operator. ``"fed"``: it
            arrives as the first stage asks for it, row by row as from a camera, or patch by patch
            as from a decoder.

        packed: names of operators whose weights lie in flash with as few bits as hold them, and
            are unpacked into SRAM each time before the operator runs: once for a whole map, for
            each row of a stream, for each patch.

    Raises:
        ScheduleError: stages overlap, an operator does not exist or cannot run part by part, a
            stage cuts into a branch, a fed image without a stage that begins with it, or weights
            that packing would not make smaller.
    """

    def __init__(
        self,
        graph: Graph,
        stages: Iterable[Stage] = (),
        image: Image = "memory",
        packed: Iterable[str] = (),
    ) -> None:
        self.graph, self.image = graph, image
        self._index = {operator.name: i for i, operator in enumerate(graph.operators)}
        self.stages = tuple(sorted(stages, key=lambda stage: self._position(stage.first)))
        if image not in ("memory", "fed"):
            raise ScheduleError(f'image is "memory" or "fed", not {image!r}')
        self.packed_bits = self._bits_of(packed)
        self.units = self._units()
        if image == "fed" and self.units[0].flow is None:
            raise ScheduleError(
                f"a fed image needs a stage that begins with {graph.operators[0].name}; the first "
                f"is {self.stages[0].first if self.stages else 'none'}"
            )

    def __repr__(self) -> str:
        stages = ", ".join(unit.name for unit in self.units if unit.flow is not None)
        packed = f", {len(self.packed)} packed" if self.packed else ""
        return f"Schedule({self.graph.name!r}, {stages or 'operator by operator'}{packed})"

    def record(self) -> dict[str, Any]:
        """Plain data, for JSON: `from_record` makes the schedule again."""
        stages = [{"kind": _KINDS[type(stage)], **asdict(stage)} for stage in self.stages]
        return {"image": self.image, "stages": stages, "packed": list(self.packed)}

    @classmethod
    def from_record(cls, graph: Graph, record: Mapping[str, Any]) -> "Schedule":
        """The schedule of ``graph`` that a record describes.

        Raises:
            UnknownNameError: a key or a kind of stage that the format does not have.
            ScheduleError: stages that this graph cannot run.
        """
        reject_unknown_keys("schedule", record, ("image", "stages", "packed"))
        stages = []
        for entry in record["stages"]:
            kinds = {name: kind for kind, name in _KINDS.items()}
            kind = lookup("kind of stage", entry["kind"], kinds)
            given = {key: value for key, value in entry.items() if key != "kind"}
            reject_unknown_keys("stage", given, [field.name for field in fields(kind)])
            stages.append(kind(**given))
        return cls(graph, stages, record["image"], record.get("packed", ()))

    def packing(self, packed: Iterable[str]) -> "Schedule":
        """This schedule with the weights of other operators packed.

        Raises:
            ScheduleError: as when it is made.
        """
        other = copy.copy(self)  # whose units are the same
        other.packed_bits = self._bits_of(packed)
        other.__dict__.pop("unpacked_weights", None)
        return other

    @property
    def packed(self) -> tuple[str, ...]:
        """The operators whose weights are packed, in execution order."""
        return tuple(self.packed_bits)

    @cached_property
    def unit_of(self) -> tuple[int, ...]:
        """For each operator the index of its unit."""
        return tuple(u.index for u in self.units for _ in u.operators)

    @cached_property
    def computed_pixels(self) -> tuple[tuple[int, int], ...]:
        """For each operator: pixels that it computes, repeated ones too, and pixels of its map.

        An operator that runs as a whole computes everything once: ``(1, 1)``.
        """
        pairs: list[tuple[int, int]] = []
        for unit in self.units:
            if unit.flow is None:
                pairs.append((1, 1))
                continue
            shapes = [self.graph.output_of(operator).shape for operator in unit.operators]
            sizes = [shape[1] * shape[2] for shape in shapes]
            pairs += zip(unit.flow.computed_pixels(), sizes, strict=True)
        return tuple(pairs)

    @cached_property
    def computed_shares(self) -> tuple[float, ...]:
        """For each operator the part of its map that it computes: above 1 where halos repeat."""
        return tuple(computed / size for computed, size in self.computed_pixels)

    @cached_property
    def operator_macs(self) -> tuple[int, ...]:
        """For each operator the multiply-accumulates that are executed, repeated ones too."""
        graph = self.graph
        return tuple(
            operator.macs(graph.inputs_of(operator)) // size * computed
            for operator, (computed, size) in zip(
                graph.operators, self.computed_pixels, strict=True
            )
        )

    @property
    def macs(self) -> int:
        """The same of one inference."""
        return sum(self.operator_macs)

    @cached_property
    def unpacked_weights(self) -> tuple[int, ...]:
        """For each operator how many weights are unpacked in an inference, repeated ones too."""
        found = []
        for unit in self.units:
            for index, operator in enumerate(unit.operators):
                times = 1 if unit.flow is None else unit.flow.times(index)
                is_packed = operator.name in self.packed_bits
                weights = self.graph.inputs_of(operator)[1].elements if is_packed else 0
                found.append(times * weights)
        return tuple(found)

    def _bits_of(self, names: Iterable[str]) -> dict[str, int]:
        """The bits of the weights of each, in execution order."""
        found = {}
        for name in sorted(set(names), key=self._position):
            operator = self.graph.operators[self._position(name)]
            bits = packable_bits(self.graph, operator)
            if bits is None:
                raise ScheduleError(
                    f"{name} has no int8 weights around zero to pack; {operator.kind} keeps its own"
                )
            if bits == BYTE_BITS:
                raise ScheduleError(
                    f"the weights of {name} need all {BYTE_BITS} bits; quantize them to "
                    f"{BYTE_BITS - 1} or fewer, or leave them as bytes"
                )
            found[name] = bits
        return found

    def _position(self, name: str) -> int:
        if name not in self._index:
            known = ", ".join(list(self._index)[:8])
            raise ScheduleError(f"{self.graph.name} has no operator {name!r}; it has {known}, ...")
        return self._index[name]

    def _units(self) -> tuple[Unit, ...]:
        operators = self.graph.operators
        units: list[Unit] = []
        begins = {self._position(stage.first): stage for stage in self.stages}
        if len(begins) != len(self.stages):
            raise ScheduleError(f"two stages of {self.graph.name} begin with the same operator")
        position = 0
        while position < len(operators):
            stage = begins.pop(position, None)
            last = position if stage is None else self._position(stage.last)
            inside = [s.first for at, s in begins.items() if position < at <= last]
            if inside and stage is not None:
                raise ScheduleError(
                    f"the stage {stage.first} .. {stage.last} holds {inside[0]} "
                    "too, where another begins; stages must not overlap"
                )
            flow = None if stage is None else self._flow(stage, position, last)
            units.append(Unit(len(units), position, last, operators[position : last + 1], flow))
            position = last + 1
        return tuple(units)

    def _flow(self, stage: Stage, first: int, last: int) -> Flow:
        if last < first:
            raise ScheduleError(f"{stage.last} runs before {stage.first}")
        part = stage_graph(self.graph, first, last)
        fed = self.image == "fed" and first == 0
        if isinstance(stage, Stream):
            return RowFlow(part, fed)
        return PatchFlow(part, stage.rows, stage.columns, fed)
