"""Which input rows and columns an output pixel depends on."""

from dataclasses import dataclass

from tinyml_course.errors import GraphError
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.local_window import LocalWindow, local_windows
from tinyml_course.graph.operators import Operator


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

    def behind(self, window: LocalWindow) -> "Span":
        """The span of an output that looks through ``window``."""
        return Span(
            self.first - window.before * self.step,
            self.last + (window.kernel - 1 - window.before) * self.step,
            self.step * window.stride,
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
    windows = local_windows(graph, operator)
    rows = _union(operator, [source.rows for source in sources])
    columns = _union(operator, [source.columns for source in sources])
    if windows is None:
        return None
    return ReceptiveField(rows.behind(windows[0]), columns.behind(windows[1]))


def _union(operator: Operator, spans: list[Span]) -> Span:
    if len({span.step for span in spans}) != 1:
        steps = sorted({span.step for span in spans})
        raise GraphError(f"{operator.kind} {operator.name} joins maps of strides {steps}")
    first, last = min(s.first for s in spans), max(s.last for s in spans)
    return Span(first, last, spans[0].step)
