"""A stage that runs patch by patch as C: for each operator one function, given the patch's place.

The regions of a map are a table of rows and one of columns, as a patch is where two bands cross
(`PatchFlow`); what an operator reads of them the kernels find out as `LocalWindow.reach` does.
"""

from collections.abc import Callable, Mapping

from tinyml_course.firmware.kernels.depthwise_patch import convolution_layer, patch_layer
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.stages.code import (
    Body,
    StageCode,
    call,
    constant_operands,
    function,
    of_any_type,
    operands,
)
from tinyml_course.firmware.unpacking import defined, unpacking
from tinyml_course.graph import Operator
from tinyml_course.graph.operators import DepthwiseConv2D, Pad, Pool
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.planning.inner import is_convolution
from tinyml_course.mcu.scheduling import PatchFlow, Region, Tiler, Unit

TAKE_REGION = "network_take_region"
"""The function that a patch-fed network asks for a part of its image."""

PLACE = "tinyml_place place"


class PatchStage:
    """A stage that runs patch by patch.

    Args:
        plan: where everything lies.
        unit: the stage.
        flow: its patches.
        names: for each operator the C function's name.
    """

    def __init__(self, plan: Plan, unit: Unit, flow: PatchFlow, names: Mapping[str, str]) -> None:
        self.plan, self.flow, self.names, self.unit = plan, flow, names, unit
        self.stage, self.graph = flow.stage, plan.graph
        self.name = f"network_stage_{unit.index}"
        self.maps = {o.outputs[0]: f"{names[o.name]}_map" for o in unit.operators}
        self.maps[self.stage.source] = f"{self.name}_image"
        # What all readers see only padding of is never written.
        self.operators = [(i, o) for i, o in enumerate(unit.operators) if flow.shapes(i)]

    def code(self) -> StageCode:
        """All of it.

        Raises:
            FirmwareError: an operator for which there is no kernel.
        """
        parts = [_HEAD.format(stage=self.unit.name)]
        parts += [self._map(name) for name in (self.stage.source, *self.stage.inner)]
        parts.append(self._map(self.stage.output))
        arrives = self.flow.fed and self.plan.find(self.stage.source, whole=False) is not None
        if arrives:
            parts.append(self._arrival())
        for index, operator in self.operators:
            body = self._body(index, operator)
            name = self.names[operator.name]
            lines = (*unpacking(self.plan, operator, name), *body.lines)
            text = function(name, PLACE, lines)
            parts.append(body.definition + text)
        functions = tuple(self.names[operator.name] for _, operator in self.operators)
        called = ((f"{self.name}_arrival",) if arrives else ()) + functions
        parts.append(
            _RUN.format(
                name=self.name,
                rows=self.flow.rows,
                columns=self.flow.columns,
                calls="".join(f"            {name}(place);\n" for name in called),
            )
        )
        return StageCode("\n".join(parts), f"    {self.name}();\n", functions)

    def _map(self, name: str) -> str:
        """Where a map lies, and the regions of it."""
        tensor, held = self.graph.tensors[name], self.maps[name]
        enters = name == self.stage.source and not self.flow.fed
        is_whole = enters or name == self.stage.output
        buffer = self.plan.find(name, whole=is_whole)
        tables = "" if enters else self._spans(name)
        fields = {
            "at": "0" if buffer is None else f"AT({buffer.offset})",
            "rows": "0" if enters else f"{held}_rows",
            "columns": "0" if enters else f"{held}_columns",
            "height": tensor.shape[1],
            "width": tensor.shape[2],
            "pixel_bytes": tensor.size_bytes // (tensor.shape[1] * tensor.shape[2]),
            "is_whole": "true" if is_whole else "false",
        }
        inside = "".join(f"    .{field} = {value},\n" for field, value in fields.items())
        return f"{tables}static const tinyml_map {held} = {{\n{inside}}};\n"

    def _spans(self, name: str) -> str:
        regions = {(p.row, p.column): p.regions[name] for p in self.flow.patches}
        rows = [regions[row, 0].rows for row in range(self.flow.rows)]
        columns = [regions[0, column].columns for column in range(self.flow.columns)]
        text = ""
        for axis, spans in (("rows", rows), ("columns", columns)):
            inside = ", ".join(f"{{{start}, {stop}}}" for start, stop in spans)
            text += f"static const tinyml_span {self.maps[name]}_{axis}[] = {{{inside}}};\n"
        return text

    def _arrival(self) -> str:
        held = self.maps[self.stage.source]
        return _ARRIVAL.format(name=self.name, map=held, take=TAKE_REGION)

    def _body(self, index: int, operator: Operator) -> Body:
        if is_convolution(self.graph, operator):
            return self._conv(operator)
        for kind, make in _MAKERS.items():
            if isinstance(operator, kind):
                return make(self, index, operator)
        return self._pixelwise(index, operator)

    def _conv(self, operator: Operator) -> Body:
        layer = convolution_layer(self.graph, operator)
        made = call(f"{layer.function}_patch", *self._maps(operator), self._scratch(operator))
        return Body(self._defined(operator, layer), (made,))

    def _depthwise(self, index: int, operator: Operator) -> Body:
        layer = patch_layer(self.stage, index, self.flow.shapes(index))
        made = call(layer.function, *self._maps(operator), self._scratch(operator))
        return Body(self._defined(operator, layer), (made,))

    def _pool(self, _: int, operator: Operator) -> Body:
        layer = plain_layer(self.graph, operator)
        made = call(f"{of_any_type(layer)}_patch", *self._maps(operator))
        return Body(self._defined(operator, layer), (made,))

    def _defined(self, operator: Operator, layer: LayerCode) -> str:
        return defined(self.plan, operator, layer, self.names[operator.name])

    def _maps(self, operator: Operator) -> tuple[str, ...]:
        """What every kernel takes that works on patches."""
        source, output = self.maps[operator.inputs[0]], self.maps[operator.outputs[0]]
        return f"&{self.names[operator.name]}_layer", f"&{source}", f"&{output}", "place"

    def _scratch(self, operator: Operator) -> str:
        buffers = self.plan.scratch(operator.name)
        return f"AT({buffers[0].offset})" if buffers else "0"

    def _pixelwise(self, index: int, operator: Operator) -> Body:
        """What makes a pixel from the same pixel of each of its inputs."""
        tile = self.tiler.tile(index, Region((0, 1), (0, 1)))
        assert tile is not None  # it reads the pixel that it writes
        name, layer = self.names[operator.name], plain_layer(tile.graph, tile.operator)
        constants, known = constant_operands(self.graph, operator, name)
        patches, pixels = [], []
        for position, source in enumerate(operator.inputs):
            if source not in known:
                patches.append(self._patch(f"patch{position}", source, operator, (0, 0)))
                pixels.append(f"patch_pixel(&patch{position}, y, x)")
            else:
                pixels.append(known[source])
        first = patches[0].split()[1]
        written = f"patch_output(&{first}, y, x)"
        return Body(
            self._defined(operator, layer) + constants,
            (
                *patches,
                f"for (int32_t y = 0; y < {first}.out_height; y++)",
                f"    for (int32_t x = 0; x < {first}.out_width; x++) {{",
                f"        {operands(pixels)}",
                f"        {call(layer.function, f'&{name}_layer', 'in', written, indent=3)}",
                "    }",
            ),
        )

    def _pad(self, index: int, operator: Operator) -> Body:
        """A pixel of the input, or one of border."""
        assert isinstance(operator, Pad)
        output, (top, left) = operator.outputs[0], (pair[0] for pair in operator.paddings[1:3])
        tile = self.tiler.tile(index, Region((top, top + 1), (left, left + 1)))
        assert tile is not None  # this pixel is the input's first
        name, layer = self.names[operator.name], plain_layer(tile.graph, tile.operator)
        pixel_bytes = self.stage.row_bytes(output) // self.stage.size(output)[1]
        border = operator.border(self.graph.output_of(operator))
        return Body(
            self._defined(operator, layer),
            (
                self._patch("patch", operator.inputs[0], operator, (top, left)),
                "for (int32_t y = 0; y < patch.out_height; y++)",
                "    for (int32_t x = 0; x < patch.out_width; x++) {",
                f"        {operands(['patch_pixel(&patch, y, x)'])}",
                "        int8_t *out = patch_output(&patch, y, x);",
                "        if (in[0])",
                f"            {layer.function}(&{name}_layer, in, out);",
                "        else",
                f"            memset(out, {border}, {pixel_bytes});",
                "    }",
            ),
        )

    def _patch(self, name: str, source: str, operator: Operator, before: tuple[int, int]) -> str:
        """C that finds what is read pixel by pixel."""
        windows = [f"(tinyml_window){{1, 1, {offset}}}" for offset in before]
        maps = f"&{self.maps[source]}", f"&{self.maps[operator.outputs[0]]}"
        return f"tinyml_patch {name} = {call('tinyml_patch_of', *maps, *windows, 'place')}"

    @property
    def tiler(self) -> Tiler:
        """Operators on regions."""
        return Tiler(self.stage)


_MAKERS: dict[type[Operator], Callable[[PatchStage, int, Operator], Body]] = {
    DepthwiseConv2D: PatchStage._depthwise,
    Pool: PatchStage._pool,
    Pad: PatchStage._pad,
}

_HEAD = """\
/* Patch by patch: {stage}.
   Of every map the rows and columns that each patch needs; halos are in those of several. */
"""

_ARRIVAL = """\
static void {name}_arrival(tinyml_place place) {{
    tinyml_span rows = {map}_rows[place.row];
    tinyml_span columns = {map}_columns[place.column];
    int32_t height = rows.stop - rows.start, width = columns.stop - columns.start;
    if (!height || !width) return;
    {take}(rows.start, columns.start, height, width, {map}.at);
}}
"""

_RUN = """\
static void {name}(void) {{
    for (tinyml_place place = {{0, 0}}; place.row < {rows}; place.row++)
        for (place.column = 0; place.column < {columns}; place.column++) {{
{calls}        }}
}}
"""
