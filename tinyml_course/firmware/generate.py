"""A planned network as C: constants in flash, one static arena, one call for each operator.

In TinyEngine's spirit (MCUNet, section 3.2): no interpreter, no heap, and of the kernels only those
that this network uses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.c_names import c_names
from tinyml_course.firmware.kernels import sources as kernels
from tinyml_course.firmware.kernels.conv_layer import conv_layer
from tinyml_course.firmware.kernels.depthwise_layer import depthwise_map_layer, ring_rows
from tinyml_course.firmware.kernels.layer_code import array
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.stages import StageCode, stage_code
from tinyml_course.firmware.stages.code import function
from tinyml_course.firmware.unpacking import defined, unpacking
from tinyml_course.graph import Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.scheduling import PatchFlow, Unit

ALIGNMENT = 4
_CALLED = re.compile(r"\b(mem\w+|tinyml_\w+|patch_\w+)\(")


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
        FirmwareError: the plan is another policy's; an operator that has no C inside of a stage.
    """
    if plan.policy != "tight":
        raise FirmwareError(
            f"the kernels keep to the scratch of policy tight, the plan is of {plan.policy}; plan "
            "the graph again"
        )
    graph = plan.graph
    names = c_names([operator.name for operator in graph.operators])
    code = [_unit(plan, unit, names) for unit in plan.schedule.units]
    body = _BODY.format(
        image=_arrival(plan)[1] if is_fed(plan) else "",
        definitions="\n".join(one.definition for one in code),
        calls="".join(one.call for one in code),
    )
    text = _SOURCE.format(network=graph.name, includes=_includes(body), body=body)
    header = _HEADER.format(
        network=graph.name,
        input_type=graph.input.dtype,
        output_type=graph.output.dtype,
        arena_bytes=-(-plan.peak_bytes // ALIGNMENT) * ALIGNMENT,
        image=_image(plan),
        output_offset=plan.activation(graph.output.name).offset,
        output_bytes=graph.output.size_bytes,
    )
    used = kernels.sources_for(body)
    return Program(
        plan,
        {"network.c": text, **used},
        {"network.h": header, **kernels.headers_for([text, *used.values()])},
        tuple(name for one in code for name in one.operators),
    )


def _includes(text: str) -> str:
    """The headers of what is called."""
    called = set(_CALLED.findall(text))
    needed = [name for name, header in kernels.headers().items() if called & _declared(header)]
    needed += ["string.h"] if called & {"memcpy", "memmove", "memset"} else []
    return "".join(f'#include "{name}"\n' for name in sorted(needed))


def _declared(header: str) -> set[str]:
    return set(_CALLED.findall(header))


def is_fed(plan: Plan) -> bool:
    """Whether the image arrives row by row or patch by patch, instead of lying in the arena."""
    return plan.schedule.image == "fed"


def _arrival(plan: Plan) -> tuple[str, str]:
    """How an image that is fed arrives: what stands in the header, and in the source."""
    tensor = plan.graph.input
    row_bytes = tensor.size_bytes // tensor.shape[1]
    by_patch = isinstance(plan.schedule.units[0].flow, PatchFlow)
    texts = (_REGION_HEADER, _REGION_SOURCE) if by_patch else (_ROW_HEADER, _ROW_SOURCE)
    pixel_bytes = row_bytes // tensor.shape[2]
    header, source = (t.format(row_bytes=row_bytes, pixel_bytes=pixel_bytes) for t in texts)
    return header, source


def _image(plan: Plan) -> str:
    if is_fed(plan):
        return _arrival(plan)[0]
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
    lines = [*unpacking(plan, operator, name), body]
    made = function(name, "void", lines)
    return StageCode(definition + made, f"    {name}();\n", (name,))


_Made = tuple[str, str]
"""Constants and description of a layer, and the body of its function."""


def _conv(plan: Plan, operator: Operator, name: str) -> _Made:
    assert isinstance(operator, Conv2D)
    graph = plan.graph
    layer = conv_layer(graph, operator)
    constant, source = _in(plan, operator, name)
    arguments = f"&{name}_layer, {source}, {_out(plan, operator)}"
    call = f"{layer.function}({arguments}, {_scratch(plan, operator)}"
    if layer.function == "tinyml_pointwise":
        _, rows, columns, _ = graph.output_of(operator).shape
        call += f", {rows * columns}"
    return constant + defined(plan, operator, layer, name), f"{call});"


def _depthwise(plan: Plan, operator: Operator, name: str) -> _Made:
    assert isinstance(operator, DepthwiseConv2D)
    layer = depthwise_map_layer(plan.graph, operator)
    rows = ring_rows(plan.graph, operator)
    constant, source = _in(plan, operator, name)
    arguments = f"&{name}_layer, {source}, {_out(plan, operator)}"
    call = f"{layer.function}({arguments}, {_scratch(plan, operator)}, {rows});"
    return constant + defined(plan, operator, layer, name), call


def _reshape(plan: Plan, operator: Operator, name: str) -> _Made:
    constant, source = _in(plan, operator, name)
    if source == _out(plan, operator):
        return "", ""
    size = plan.graph.output_of(operator).size_bytes
    return constant, f"memmove({_out(plan, operator)}, {source}, {size});"


def _plain(plan: Plan, operator: Operator, name: str) -> _Made:
    """All others take the addresses of their inputs and the address of their output."""
    layer = plain_layer(plan.graph, operator)
    definition, sources = defined(plan, operator, layer, name), []
    for index in range(len(operator.inputs)):
        if index == 0 or not isinstance(operator, FullyConnected):  # whose weights are the layer's
            constant, source = _in(plan, operator, name, index)
            definition += constant
            sources.append(source)
    call = f"{layer.function}(&{name}_layer, in, {_out(plan, operator)});"
    return definition, f"const int8_t *const in[] = {{{', '.join(sources)}}};\n    {call}"


_MAKERS: dict[type[Operator], Callable[[Plan, Operator, str], _Made]] = {
    Conv2D: _conv,
    DepthwiseConv2D: _depthwise,
    Reshape: _reshape,
}


def _in(plan: Plan, operator: Operator, name: str, index: int = 0) -> tuple[str, str]:
    """What defines an input, if it is a constant, and its address."""
    source = plan.graph.inputs_of(operator)[index]
    if source.is_constant:
        values = source.values().view(np.uint8).view(np.int8)
        return array(f"{name}_in{index}", values), f"{name}_in{index}"
    return "", f"AT({plan.activation(source.name).offset})"


def _out(plan: Plan, operator: Operator) -> str:
    return f"AT({plan.activation(operator.outputs[0]).offset})"


def _scratch(plan: Plan, operator: Operator) -> str:
    buffers = plan.scratch(operator.name)
    return f"AT({buffers[0].offset})" if buffers else "0"


_HEADER = """\
/* {network}: a network that runs in one static arena. Takes {input_type}, gives {output_type}. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define NETWORK_ARENA_BYTES {arena_bytes}
#define NETWORK_OUTPUT_BYTES {output_bytes}

extern int8_t network_arena[NETWORK_ARENA_BYTES];

{image}
/* Where the result lies behind network_run. */
#define NETWORK_OUTPUT (network_arena + {output_offset})

void network_run(void);

#ifdef __cplusplus
}}
#endif

#endif
"""

_IMAGE_HEADER = """\
/* Where the image is written before network_run, which writes over it. */
#define NETWORK_INPUT_BYTES {input_bytes}
#define NETWORK_INPUT (network_arena + {input_offset})
"""

_ROW_HEADER = """\
/* Called for one row of the image after the other, from the first to the last that is needed. A
   definition of one's own, which asks a camera, stands for the one here, which copies a row of
   network_image. */
#define NETWORK_ROW_BYTES {row_bytes}
void network_take_row(int32_t row, int8_t *to);
extern const int8_t *network_image;
"""

_ROW_SOURCE = """\
__attribute__((used, retain)) const int8_t *network_image;

__attribute__((weak)) void network_take_row(int32_t row, int8_t *to) {{
    memcpy(to, network_image + row * {row_bytes}, {row_bytes});
}}

"""

_REGION_HEADER = """\
/* Called for the part of the image that a patch needs: `height` rows of `width` pixels, the first
   of them at (row, column), written without gaps. A definition of one's own, which asks a decoder,
   stands for the one here, which copies from network_image. */
#define NETWORK_ROW_BYTES {row_bytes}
#define NETWORK_PIXEL_BYTES {pixel_bytes}
void network_take_region(
    int32_t row, int32_t column, int32_t height, int32_t width, int8_t *to
);
extern const int8_t *network_image;
"""

_REGION_SOURCE = """\
__attribute__((used, retain)) const int8_t *network_image;

__attribute__((weak)) void network_take_region(
    int32_t row, int32_t column, int32_t height, int32_t width, int8_t *to
) {{
    const int8_t *from = network_image + row * {row_bytes} + column * {pixel_bytes};
    int32_t bytes = width * {pixel_bytes};
    for (; height > 0; height--, from += {row_bytes}, to += bytes) memcpy(to, from, (size_t)bytes);
}}

"""

_SOURCE = """\
/* {network}, generated: addresses are those of its memory plan. */
#include "network.h"
#include "tinyml_memory.h"
{includes}
#define AT(offset) (network_arena + (offset))

TINYML_ARENA int8_t network_arena[NETWORK_ARENA_BYTES];

{body}"""

_BODY = """\
{image}{definitions}
__attribute__((used)) void network_run(void) {{
{calls}}}
"""
