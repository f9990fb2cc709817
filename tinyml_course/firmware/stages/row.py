"""What each operator of a streamed stage does to make one row, as C."""

from collections.abc import Callable, Mapping

from tinyml_course.firmware.kernels.depthwise_patch import (
    convolution_layer,
    four_row_layer,
    row_layer,
)
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.stages.code import (
    Body,
    call,
    constant_operands,
    linear,
    of_any_type,
    operands,
)
from tinyml_course.firmware.unpacking import defined
from tinyml_course.graph import Operator
from tinyml_course.graph.operators import DepthwiseConv2D, Pad, Pool
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.planning.inner import is_convolution, planar_maps
from tinyml_course.mcu.scheduling import Region, RowFlow, Tiler


class RowBodies:
    """The statements of a stage's operators; ``row`` is the row that they make.

    Args:
        plan: where everything lies.
        flow: the stage.
        names: for each operator the C function's name.
    """

    def __init__(self, plan: Plan, flow: RowFlow, names: Mapping[str, str]) -> None:
        self.plan, self.flow, self.names = plan, flow, names
        self.stage, self.graph = flow.stage, plan.graph
        self.fours = self._fours()
        self.planar = planar_maps(self.stage) - self._read_by_fours()
        self.tiler = Tiler(self.stage)

    def body(self, index: int, operator: Operator) -> Body:
        """The operator ``index`` of the stage.

        Raises:
            FirmwareError: there is no kernel for it.
        """
        if is_convolution(self.graph, operator):
            return self.conv(index, operator)
        for kind, make in _MAKERS.items():
            if isinstance(operator, kind):
                return make(self, index, operator)
        return self.pixelwise(index, operator)

    def has_room(self, name: str) -> bool:
        """Whether any row of a map is ever kept."""
        return self.plan.find(name, whole=self._is_whole(name)) is not None

    def address(self, name: str, row: str) -> str:
        """C of where a row of a map lies."""
        buffer = self.plan.find(name, whole=self._is_whole(name))
        assert buffer is not None  # somebody asks for it
        size = self.stage.row_bytes(name)
        if not self._is_whole(name):
            slots = buffer.size_bytes // size
            if slots == 1:
                return f"AT({buffer.offset})"
            row = f"{row} % {slots}"
        return f"AT({buffer.offset}) + {row} * {size}" if row != "0" else f"AT({buffer.offset})"

    def reads(self, index: int) -> bool:
        """Whether an operator ever reads a row, instead of padding only."""
        height = self.stage.size(self.stage.operators[index].outputs[0])[0]
        needs = (self.flow.needs(index, row) for row in range(height))
        return any(stop > start for start, stop in needs)

    def conv(self, index: int, operator: Operator) -> Body:
        """A convolution, into a row of either order."""
        name, layer = self.names[operator.name], convolution_layer(self.graph, operator)
        planar = "_planar" if operator.outputs[0] in self.planar else ""
        output, scratch = self._output(operator), self._scratch(operator)
        if layer.function == "tinyml_pointwise":
            pixels = str(self.stage.size(operator.outputs[0])[1])
            source = self.address(operator.inputs[0], "row")
            arguments = f"&{name}_layer", source, output, scratch, pixels
            return Body(
                self._defined(operator, layer),
                (call(f"tinyml_pointwise{planar}", *arguments),),
            )
        made = call(f"{layer.function}_row{planar}", f"&{name}_layer", "rows", output, scratch)
        return Body(self._defined(operator, layer), (*self._window(index, operator), made))

    def depthwise(self, index: int, operator: Operator) -> Body:
        """DEPTHWISE_CONV_2D, from rows of either order."""
        assert isinstance(operator, DepthwiseConv2D)
        planar, name = operator.inputs[0] in self.planar, self.names[operator.name]
        layer = None if planar else self.fours.get(operator.name)
        scratch = () if planar or layer else (self._scratch(operator),)
        layer = layer or row_layer(self.stage, index, planar)
        made = call(layer.function, f"&{name}_layer", "rows", self._output(operator), *scratch)
        return Body(self._defined(operator, layer), (*self._window(index, operator), made))

    def pool(self, index: int, operator: Operator) -> Body:
        """AVERAGE_POOL_2D and MAX_POOL_2D over a few rows."""
        name, layer = self.names[operator.name], plain_layer(self.graph, operator)
        arguments = f"&{name}_layer", "rows", self._output(operator)
        made = call(f"{of_any_type(layer)}_row", *arguments)
        return Body(self._defined(operator, layer), (*self._window(index, operator), made))

    def pixelwise(self, index: int, operator: Operator) -> Body:
        """What makes a row from the same row of each of its inputs."""
        width = self.stage.size(operator.outputs[0])[1]
        tile = self.tiler.tile(index, Region((0, 1), (0, width)))
        assert tile is not None  # it reads the row that it writes
        name, layer = self.names[operator.name], plain_layer(tile.graph, tile.operator)
        constants, known = constant_operands(self.graph, operator, name)
        sources = [known.get(n) or self.address(n, "row") for n in operator.inputs]
        made = call(layer.function, f"&{name}_layer", "in", self._output(operator))
        return Body(self._defined(operator, layer) + constants, (operands(sources), made))

    def pad(self, index: int, operator: Operator) -> Body:
        """PAD: a row of the input with borders, or a row of border."""
        assert isinstance(operator, Pad)
        (source,), output = operator.inputs, operator.outputs[0]
        (height, _), (_, width) = self.stage.size(source), self.stage.size(output)
        above = operator.paddings[1][0]
        tile = self.tiler.tile(index, Region((above, above + 1), (0, width)))
        assert tile is not None  # this row is the input's first
        name, layer = self.names[operator.name], plain_layer(tile.graph, tile.operator)
        written, border = self._output(operator), operator.border(self.graph.output_of(operator))
        lines = (
            f"int32_t y = row - {above};",
            f"if ((uint32_t)y >= {height}) {{",
            f"    memset({written}, {border}, {self.stage.row_bytes(output)});",
            "    return;",
            "}",
            operands([self.address(source, "y")]),
            call(layer.function, f"&{name}_layer", "in", written),
        )
        return Body(self._defined(operator, layer), lines)

    def _fours(self) -> dict[str, LayerCode]:
        """Layers of depthwise convolutions of small maps, which read pixels four by four."""
        found = {}
        for operator in self.stage.operators:
            # Its constants are prepared, and take more flash than weights: none of them is packed.
            packed = self.plan.unpacked(operator.name) is not None
            if isinstance(operator, DepthwiseConv2D) and not packed:
                layer = four_row_layer(self.graph, operator)
                if layer is not None:
                    found[operator.name] = layer
        return found

    def _read_by_fours(self) -> set[str]:
        """Maps that nobody else reads."""
        others = [o for o in self.stage.operators if o.name not in self.fours]
        names = {name for o in self.stage.operators for name in o.inputs}
        return names - {name for operator in others for name in operator.inputs}

    def _defined(self, operator: Operator, layer: LayerCode) -> str:
        return defined(self.plan, operator, layer, self.names[operator.name])

    def _output(self, operator: Operator) -> str:
        return self.address(operator.outputs[0], "row")

    def _scratch(self, operator: Operator) -> str:
        return f"AT({self.plan.scratch(operator.name)[0].offset})"

    def _is_whole(self, name: str) -> bool:
        return name == self.stage.output or (name == self.stage.source and not self.flow.fed)

    def _window(self, index: int, operator: Operator) -> tuple[str, ...]:
        """The rows under the windows of a row of outputs; none where it lies outside of the map."""
        window, source = self.stage.windows[index][0], operator.inputs[0]
        if not self.reads(index):
            return (f"const int8_t *rows[{window.kernel}] = {{0}};",)
        height, first = self.stage.size(source)[0], linear("row", window.stride, -window.before)
        return (
            f"const int8_t *rows[{window.kernel}];",
            f"int32_t y = {first};",
            f"for (int32_t i = 0; i < {window.kernel}; i++, y++)",
            f"    rows[i] = (uint32_t)y < {height} ? {self.address(source, 'y')} : 0;",
        )


_MAKERS: dict[type[Operator], Callable[[RowBodies, int, Operator], Body]] = {
    DepthwiseConv2D: RowBodies.depthwise,
    Pool: RowBodies.pool,
    Pad: RowBodies.pad,
}
