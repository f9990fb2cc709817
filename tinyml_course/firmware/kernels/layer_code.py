"""A layer's constants and its description, as C."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUMBERS_PER_LINE = 24


@dataclass(frozen=True, eq=False)
class LayerCode:
    """What the generated program says about one layer.

    Attributes:
        struct: type of the description.
        function: the kernel that takes it.
        arrays: constants in flash, by the field that points to them.
        fields: all others, as C expressions.
        carried: of how many weights each second one has a carry taken off (see `PackedConv`).
    """

    struct: str
    function: str
    arrays: Mapping[str, NDArray[np.int8] | NDArray[np.int32]]
    fields: Mapping[str, str | int]
    carried: int = 0

    def definition(self, name: str) -> str:
        """C that defines the constants and the description ``name``."""
        lines = [array(f"{name}_{field}", data) for field, data in self.arrays.items()]
        values = {field: f"{name}_{field}" for field in self.arrays} | dict(self.fields)
        inside = "".join(f"    .{field} = {value},\n" for field, value in values.items())
        return "".join(lines) + f"static const {self.struct} {name} = {{\n{inside}}};\n"


def array(name: str, data: NDArray[np.int8] | NDArray[np.int32]) -> str:
    """C that defines an array in flash, at a multiple of four."""
    numbers = [str(int(v)) if v > -(2**31) else "INT32_MIN" for v in data.ravel()]
    lines = [
        ", ".join(numbers[i : i + NUMBERS_PER_LINE])
        for i in range(0, len(numbers), NUMBERS_PER_LINE)
    ]
    body = ",\n    ".join(lines)
    # LDM and LDRD want multiples of four.
    aligned = "__attribute__((aligned(4))) "
    return f"{aligned}static const {data.dtype}_t {name}[] = {{\n    {body},\n}};\n"
