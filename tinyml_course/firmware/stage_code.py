"""A streamed stage as C: for each operator a function that makes a row, and one that asks for rows.

Who is asked for rows up to one asks its own sources first, row by row: the order of `RowFlow`, by
which the planner sized the rings. Where a depthwise convolution reads, a ring's rows are planar,
channel by channel; everywhere else pixel by pixel.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.depthwise_layer import depthwise_layer
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.graph import Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, Elementwise
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import Region, RowFlow, Tiler, Unit

TAKE_ROW = "network_take_row"
"""The function that a row-fed network asks for a row of its image."""


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


def stage_code(plan: Plan, unit: Unit, names: Mapping[str, str]) -> StageCode:
    """The C of a stage that streams.

    Args:
        plan: where everything lies.
        unit: the stage.
        names: for each operator the C function's name.

    Raises:
        FirmwareError: patches; an operator that has no C for single rows; a depthwise convolution
            whose rows are not made by a convolution of the stage.
    """
    if not isinstance(unit.flow, RowFlow):
        raise FirmwareError(f"{unit.name}: there is no C for patches yet; stream the stage")
    return _Stage(plan, unit, unit.flow, names).code()


class _Stage:
    def __init__(self, plan: Plan, unit: Unit, flow: RowFlow, names: Mapping[str, str]) -> None:
        self.plan, self.flow, self.names = plan, flow, names
        self.stage, self.graph = flow.stage, plan.graph
        self.name = f"network_stage_{unit.index}"
        self.makers = {o.outputs[0]: names[o.name] for o in unit.operators}
        if flow.fed:
            self.makers[self.stage.source] = f"{self.name}_image"
        self.planar = {
            operator.inputs[0]
            for operator in unit.operators
            if isinstance(operator, DepthwiseConv2D)
        }
        self.operators = unit.operators

    def code(self) -> StageCode:
        for name in self.planar:
            self._check_planar(name)
        makers = self.makers.values()
        parts = [f"static int32_t {', '.join(f'{maker}_made' for maker in makers)};\n"]
        if self.flow.fed:
            parts.append(self._arrival())
        parts += [self._operator(index, operator) for index, operator in enumerate(self.operators)]
        last = self.makers[self.stage.output]
        reset = " = ".join(f"{maker}_made" for maker in makers)
        rows = self.stage.size(self.stage.output)[0]
        parts.append(
            f"static void {self.name}(void) {{\n    {reset} = 0;\n    {last}_to({rows});\n}}\n"
        )
        functions = tuple(self.names[operator.name] for operator in self.operators)
        return StageCode("".join(parts), f"    {self.name}();\n", functions)

    def _check_planar(self, name: str) -> None:
        readers = [o for o in self.operators if name in o.inputs]
        maker = next((o for o in self.operators if o.outputs[0] == name), None)
        if not all(isinstance(reader, DepthwiseConv2D) for reader in readers):
            others = [r.name for r in readers if not isinstance(r, DepthwiseConv2D)]
            raise FirmwareError(
                f"{name} is read by a depthwise convolution, channel by channel, and by "
                f"{others[0]}, pixel by pixel; there is no C for a ring in both orders yet"
            )
        if not isinstance(maker, Conv2D):
            raise FirmwareError(
                f"{readers[0].name} reads rows of {name}, which no convolution of its stage makes; "
                "there is no C for that yet, begin the stage one operator earlier or behind it"
            )

    def _row(self, name: str, row: str) -> str:
        """The address of a row."""
        buffer = self.plan.find(name, whole=self._is_whole(name))
        if buffer is None:
            raise FirmwareError(f"nobody asks for a row of {name}; leave its operator out")
        size = self.stage.row_bytes(name)
        if not self._is_whole(name):
            slots = buffer.size_bytes // size
            if slots == 1:
                return f"AT({buffer.offset})"
            row = f"{row} % {slots}"
        return f"AT({buffer.offset}) + {row} * {size}"

    def _is_whole(self, name: str) -> bool:
        return name == self.stage.output or (name == self.stage.source and not self.flow.fed)

    def _arrival(self) -> str:
        maker, source = self.makers[self.stage.source], self.stage.source
        return (
            f"static void {maker}_to(int32_t stop) {{\n"
            f"    for (; {maker}_made < stop; {maker}_made++)\n"
            f"        {TAKE_ROW}({maker}_made, {self._row(source, f'{maker}_made')});\n}}\n"
        )

    def _operator(self, index: int, operator: Operator) -> str:
        if self.flow.sum_bytes[index]:
            return self._average(index, operator)
        name = self.names[operator.name]
        window = self.stage.windows[index][0]
        definition, body = self._body(index, operator)
        height = self.stage.size(self.graph.activations_of(operator)[0].name)[0]
        asks = ""
        for tensor in self.graph.activations_of(operator):
            maker = self.makers.get(tensor.name)
            if maker is None:
                continue
            if window.stride > window.kernel:  # rows between two windows are never made
                asks += f"        if ({maker}_made < first) {maker}_made = first;\n"
            asks += f"        {maker}_to(first + {window.kernel} < {height} ? "
            asks += f"first + {window.kernel} : {height});\n"
        first = f"{name}_made * {window.stride} - {window.before}"
        return (
            f"{definition}TINYML_OPERATOR static void {name}(int32_t row) {{\n{body}}}\n"
            f"static void {name}_to(int32_t stop) {{\n"
            f"    for (; {name}_made < stop; {name}_made++) {{\n"
            f"        int32_t first = {first};\n"
            f"        (void)first;\n{asks}        {name}({name}_made);\n    }}\n}}\n"
        )

    def _average(self, index: int, operator: Operator) -> str:
        """An average over all rows: each is added as soon as it is there."""
        name, (source,) = self.names[operator.name], operator.inputs
        start, stop = self.flow.needs(index, 0)
        layer = plain_layer(self.graph, operator)
        sums = f"(int32_t *)(void *)(AT({self.plan.scratch(operator.name)[0].offset}))"
        output = self._row(operator.outputs[0], "0")
        add = f"tinyml_sum_row(&{name}_layer, {self._row(source, 'row')}, {sums}, row == {start});"
        finish = f"tinyml_average_sums(&{name}_layer, {sums}, {stop - start}, {output});"
        maker = self.makers.get(source)
        ask = f"        {maker}_to(row + 1);\n" if maker else ""
        return (
            f"{layer.definition(f'{name}_layer')}"
            f"TINYML_OPERATOR static void {name}(int32_t row) {{\n    {add}\n"
            f"    if (row == {stop - 1}) {finish}\n}}\n"
            f"static void {name}_to(int32_t stop) {{\n    if ({name}_made == stop) return;\n"
            f"    for (int32_t row = {start}; row < {stop}; row++) {{\n{ask}"
            f"        {name}(row);\n    }}\n    {name}_made = stop;\n}}\n"
        )

    def _body(self, index: int, operator: Operator) -> tuple[str, str]:
        """Constants, and the statements that make a row."""
        name, output = self.names[operator.name], self._row(operator.outputs[0], "row")
        if isinstance(operator, Conv2D):
            layer = conv_layer(self.graph, operator)
            planar = "_planar" if operator.outputs[0] in self.planar else ""
            scratch = f"AT({self.plan.scratch(operator.name)[0].offset})"
            definition = layer.definition(f"{name}_layer")
            if layer.function == "tinyml_pointwise":
                pixels = self.stage.size(operator.outputs[0])[1]
                source = self._row(operator.inputs[0], "row")
                arguments = f"&{name}_layer, {source}, {output}, {scratch}, {pixels}"
                return definition, f"    tinyml_pointwise{planar}({arguments});\n"
            if layer.function != "tinyml_conv":
                raise FirmwareError(f"{operator.name}: there is no C for its rows yet")
            call = f"tinyml_conv_row{planar}(&{name}_layer, rows, {output}, {scratch});"
            return definition, f"{self._window(index, operator)}    {call}\n"
        if isinstance(operator, DepthwiseConv2D):
            definition = depthwise_layer(self.graph, operator).definition(f"{name}_layer")
            call = f"tinyml_depthwise_row(&{name}_layer, rows, {output});"
            return definition, f"{self._window(index, operator)}    {call}\n"
        if isinstance(operator, Elementwise) and not any(
            tensor.is_constant for tensor in self.graph.inputs_of(operator)
        ):
            width = self.stage.size(operator.outputs[0])[1]
            tile = Tiler(self.stage).tile(index, Region((0, 1), (0, width)))
            assert tile is not None  # it reads the row that it writes
            layer = plain_layer(tile.graph, tile.operator)
            sources = ", ".join(self._row(source, "row") for source in operator.inputs)
            call = f"{layer.function}(&{name}_layer, in, {output});"
            body = f"    const int8_t *const in[] = {{{sources}}};\n    {call}\n"
            return layer.definition(f"{name}_layer"), body
        raise FirmwareError(
            f"{operator.kind} {operator.name} has no C for single rows yet; end the stage before it"
        )

    def _window(self, index: int, operator: Operator) -> str:
        window, source = self.stage.windows[index][0], operator.inputs[0]
        height = self.stage.size(source)[0]
        return (
            f"    const int8_t *rows[{window.kernel}];\n"
            f"    int32_t y = row * {window.stride} - {window.before};\n"
            f"    for (int32_t i = 0; i < {window.kernel}; i++, y++)\n"
            f"        rows[i] = (uint32_t)y < {height} ? {self._row(source, 'y')} : 0;\n"
        )
