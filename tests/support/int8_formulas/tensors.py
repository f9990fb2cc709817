"""Nested lists by shape and index, and what a graph says of its tensors."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from int8_formulas.scalars import activation_range
from tinyml_course.graph import Graph, Operator

Index = tuple[int, ...]


def shape_of(nested: Any) -> Index:
    """Lengths of a nested list, outermost first; ``()`` for a number."""
    return (len(nested), *shape_of(nested[0])) if isinstance(nested, list) else ()


def indices(shape: Sequence[int]) -> Iterator[Index]:
    """Every index of ``shape`` in raster order."""
    return product(*(range(n) for n in shape))


def at(nested: Any, index: Sequence[int]) -> Any:
    """The element at ``index``."""
    for i in index:
        assert i >= 0  # Python would count from the end
        nested = nested[i]
    return nested


def flat(nested: Any) -> list[Any]:
    """Every element in raster order."""
    return [at(nested, index) for index in indices(shape_of(nested))]


def input_quantization(graph: Graph, operator: Operator, which: int = 0) -> tuple[float, int]:
    """Scale and zero point of an input."""
    scale, zero_point = graph.inputs_of(operator)[which].scale_and_zero_point()
    return float(scale), zero_point


def output_quantization(graph: Graph, operator: Operator) -> tuple[float, int]:
    """Scale and zero point of the output."""
    scale, zero_point = graph.output_of(operator).scale_and_zero_point()
    return float(scale), zero_point


def fused_limits(graph: Graph, operator: Any) -> tuple[int, int]:
    """What the fused activation lets through."""
    return activation_range(operator.activation, *output_quantization(graph, operator))
