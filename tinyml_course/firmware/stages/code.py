"""Pieces of C that both kinds of stages are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyml_course.firmware.kernels.layer_code import LayerCode, array
from tinyml_course.graph import Graph, Operator

LINE = 100
"""Of C that people read: characters."""


@dataclass(frozen=True)
class StageCode:
    """C of a stage.

    Attributes:
        definition: constants and functions.
        call: the function that runs all of it.
        operators: the functions of the operators.
    """

    definition: str
    call: str
    operators: tuple[str, ...]


@dataclass(frozen=True)
class Body:
    """An operator on one row or one patch.

    Attributes:
        definition: constants and the layer's description.
        lines: statements.
    """

    definition: str
    lines: tuple[str, ...]


def function(name: str, parameter: str, lines: Sequence[str]) -> str:
    """C of a function of an operator; it has the parameter ``"int32_t row"`` if it needs it."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"TINYML_OPERATOR static void {name}({parameter}) {{\n{body}}}\n"


def constant_operands(graph: Graph, operator: Operator, name: str) -> tuple[str, dict[str, str]]:
    """Constants that an operator works with element by element, and the C name of each."""
    constants = [t for t in graph.inputs_of(operator) if t.is_constant]
    names = {tensor.name: f"{name}_in{index}" for index, tensor in enumerate(constants)}
    return "".join(array(names[t.name], t.values().view(np.int8)) for t in constants), names


def call(function: str, *arguments: str, indent: int = 1) -> str:
    """C of a call, on several lines if it is long.

    Args:
        function: what is called.
        arguments: of it.
        indent: how deep it stands; four blanks each.
    """
    line = f"{function}({', '.join(arguments)});"
    if 4 * indent + len(line) <= LINE:
        return line
    blanks = "    " * indent
    inside = ", ".join(arguments)
    if 4 * indent + 4 + len(inside) > LINE:
        inside = f",\n{blanks}    ".join(arguments)
    return f"{function}(\n{blanks}    {inside}\n{blanks});"


def operands(addresses: Sequence[str]) -> str:
    """C of what a kernel takes that has several inputs."""
    return f"const int8_t *const in[] = {{{', '.join(addresses)}}};"


def of_any_type(layer: LayerCode) -> str:
    """The function of a pool, whose rows know from the layer whether they are uint8."""
    return layer.function.removesuffix("_uint8")


def linear(variable: str, factor: int, offset: int) -> str:
    """C of ``variable * factor + offset``.

    >>> linear("row", 1, -1)
    'row - 1'
    """
    scaled = variable if factor == 1 else f"{variable} * {factor}"
    if not offset:
        return scaled
    return f"{scaled} {'+' if offset > 0 else '-'} {abs(offset)}"
