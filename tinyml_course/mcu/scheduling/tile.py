"""One operator on a part of its maps, as a graph of its own: for kernels and overlap rules."""

import dataclasses
from dataclasses import dataclass

from tinyml_course.graph import Graph, Operator, Tensor
from tinyml_course.graph.local_window import Reach
from tinyml_course.graph.operators import Pad, Pool, WindowOperator
from tinyml_course.mcu.scheduling.region import Region
from tinyml_course.mcu.scheduling.stage_graph import StageGraph


@dataclass(frozen=True)
class Tile:
    """What an operator needs to write a region of its output.

    Attributes:
        graph: the operator alone, between maps of the regions' sizes.
        operator: with its padding cut down to what touches the region.
        source: the region of every activation it reads.
    """

    graph: Graph
    operator: Operator
    source: Region


class Tiler:
    """The operators of a stage on regions; regions of one size at alike borders share a graph."""

    def __init__(self, stage: StageGraph) -> None:
        self.stage = stage
        self._made: dict[tuple[int, Reach, Reach], tuple[Graph, Operator]] = {}

    def tile(self, index: int, region: Region) -> Tile | None:
        """The operator ``index`` of the stage that writes ``region``.

        ``None`` if all of the region is border, so that nothing is read.
        """
        stage, operator = self.stage, self.stage.operators[index]
        rows, columns = stage.reaches(index, region)
        reads = Region((rows.start, rows.stop), (columns.start, columns.stop))
        if not reads.pixels:
            return None
        key = (index, rows.moved(), columns.moved())
        if key not in self._made:
            part = _with_padding(operator, rows, columns)
            self._made[key] = _alone(stage.graph, part, reads, region), part
        return Tile(*self._made[key], reads)

    def one_row(self, index: int) -> tuple[Graph, Operator]:
        """A pool whose window is one row high, on one row of its input."""
        stage, pool = self.stage, self.stage.operators[index]
        assert isinstance(pool, Pool)
        (_, _), across = pool.padding
        part = dataclasses.replace(pool, size=(1, pool.size[1]), padding=((0, 0), across))
        columns, written = (stage.size(n)[1] for n in (pool.inputs[0], pool.outputs[0]))
        reads, writes = Region((0, 1), (0, columns)), Region((0, 1), (0, written))
        return _alone(stage.graph, part, reads, writes), part

    def border(self, index: int, region: Region) -> tuple[Graph, Operator]:
        """A windowed operator for a region all of whose windows lie in the padding.

        Its input is as large as the windows and holds the zero point.
        """
        operator, windows = self.stage.operators[index], self.stage.windows[index]
        seen = [
            (0, (stop - start - 1) * window.stride + window.kernel)
            for (start, stop), window in zip((region.rows, region.columns), windows, strict=True)
        ]
        part = _with_padding(operator, Reach(0, 0), Reach(0, 0))
        return _alone(self.stage.graph, part, Region(seen[0], seen[1]), region), part


def _alone(graph: Graph, operator: Operator, reads: Region, writes: Region) -> Graph:
    """A graph of this operator only, between maps of the regions' sizes."""
    tensors = {}  # an operator may read one map twice
    for tensor in graph.inputs_of(operator):
        tensors[tensor.name] = tensor if tensor.is_constant else _resized(tensor, reads)
    output = graph.output_of(operator)
    tensors[output.name] = _resized(output, writes)
    entering = dict.fromkeys(t.name for t in graph.activations_of(operator))
    return Graph(operator.name, tensors.values(), [operator], tuple(entering), operator.outputs)


def _resized(tensor: Tensor, region: Region) -> Tensor:
    size = (region.rows[1] - region.rows[0], region.columns[1] - region.columns[0])
    return dataclasses.replace(tensor, shape=(1, *size, tensor.shape[3]))


def _with_padding(operator: Operator, rows: Reach, columns: Reach) -> Operator:
    padding = ((rows.before, rows.after), (columns.before, columns.after))
    if isinstance(operator, WindowOperator):
        return dataclasses.replace(operator, padding=padding)
    if isinstance(operator, Pad):
        batch, _, _, channels = operator.paddings
        return dataclasses.replace(operator, paddings=(batch, *padding, channels))
    return operator
