"""Which input rows and columns an output pixel depends on."""

from dataclasses import dataclass

from tinyml_course.errors import GraphError
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import (
    Concatenation,
    Elementwise,
    Operator,
    Pad,
    Unary,
    WindowOperator,
)

# Operators that look at each pixel alone, so that the field of their inputs passes through.
_PIXELWISE = ("QUANTIZE", "DEQUANTIZE", "LOGISTIC")


@dataclass(frozen=True)
class Span:
    """Along one axis: pixel ``i`` depends on input ``i * step + first .. i * step + last``.

    Positions before 0 or behind the end are padding.

    Attributes:
        first: of pixel 0.
        last: of pixel 0.
        step: input positions between two neighbouring pixels.
    """

    first: int = 0
    last: int = 0
    step: int = 1

    @property
    def size(self) -> int:
        """Input positions that one pixel sees."""
        return self.last - self.first + 1

    def window(self, kernel: int, stride: int, before: int) -> "Span":
        """The span behind a window of ``kernel`` taps with ``before`` positions of padding."""
        return Span(
            self.first - before * self.step,
            self.last + (kernel - 1 - before) * self.step,
            self.step * stride,
        )


@dataclass(frozen=True)
class ReceptiveField:
    """Spans of a map, vertical and horizontal."""

    rows: Span
    columns: Span


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """The receptive field of every map on the graph's input.

    Maps behind an operator that mixes all positions (a linear layer, a flattening, a mean) are
    left out: a pixel there sees the whole image.

    Raises:
        GraphError: two maps of different strides meet in one operator.
    """
    fields = {graph.input.name: ReceptiveField(Span(), Span())}
    for operator in graph.operators:
        sources = [fields.get(tensor.name) for tensor in graph.activations_of(operator)]
        known = [source for source in sources if source is not None]
        if len(known) == len(sources):
            passed = _pass(graph, operator, known)
            if passed is not None:
                fields[operator.outputs[0]] = passed
    return fields


def _pass(graph: Graph, operator: Operator, sources: list[ReceptiveField]) -> ReceptiveField | None:
    rows = _union(operator, [source.rows for source in sources])
    columns = _union(operator, [source.columns for source in sources])
    if isinstance(operator, WindowOperator):
        kernel = operator.kernel(graph.inputs_of(operator))
        (top, _), (left, _) = operator.padding
        return ReceptiveField(
            rows.window(kernel[0], operator.stride[0], top),
            columns.window(kernel[1], operator.stride[1], left),
        )
    if isinstance(operator, Pad):
        _, (top, _), (left, _), _ = operator.paddings
        return ReceptiveField(rows.window(1, 1, top), columns.window(1, 1, left))
    if isinstance(operator, Concatenation) and operator.axis != 3:
        return None  # positions move
    pixelwise = isinstance(operator, (Concatenation, Elementwise, Unary))
    if pixelwise or operator.kind in _PIXELWISE:
        return ReceptiveField(rows, columns)
    return None


def _union(operator: Operator, spans: list[Span]) -> Span:
    if len({span.step for span in spans}) != 1:
        steps = sorted({span.step for span in spans})
        raise GraphError(f"{operator.kind} {operator.name} joins maps of strides {steps}")
    first, last = min(s.first for s in spans), max(s.last for s in spans)
    return Span(first, last, spans[0].step)
