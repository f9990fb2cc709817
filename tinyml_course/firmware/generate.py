"""A planned network as C: constants in flash, one static arena, one call for each operator.

In TinyEngine's spirit (MCUNet, section 3.2): no interpreter, no heap, and of the kernels only those
that this network uses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.c_names import c_names
from tinyml_course.firmware.kernels import sources as kernels
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.depthwise_layer import depthwise_layer, ring_rows
from tinyml_course.firmware.kernels.layer_code import array
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.stage_code import StageCode, stage_code
from tinyml_course.graph import Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import Unit

ALIGNMENT = 4


@dataclass(frozen=True)
class Program:
    """C that runs one network.

    Attributes:
        plan: where everything lies.
        sources: text of each C file by name: ``network.c`` and the kernels.
        headers: of each header: ``network.h`` and the kernels'.
        operators: the C function of each operator that does something, in execution order.
    """

    plan: Plan
    sources: dict[str, str]
    headers: dict[str, str | bytes]
    operators: tuple[str, ...]


def generate(plan: Plan) -> Program:
    """The C of a planned network.

    Args:
        plan: of the policy ``tight``, whose scratch is what the kernels need.

    Raises:
        FirmwareError: the plan is another policy's, or runs stages; an operator or a type for
            which there is no kernel.
    """
    if plan.policy != "tight":
        raise FirmwareError(
            f"the kernels keep to the scratch of policy tight, the plan is of {plan.policy}; plan "
            "the graph again"
        )
    graph = plan.graph
    for tensor in graph.activations():
        if tensor.dtype != "int8":
            raise FirmwareError(f"{tensor.name} is {tensor.dtype}; the kernels work on int8 only")
    names = c_names([operator.name for operator in graph.operators])
    code = [_unit(plan, unit, names) for unit in plan.schedule.units]
    includes = ("string.h", *sorted(n for n in kernels.headers() if not n.endswith("_dsp.h")))
    text = _SOURCE.format(
        network=graph.name,
        includes="".join(f'#include "{name}"\n' for name in includes),
        definitions="\n".join(one.definition for one in code),
        calls="".join(one.call for one in code),
        image=_FED_SOURCE.format(row_bytes=_row_bytes(plan)) if is_fed(plan) else "",
    )
    header = _HEADER.format(
        network=graph.name,
        arena_bytes=-(-plan.peak_bytes // ALIGNMENT) * ALIGNMENT,
        image=_image(plan),
        output_offset=plan.activation(graph.output.name).offset,
        output_bytes=graph.output.size_bytes,
    )
    return Program(
        plan,
        {"network.c": text, **kernels.sources()},
        {"network.h": header, **kernels.headers()},
        tuple(name for one in code for name in one.operators),
    )


def is_fed(plan: Plan) -> bool:
    """Whether the image arrives row by row, instead of lying in the arena."""
    return plan.schedule.image == "fed"


def _row_bytes(plan: Plan) -> int:
    tensor = plan.graph.input
    return tensor.size_bytes // tensor.shape[1]


def _image(plan: Plan) -> str:
    if is_fed(plan):
        return _FED_HEADER.format(row_bytes=_row_bytes(plan))
    tensor = plan.graph.input
    return _IMAGE_HEADER.format(
        input_bytes=tensor.size_bytes, input_offset=plan.activation(tensor.name).offset
    )


def _unit(plan: Plan, unit: Unit, names: Mapping[str, str]) -> StageCode:
    if unit.flow is not None:
        return stage_code(plan, unit, names)
    (operator,) = unit.operators
    return _operator(plan, operator, names[operator.name])


def _operator(plan: Plan, operator: Operator, name: str) -> StageCode:
    maker = _MAKERS.get(type(operator), _plain)
    definition, body = maker(plan, operator, name)
    if not body:  # a function that does nothing would not stay in the image
        comment = f"    /* {operator.name}: the bytes stay where they are. */\n"
        return StageCode("", comment, ())
    function = f"TINYML_OPERATOR static void {name}(void) {{\n    {body}\n}}\n"
    return StageCode(definition + function, f"    {name}();\n", (name,))


_Made = tuple[str, str]
"""Constants and description of a layer, and the body of its function."""


def _conv(plan: Plan, operator: Operator, name: str) -> _Made:
    assert isinstance(operator, Conv2D)
    graph = plan.graph
    layer = conv_layer(graph, operator)
    arguments = f"&{name}_layer, {_in(plan, operator)}, {_out(plan, operator)}"
    call = f"{layer.function}({arguments}, {_scratch(plan, operator)}"
    if layer.function == "tinyml_pointwise":
        _, rows, columns, _ = graph.output_of(operator).shape
        call += f", {rows * columns}"
    return layer.definition(f"{name}_layer"), f"{call});"


def _depthwise(plan: Plan, operator: Operator, name: str) -> _Made:
    assert isinstance(operator, DepthwiseConv2D)
    layer = depthwise_layer(plan.graph, operator)
    rows = ring_rows(plan.graph, operator)
    arguments = f"&{name}_layer, {_in(plan, operator)}, {_out(plan, operator)}"
    call = f"{layer.function}({arguments}, {_scratch(plan, operator)}, {rows});"
    return layer.definition(f"{name}_layer"), call


def _reshape(plan: Plan, operator: Operator, name: str) -> _Made:  # noqa: ARG001
    if _in(plan, operator) == _out(plan, operator):
        return "", ""
    size = plan.graph.output_of(operator).size_bytes
    return "", f"memmove({_out(plan, operator)}, {_in(plan, operator)}, {size});"


def _plain(plan: Plan, operator: Operator, name: str) -> _Made:
    """All others take the addresses of their inputs and the address of their output."""
    layer = plain_layer(plan.graph, operator)
    definition, sources = layer.definition(f"{name}_layer"), []
    for index, tensor in enumerate(plan.graph.inputs_of(operator)):
        if not tensor.is_constant:
            sources.append(f"AT({plan.activation(tensor.name).offset})")
        elif not isinstance(operator, FullyConnected):  # whose weights are the layer's
            definition += array(f"{name}_in{index}", tensor.values())
            sources.append(f"{name}_in{index}")
    call = f"{layer.function}(&{name}_layer, in, {_out(plan, operator)});"
    return definition, f"const int8_t *const in[] = {{{', '.join(sources)}}};\n    {call}"


_MAKERS: dict[type[Operator], Callable[[Plan, Operator, str], _Made]] = {
    Conv2D: _conv,
    DepthwiseConv2D: _depthwise,
    Reshape: _reshape,
}


def _in(plan: Plan, operator: Operator) -> str:
    (source,) = plan.graph.activations_of(operator)
    return f"AT({plan.activation(source.name).offset})"


def _out(plan: Plan, operator: Operator) -> str:
    return f"AT({plan.activation(operator.outputs[0]).offset})"


def _scratch(plan: Plan, operator: Operator) -> str:
    buffers = plan.scratch(operator.name)
    return f"AT({buffers[0].offset})" if buffers else "0"


_HEADER = """\
/* {network}: an int8 network that runs in one static arena. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

#define NETWORK_ARENA_BYTES {arena_bytes}
#define NETWORK_OUTPUT_BYTES {output_bytes}

extern int8_t network_arena[NETWORK_ARENA_BYTES];

{image}
/* Where the result lies behind network_run. */
#define NETWORK_OUTPUT (network_arena + {output_offset})

void network_run(void);

#endif
"""

_IMAGE_HEADER = """\
/* Where the image is written before network_run, which writes over it. */
#define NETWORK_INPUT_BYTES {input_bytes}
#define NETWORK_INPUT (network_arena + {input_offset})
"""

_FED_HEADER = """\
/* Called for one row of the image after the other, from the first to the last that is needed. A
   definition of one's own, which asks a camera, stands for the one here, which copies a row of
   network_image. */
#define NETWORK_ROW_BYTES {row_bytes}
void network_take_row(int32_t row, int8_t *to);
extern const int8_t *network_image;
"""

_FED_SOURCE = """\
const int8_t *network_image;

__attribute__((weak)) void network_take_row(int32_t row, int8_t *to) {{
    memcpy(to, network_image + row * {row_bytes}, {row_bytes});
}}

"""

_SOURCE = """\
/* {network}, generated: addresses are those of its memory plan. */
#include "network.h"
#include "tinyml_memory.h"
{includes}
#define AT(offset) (network_arena + (offset))

TINYML_ARENA int8_t network_arena[NETWORK_ARENA_BYTES];

{image}{definitions}
__attribute__((used)) void network_run(void) {{
{calls}}}
"""
