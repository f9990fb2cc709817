"""A streamed stage as C: for each operator a function that makes a row, and one that asks for rows.

Who is asked for rows asks its own sources first, row by row: the order of `RowFlow`, by which the
planner sized the rings. Rows that depthwise convolutions alone read are kept channel by channel
(`planar_maps`), all others pixel by pixel.
"""

import re
from collections.abc import Mapping

from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.stages.code import (
    Body,
    StageCode,
    call,
    function,
    linear,
)
from tinyml_course.firmware.stages.row import RowBodies
from tinyml_course.firmware.unpacking import defined, unpacking
from tinyml_course.graph import Operator
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import RowFlow, Unit

TAKE_ROW = "network_take_row"
"""The function that a row-fed network asks for a row of its image."""


class Stream:
    """A stage that streams.

    Args:
        plan: where everything lies.
        unit: the stage.
        flow: its order.
        names: for each operator the C function's name.
    """

    def __init__(self, plan: Plan, unit: Unit, flow: RowFlow, names: Mapping[str, str]) -> None:
        self.plan, self.flow, self.names = plan, flow, names
        self.stage, self.graph, self.unit = flow.stage, plan.graph, unit
        self.name = f"network_stage_{unit.index}"
        self.rows = RowBodies(plan, flow, names)
        running = {step.operator for step in flow.steps}
        # Of some operators nobody ever asks for a row: later windows see padding only.
        self.operators = [(i, o) for i, o in enumerate(unit.operators) if i in running]
        self.makers = {o.outputs[0]: names[o.name] for _, o in self.operators}
        if flow.fed and self.rows.has_room(self.stage.source):
            self.makers[self.stage.source] = f"{self.name}_image"

    def code(self) -> StageCode:
        """All of it.

        Raises:
            FirmwareError: an operator for which there is no kernel.
        """
        parts = [_HEAD.format(stage=self.unit.name)]
        if self.stage.source in self.makers:
            parts.append(self._arrival())
        for index, operator in self.operators:
            summing = self.flow.sum_bytes[index] > 0
            parts.append(self._average(index, operator) if summing else self._rows(index, operator))
        parts.append(self._run())
        functions = tuple(self.names[operator.name] for _, operator in self.operators)
        return StageCode("\n".join(parts), f"    {self.name}();\n", functions)

    def _run(self) -> str:
        height = self.stage.size(self.stage.output)[0]
        made = "".join(f"    {maker}_made = 0;\n" for maker in self.makers.values())
        last = self.makers[self.stage.output]
        return f"static void {self.name}(void) {{\n{made}    {last}_rows(0, {height});\n}}\n"

    def _arrival(self) -> str:
        source, maker = self.stage.source, self.makers[self.stage.source]
        call = f"{TAKE_ROW}(first, {self.rows.address(source, 'first')});"
        return _asked(maker, self.stage.size(source)[0], [call])

    def _rows(self, index: int, operator: Operator) -> str:
        name, body = self.names[operator.name], self.rows.body(index, operator)
        lines = (*unpacking(self.plan, operator, name), *body.lines)
        given, parameter = ("first", "int32_t row") if _uses_row(body) else ("", "void")
        asks = self._asks(index, operator)
        height = self.stage.size(operator.outputs[0])[0]
        return (
            f"{body.definition}{function(name, parameter, lines)}"
            f"{_asked(name, height, [*asks, f'{name}({given});'])}"
        )

    def _asks(self, index: int, operator: Operator) -> list[str]:
        """For each source the statement that asks for the rows that a row is made from."""
        if not self.rows.reads(index):
            return []
        window = self.stage.windows[index][0]
        first = linear("first", window.stride, -window.before)
        stop = linear("first", window.stride, window.kernel - window.before)
        sources = dict.fromkeys(t.name for t in self.graph.activations_of(operator))
        makers = [self.makers[source] for source in sources if source in self.makers]
        return [f"{maker}_rows({first}, {stop});" for maker in makers]

    def _average(self, index: int, operator: Operator) -> str:
        """An average over all rows: each is added as soon as it is there."""
        name, (source,) = self.names[operator.name], operator.inputs
        start, stop = self.flow.needs(index, 0)
        layer = plain_layer(self.graph, operator)
        sums = (
            f"int32_t *sums = (int32_t *)(void *)AT({self.plan.scratch(operator.name)[0].offset});"
        )
        row, output = self.rows.address(source, "row"), self.rows.address(operator.outputs[0], "0")
        add = call("tinyml_sum_row", f"&{name}_layer", row, "sums", f"row == {start}")
        arguments = f"&{name}_layer", "sums", str(stop - start), output
        finish = f"if (row == {stop - 1}) {call('tinyml_average_sums', *arguments, indent=5)}"
        maker = self.makers.get(source)
        made = function(name, "int32_t row", [sums, add, finish])
        ask = f"        {maker}_rows(row, row + 1);\n" if maker else ""
        asked = _SUMMED.format(name=name, start=start, stop=stop, ask=ask)
        return f"{defined(self.plan, operator, layer, name)}{made}{asked}"


def _uses_row(body: Body) -> bool:
    return any(re.search(r"\brow\b", line) for line in body.lines)


def _asked(name: str, height: int, lines: list[str]) -> str:
    """The function that is asked for rows, and which of them are there."""
    return _ASKED.format(
        name=name, height=height, lines="".join(f"        {line}\n" for line in lines)
    )


_HEAD = """\
/* Row by row: {stage}.
   `.._rows` makes what is not there yet of the rows from `first` to `stop`, each after those that
   it is made from; `.._made` is the first row that is not there. */
"""

_ASKED = """\
static int32_t {name}_made;
static void {name}_rows(int32_t first, int32_t stop) {{
    if (first < {name}_made) first = {name}_made;
    for (; first < stop && first < {height}; {name}_made = ++first) {{
{lines}    }}
}}
"""

_SUMMED = """\
static int32_t {name}_made;
static void {name}_rows(int32_t first, int32_t stop) {{
    if ({name}_made || first > 0 || stop < 1) return;
    for (int32_t row = {start}; row < {stop}; row++) {{
{ask}        {name}(row);
    }}
    {name}_made = 1;
}}
"""
