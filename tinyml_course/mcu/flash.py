"""Where every constant lies in flash, and the bytes themselves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, Operator
from tinyml_course.mcu.packed_weights import (
    WEIGHTED,
    pack_weights,
    packed_weight_bytes,
    unpack_weights,
)
from tinyml_course.mcu.requantization import requantization

ALIGNMENT = 4


@dataclass(frozen=True)
class FlashUse:
    """What lies in flash, in bytes.

    Attributes:
        constants_bytes: weights, biases, multipliers and shifts: the plan's layout.
        descriptions_bytes: of the layers: shapes, pointers, tables, rows and columns of padding.
        code_bytes: start-up code, kernels and calls.
        self_test_bytes: the program around the network, with its sample.
        measured: whether an image was built, or all but the constants is estimated.
    """

    constants_bytes: int
    descriptions_bytes: int
    code_bytes: int
    self_test_bytes: int = 0
    measured: bool = False

    @property
    def total_bytes(self) -> int:
        """All of it."""
        parts = self.constants_bytes, self.descriptions_bytes, self.code_bytes
        return sum(parts) + self.self_test_bytes


@dataclass(frozen=True, eq=False)
class Segment:
    """One constant in flash.

    Attributes:
        operator: the operator that reads it.
        role: ``weight`` (int8, in uint8 networks uint8), ``bias`` (int32), ``multiplier`` (int32),
            ``shift`` (int8), or ``constant`` (as weights), the fixed operand of an addition or
            product.
        offset: bytes from the start of flash.
        size_bytes: without alignment.
        make: gives the values. Where something lies follows from sizes, and multipliers take time.
        bits: of each value, if they are packed.
    """

    operator: str
    role: str
    offset: int
    size_bytes: int
    make: Callable[[], NDArray[Any]]
    bits: int | None = None

    @cached_property
    def data(self) -> NDArray[Any]:
        """The values."""
        return self.make()

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The bytes as they lie in flash."""
        if self.bits is not None:
            return pack_weights(self.data, self.bits)
        return np.frombuffer(np.ascontiguousarray(self.data).tobytes(), np.uint8)

    def read(self, flash: NDArray[np.uint8]) -> NDArray[Any]:
        """The values as they stand in the flash bytes."""
        raw = flash[self.offset : self.offset + self.size_bytes]
        if self.bits is not None:
            return unpack_weights(raw, self.bits, self.data.size).reshape(self.data.shape)
        return raw.view(self.data.dtype).reshape(self.data.shape)


class FlashLayout:
    """The constants of a graph, one after the other, each aligned to 4 bytes.

    Args:
        graph: the network.
        packed_bits: of the weights of each operator that has them packed.
    """

    def __init__(self, graph: Graph, packed_bits: Mapping[str, int] = MappingProxyType({})) -> None:
        self.segments: list[Segment] = []
        offset = 0
        for operator in graph.operators:
            for role, size, make in _constants(graph, operator):
                bits = packed_bits.get(operator.name) if role == "weight" else None
                size = size if bits is None else packed_weight_bytes(size, bits)
                self.segments.append(Segment(operator.name, role, offset, size, make, bits))
                offset += -(-size // ALIGNMENT) * ALIGNMENT
        self.size_bytes = offset

    def of(self, operator: str) -> dict[str, Segment]:
        """An operator's constants by role."""
        return self._by_operator.get(operator, {})

    @cached_property
    def _by_operator(self) -> dict[str, dict[str, Segment]]:
        table: dict[str, dict[str, Segment]] = {}
        for segment in self.segments:
            table.setdefault(segment.operator, {})[segment.role] = segment
        return table

    def bytes_of(self, operator: str) -> int:
        """Flash that an operator's constants take."""
        return sum(segment.size_bytes for segment in self.of(operator).values())

    def image(self) -> NDArray[np.uint8]:
        """The bytes as they lie in flash, erased bytes (0xFF) between."""
        flash = np.full(self.size_bytes, 0xFF, np.uint8)
        for segment in self.segments:
            flash[segment.offset : segment.offset + segment.size_bytes] = segment.raw
        return flash


_Constant = tuple[str, int, Callable[[], NDArray[Any]]]
"""Role, bytes, and what gives the values."""


def _constants(graph: Graph, operator: Operator) -> Iterator[_Constant]:
    if not isinstance(operator, WEIGHTED):
        for tensor in graph.inputs_of(operator):
            if tensor.is_constant:
                yield "constant", tensor.size_bytes, tensor.values
        return
    _, weight, bias = graph.inputs_of(operator)
    table = cache(lambda: requantization(graph, operator))
    yield "weight", weight.size_bytes, weight.values
    yield "bias", bias.size_bytes, bias.values
    # For each channel an int32 multiplier and a byte of shift.
    yield "multiplier", 4 * bias.elements, lambda: table().multiplier
    yield "shift", bias.elements, lambda: table().shift.astype(np.int8)
