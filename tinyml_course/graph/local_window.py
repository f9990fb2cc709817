"""What an operator looks at along one axis of a map, where it looks at a neighbourhood only."""

from dataclasses import dataclass

from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import (
    Concatenation,
    Dequantize,
    Elementwise,
    Logistic,
    Operator,
    Pad,
    Quantize,
    Unary,
    WindowOperator,
)

_PIXELWISE = (Elementwise, Unary, Logistic, Quantize, Dequantize)


@dataclass(frozen=True)
class Reach:
    """The part of an axis that an operator reads for some of its outputs.

    Attributes:
        start: first position read.
        stop: first position behind.
        before: positions of padding before ``start``.
        after: positions of padding from ``stop`` on.
    """

    start: int
    stop: int
    before: int = 0
    after: int = 0

    @property
    def size(self) -> int:
        """Positions read, padding not counted."""
        return self.stop - self.start

    def moved(self) -> "Reach":
        """The same part as if it started at 0."""
        return Reach(0, self.size, self.before, self.after)


@dataclass(frozen=True)
class LocalWindow:
    """Output ``i`` reads inputs ``i * stride - before`` and the ``kernel - 1`` behind.

    Attributes:
        kernel: positions read.
        stride: between two outputs.
        before: positions of padding before the first input.
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0

    def reach(self, start: int, stop: int, size: int) -> Reach:
        """What outputs ``start .. stop - 1`` read of ``size`` inputs, and the padding around it."""
        first = start * self.stride - self.before
        last = (stop - 1) * self.stride - self.before + self.kernel
        lowest = min(max(first, 0), size)
        return Reach(
            lowest,
            max(min(last, size), lowest),
            max(0, min(last, 0) - first),
            max(0, last - max(first, size)),
        )


def local_windows(graph: Graph, operator: Operator) -> tuple[LocalWindow, LocalWindow] | None:
    """The windows over rows and columns of every activation that an operator reads.

    ``None`` for an operator that mixes positions or moves them: a linear layer, a mean, a
    reshaping, a transposition.
    """
    if isinstance(operator, WindowOperator):
        kernel = operator.kernel(graph.inputs_of(operator))
        (top, _), (left, _) = operator.padding
        rows, columns = operator.stride
        return LocalWindow(kernel[0], rows, top), LocalWindow(kernel[1], columns, left)
    if len(graph.output_of(operator).shape) != 4:
        return None
    if isinstance(operator, Pad):
        _, (top, _), (left, _), _ = operator.paddings
        return LocalWindow(before=top), LocalWindow(before=left)
    joins_channels = isinstance(operator, Concatenation) and operator.axis == 3
    if joins_channels or isinstance(operator, _PIXELWISE):
        return LocalWindow(), LocalWindow()
    return None
