"""A stage: neighbouring operators of which each output needs a neighbourhood of the input only."""

from dataclasses import dataclass

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph, Operator, lifetimes
from tinyml_course.graph.local_window import LocalWindow, Reach, local_windows
from tinyml_course.mcu.scheduling.region import Region


@dataclass(frozen=True)
class StageGraph:
    """Operators ``first .. last`` of a graph, checked: one map enters, one map leaves.

    Attributes:
        graph: the whole graph.
        first: index of the first operator.
        last: index of the last one.
        source: name of the map that enters.
        output: name of the map that leaves.
        windows: over rows and columns, for each operator from ``first`` on.
    """

    graph: Graph
    first: int
    last: int
    source: str
    output: str
    windows: tuple[tuple[LocalWindow, LocalWindow], ...]

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The stage's operators, in execution order."""
        return self.graph.operators[self.first : self.last + 1]

    @property
    def inner(self) -> tuple[str, ...]:
        """Maps that are written and read inside only."""
        return tuple(operator.outputs[0] for operator in self.operators[:-1])

    def size(self, name: str) -> tuple[int, int]:
        """Rows and columns of a map."""
        _, rows, columns, _ = self.graph.tensors[name].shape
        return rows, columns

    def reaches(self, operator: int, region: Region) -> tuple[Reach, Reach]:
        """The rows and columns that an operator of the stage reads for a region of its output."""
        source = self.graph.activations_of(self.operators[operator])[0]
        rows, columns = self.windows[operator]
        return (
            rows.reach(*region.rows, source.shape[1]),
            columns.reach(*region.columns, source.shape[2]),
        )

    def row_bytes(self, name: str) -> int:
        """Bytes of one row of a map."""
        tensor = self.graph.tensors[name]
        return tensor.size_bytes // tensor.shape[1]


def stage_graph(graph: Graph, first: int, last: int) -> StageGraph:
    """Operators ``first .. last`` as a stage.

    Raises:
        ScheduleError: naming the operator that cannot work on a part of its input, or the map
            that enters or leaves in the middle, and a cut that is possible.
    """
    if not 0 <= first <= last < len(graph.operators):
        count = len(graph.operators)
        raise ScheduleError(f"{graph.name} has operators 0..{count - 1}, not {first}..{last}")
    operators = graph.operators[first : last + 1]
    windows = tuple(_windows(graph, operator) for operator in operators)
    written = {operator.outputs[0] for operator in operators}
    entering = dict.fromkeys(
        tensor.name
        for operator in operators
        for tensor in graph.activations_of(operator)
        if tensor.name not in written
    )
    if len(entering) != 1:
        names = ", ".join(entering)
        raise ScheduleError(
            f"{operators[0].name} .. {operators[-1].name} cuts into a branch: {len(entering)} maps "
            f"enter ({names}), one may; start where the branch starts"
        )
    output = operators[-1].outputs[0]
    for operator in operators[:-1]:
        name = operator.outputs[0]
        readers = graph.consumers(name)
        outside = [reader.name for reader in readers if reader not in operators]
        if outside or name in graph.outputs:
            by = f"{outside[0]} reads it" if outside else "it is an output of the graph"
            raise ScheduleError(
                f"{operators[0].name} .. {operators[-1].name} cuts into a branch: {name} leaves "
                f"in the middle ({by}); end where the branch ends"
            )
        if not readers:
            raise ScheduleError(f"{operator.name}: nobody reads {name}")
    return StageGraph(graph, first, last, next(iter(entering)), output, windows)


def cut_points(graph: Graph) -> list[int]:
    """Operators behind which only their own output is alive: where a stage may begin or end."""
    spans = lifetimes(graph)
    points = []
    for index, operator in enumerate(graph.operators[:-1]):
        alive = [name for name, span in spans.items() if span.first <= index < span.last]
        if alive == [operator.outputs[0]]:
            points.append(index)
    return points


def _windows(graph: Graph, operator: Operator) -> tuple[LocalWindow, LocalWindow]:
    windows = local_windows(graph, operator)
    if windows is None:
        raise ScheduleError(
            f"{operator.kind} {operator.name} cannot work on a part of its input: it mixes or "
            "moves positions; end the stage before it"
        )
    output = graph.output_of(operator)
    for tensor in graph.inputs_of(operator):
        is_map = len(tensor.shape) == 4 and tensor.shape[1:3] != (1, 1)
        sees_itself = operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and tensor.is_constant
        if sees_itself or (tensor.is_constant and not is_map):
            continue
        if windows == (LocalWindow(), LocalWindow()) and tensor.shape[1:3] != output.shape[1:3]:
            raise ScheduleError(
                f"{operator.kind} {operator.name} repeats {tensor.name} {tensor.shape} over "
                f"{output.shape}: it cannot work on a part of it; end the stage before it"
            )
        if tensor.is_constant:
            raise ScheduleError(
                f"{operator.kind} {operator.name} reads the constant map {tensor.name}, which "
                "cannot be given part by part; end the stage before it"
            )
    return windows
