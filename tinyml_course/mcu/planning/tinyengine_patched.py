"""TinyEngine's memory where its first operators run patch by patch (MCUNetV2, section 3.1).

The rule of the engine's own code generator, quirks and all, which equals the peak that it prints
to the byte. Its parts and where they come from, in mit-han-lab/tinyengine's ``code_generator/``:

- the patch (``PatchBasedUtil.py``): ``size // patches`` pixels of the last patched map a side,
  widened operator by operator backwards to ``(g - 1) * stride + k``. All patches have the same
  size, with the padding at the image's border inside; the pixels that ``//`` drops belong to none;
- the maps of the stage (``PatchResizer`` in ``InputResizer.py``): the patch forwards without
  padding. The output of an addition keeps the size of the whole map;
- lifetimes (``PatchResizer``, ``GeneralMemoryScheduler.py``): where the stage ends, the first
  input of the next operator is a second tensor, the whole map, held from the first step. Who
  reads that map later, an addition for instance, is still given the patch. The search for readers
  starts behind the operator at which a tensor is met, and a tensor without any is held to the
  end. So the whole map is, and so is the patch's output unless it lies over an input;
- offsets (``allocator/firstFit.py``), scratch and kernel copies as without patches, the depthwise
  scratch for the patch. The image that patches are cut from is not counted.

Not imitated is what makes the generator overlap live maps: a depthwise convolution over a map that
is read again later, and a free list that loses entries while it is walked. Nor that a map placed
after a larger later one counts whole beside it even where only its quarter lives. On the networks
of ``architectures.json`` none of the three changes a peak.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph, Lifetime, Operator
from tinyml_course.graph.operators import Add, Conv2D, DepthwiseConv2D
from tinyml_course.graph.operators.windows import NO_PADDING
from tinyml_course.mcu.planning.first_fit import Block, first_fit
from tinyml_course.mcu.planning.layout import Buffer, Role
from tinyml_course.mcu.planning.part import Part
from tinyml_course.mcu.planning.tinyengine import (
    _aligned,
    _kernel_copies,
    _scratch,
    runs_in_place,
)

PATCH = ".patch"
"""Behind the name of a map: the buffer that holds one patch of it."""


def tinyengine_patched(graph: Graph, split: int, patches: int) -> tuple[Buffer, ...]:
    """Where TinyEngine puts a network whose first ``split`` operators run patch by patch.

    The buffers are what the engine would reserve; they are not a plan to execute, for patches
    that do not divide the map leave pixels out, and additions may read what was never whole.

    Args:
        graph: a network of square or rectangular maps, no padding or reshaping operators in the
            stage: the generator does not count those.
        split: operators in the stage, at least 2; the generator's ``split_idx``.
        patches: on each side; ``2`` means 2x2.

    Returns:
        Activations, those of the stage with `PATCH` behind their name, scratch and kernel copies,
        in bytes; steps are operators of ``graph``. The largest `Buffer.end` is the peak.

    Raises:
        ScheduleError: there is no such stage, the generator cannot run it by patches, or its
            output has too few pixels for them.
    """
    stage = _stage(graph, split, patches)
    regions = _regions(graph, stage)
    offsets = first_fit([region.block() for region in regions])
    buffers = [buffer for region in regions for buffer in region.buffers(offsets[region.name])]
    activations_end = max(offsets[region.name] + region.size_bytes for region in regions)
    scratch = dict(_scratch(graph))
    for on_patch in stage:
        scratch |= _scratch(on_patch.alone)
    copies = dict(_kernel_copies(graph))
    copies_start = activations_end + max(scratch.values(), default=0)
    parts: list[tuple[Role, int, dict[str, int]]] = [
        ("scratch", activations_end, scratch),
        ("kernel copy", copies_start, copies),
    ]
    buffers += [
        Buffer(operator.name, role, start, sizes[operator.name], Lifetime(step, step))
        for step, operator in enumerate(graph.operators)
        for role, start, sizes in parts
        if operator.name in sizes
    ]
    return tuple(buffers)


@dataclass(frozen=True)
class _OnPatch:
    """An operator of the stage.

    Attributes:
        alone: a graph of this one operator, on a patch, without padding.
        output_bytes: what the generator keeps for the output.
    """

    alone: Graph
    output_bytes: int


def _stage(graph: Graph, split: int, patches: int) -> list[_OnPatch]:
    """The operators of the stage on their patches, in order."""
    if not 2 <= split < len(graph.operators):
        # Of one operator alone the generator lets patch and output overlap.
        raise ScheduleError(
            f"{graph.name}: a stage of {split} operators; TinyEngine needs at least 2, and one of "
            f"the {len(graph.operators)} behind it"
        )
    operators = graph.operators[:split]
    for operator in operators:
        _check(operator)
    _, height, width, _ = graph.inputs_of(graph.operators[split])[0].shape
    if not 1 <= patches <= min(height, width):
        raise ScheduleError(
            f"{graph.name}: {operators[-1].name} has {height} x {width} pixels, it cannot be cut "
            f"into {patches} x {patches} patches"
        )
    # The width of a patch comes from the longer side.
    size = (height // patches, max(height, width) // patches)
    for operator in reversed(operators):
        size = _input_size(graph, operator, size)
    stage = []
    for operator in operators:
        alone = _alone(graph, operator, size)
        _, rows, columns, _ = alone.output.shape
        size = (rows, columns)
        output = graph.output_of(operator) if isinstance(operator, Add) else alone.output
        stage.append(_OnPatch(alone, output.size_bytes))
    return stage


def _check(operator: Operator) -> None:
    strides = operator.stride if isinstance(operator, (Conv2D, DepthwiseConv2D)) else (1, 1)
    if not isinstance(operator, (Conv2D, DepthwiseConv2D, Add)) or not {*strides} <= {1, 2}:
        raise ScheduleError(
            f"{operator.name} ({operator.kind}, stride {strides}): TinyEngine runs only "
            "convolutions of stride 1 or 2 and additions patch by patch; end the stage before it"
        )


def _input_size(graph: Graph, operator: Operator, size: tuple[int, int]) -> tuple[int, int]:
    """``(H, W)`` of input behind ``(H, W)`` of output, padding counted as input."""
    if not isinstance(operator, (Conv2D, DepthwiseConv2D)):
        return size
    # The generator takes the longer side of a kernel and the vertical stride for both axes.
    kernel, stride = max(operator.kernel(graph.inputs_of(operator))), operator.stride[0]
    return (size[0] - 1) * stride + kernel, (size[1] - 1) * stride + kernel


def _alone(graph: Graph, operator: Operator, size: tuple[int, int]) -> Graph:
    """The operator as a graph of its own, its inputs ``size`` (rows, columns) large."""
    if isinstance(operator, (Conv2D, DepthwiseConv2D)):
        operator = replace(operator, padding=NO_PADDING)
    inputs = [
        t if t.is_constant else replace(t, shape=(1, *size, t.shape[3]))
        for t in graph.inputs_of(operator)
    ]
    output = replace(graph.output_of(operator), shape=operator.output_shape(inputs))
    sources = [t.name for t in inputs if not t.is_constant]
    return Graph(graph.name, [*inputs, output], [operator], sources, operator.outputs)


@dataclass(frozen=True)
class _Map:
    """A tensor as the generator sees it.

    Attributes:
        name: of its buffer.
        size_bytes: bytes without alignment.
    """

    name: str
    size_bytes: int


@dataclass(frozen=True)
class _Step:
    """An operator with the maps that it is given.

    Attributes:
        reads: inputs but constants.
        writes: the output.
        in_place: whether the output takes the first input's place.
        strided: whether it is a depthwise convolution of stride 2.
    """

    reads: list[_Map]
    writes: _Map
    in_place: bool
    strided: bool


def _steps(graph: Graph, stage: list[_OnPatch]) -> Iterator[_Step]:
    given: dict[str, _Map] = {}
    for step, operator in enumerate(graph.operators):
        name = operator.outputs[0]
        if step < len(stage):
            sources, end = stage[step].alone.activations_of(operator), PATCH
            written = _Map(name + PATCH, stage[step].output_bytes)
        else:
            sources, end = graph.activations_of(operator), ""
            written = _Map(name, graph.tensors[name].size_bytes)
        for tensor in sources:
            given.setdefault(tensor.name, _Map(tensor.name + end, tensor.size_bytes))
        reads = [given[tensor.name] for tensor in sources]
        if step == len(stage):
            # This one input is whole; who reads the same tensor later gets the patch.
            reads[0] = _Map(sources[0].name, sources[0].size_bytes)
        given[name] = written
        strided = isinstance(operator, DepthwiseConv2D) and operator.stride == (2, 2)
        yield _Step(reads, written, runs_in_place(graph, operator), strided)


@dataclass
class _Region:
    """A map, and the depthwise outputs that are written over it one after the other.

    Attributes:
        maps: each with the step from which on it lies here.
        last: the last step that reads one of them.
        strided: the step of the last depthwise convolution of stride 2 that writes here.
    """

    maps: list[tuple[_Map, int]]
    last: int
    strided: int | None = None

    @property
    def name(self) -> str:
        """The first map's."""
        return self.maps[0][0].name

    @property
    def size_bytes(self) -> int:
        """Bytes, aligned: those of the first map, whatever lies there later."""
        return _aligned(self.maps[0][0].size_bytes)

    def block(self) -> Block:
        """What is to be placed. After a stride of 2 a quarter counts, whatever the output has."""
        first = self.maps[0][1]
        if self.strided is None or self.strided >= self.last:
            return Block((self.name,), (Part(self.size_bytes, Lifetime(first, self.last)),))
        whole = Part(self.size_bytes, Lifetime(first, self.strided))
        quarter = Part(-(-self.size_bytes // 4), Lifetime(self.strided + 1, self.last))
        return Block((self.name,), (whole, quarter))

    def buffers(self, offset: int) -> Iterator[Buffer]:
        """One for each map, up to the step that writes the next over it."""
        ends = [*(first for _, first in self.maps[1:]), self.last]
        for (held, first), last in zip(self.maps, ends, strict=True):
            yield Buffer(held.name, "activation", offset, held.size_bytes, Lifetime(first, last))


def _regions(graph: Graph, stage: list[_OnPatch]) -> list[_Region]:
    """Every map's place over time, in the order in which the generator meets them."""
    end = len(graph.operators) - 1
    regions: dict[str, _Region] = {}
    for index, step in enumerate(_steps(graph, stage)):
        # Without a reader at a later step a map is held to the end, but not what is met at once.
        unread = end if index else 0
        for source in step.reads:
            if source.name in regions:
                regions[source.name].last = index
            else:  # written by no operator of its own: it has its place from the first step on
                regions[source.name] = _Region([(source, 0)], unread)
        if step.in_place:
            region = regions[step.writes.name] = regions[step.reads[0].name]
            region.maps.append((step.writes, index))
            region.strided = index if step.strided else region.strided
        else:
            regions[step.writes.name] = _Region([(step.writes, index)], unread)
    return [region for name, region in regions.items() if name == region.name]
