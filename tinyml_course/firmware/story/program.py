"""The C of a network at some point of the story."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.c_names import c_names
from tinyml_course.firmware.generate import Program
from tinyml_course.firmware.kernels import sources as kernels
from tinyml_course.firmware.kernels.plain_layer import plain_layer
from tinyml_course.firmware.story.layers import Layer, story_layer
from tinyml_course.firmware.story.memory import (
    ALIGNMENT,
    NODE_BYTES,
    RUNTIME,
    columns_of,
    place,
    story_plan,
)
from tinyml_course.firmware.story.steps import STEPS, checked
from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import (
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Reshape,
)
from tinyml_course.mcu.planning import Plan

_FOLDER = files("tinyml_course.firmware.story")
_LAYERS = (Conv2D, DepthwiseConv2D, FullyConnected)


def program(graph: Graph, steps: Iterable[str] = ()) -> Program:
    """The C of a network with some steps of the story taken.

    Convolutions, depthwise convolutions and linear layers are the story's; all other operators are
    the course's kernels all along.

    Args:
        graph: int8.
        steps: names out of `STEPS`, in any order. None of them: an interpreter.

    Returns:
        What `NetworkMachine` takes. The interpreter's operators are its kernels, one for all
        layers of a kind.

    Raises:
        UnknownNameError: there is no such step.
        FirmwareError: a step lacks another that it needs, or there is no kernel for an operator.
    """
    chosen = checked(steps)
    for tensor in graph.activations():
        if tensor.dtype != "int8":
            raise FirmwareError(f"{tensor.name} is {tensor.dtype}; the story tells of int8 only")
    plan = story_plan(graph, chosen)
    names = c_names([operator.name for operator in graph.operators])
    pieces = [
        _piece(plan, operator, names[operator.name], chosen)
        for operator in graph.operators
        if not isinstance(operator, Reshape)  # its output lies where its input does
    ]
    generated = "codegen" in chosen
    calls = "".join(f"    {piece.function}();\n" for piece in pieces)
    text = _SOURCE.format(
        network=graph.name,
        includes="".join(f'#include "{name}"\n' for name in _headers()),
        arena_bytes=-(-plan.peak_bytes // ALIGNMENT) * ALIGNMENT,
        definitions="\n".join(piece.definition for piece in pieces),
        tail=_GENERATED.format(calls=calls) if generated else _interpreted(plan, pieces),
    )
    kinds = () if generated else _kernels_of(pieces)
    return Program(
        plan,
        {"network.c": text, **({} if generated else _texts(".c")), **kernels.sources()},
        {"story_steps.h": _switches(chosen), **_texts(".h"), **kernels.headers()},
        (*kinds, *(piece.function for piece in pieces if generated or not piece.kernel)),
    )


@dataclass(frozen=True)
class _Piece:
    """An operator in C.

    Attributes:
        function: its own; an interpreter has one for those only that the story leaves alone.
        definition: of its constants and of the function.
        record: what an interpreter reads.
        kernel: ``conv`` or ``depthwise``; nothing for those that the story leaves alone.
    """

    function: str
    definition: str
    record: str
    kernel: str = ""


def _piece(plan: Plan, operator: Operator, name: str, steps: Collection[str]) -> _Piece:
    if not isinstance(operator, _LAYERS):
        definition, body = _plain(plan, operator, name)
        return _Piece(
            name, definition + _function(name, body), f"{{STORY_OTHER, 0, {{0}}, {name}}}"
        )
    kernel = "depthwise" if isinstance(operator, DepthwiseConv2D) else "conv"
    columns = columns_of(plan.graph, operator, steps)
    definition = story_layer(plan.graph, operator, columns, "simd" in steps).definition(
        f"{name}_layer"
    )
    maps = _maps(plan, operator)
    if "codegen" in steps:
        body = f"    const story_maps maps = {maps};\n    story_{kernel}(&{name}_layer, &maps);\n"
        definition += _function(name, body)
    record = f"{{STORY_{kernel.upper()}, &{name}_layer, {maps}, 0}}"
    return _Piece(name, definition, record, kernel)


def _function(name: str, body: str) -> str:
    return f"TINYML_OPERATOR static void {name}(void) {{\n{body}}}\n"


def _kernels_of(pieces: Sequence[_Piece]) -> tuple[str, ...]:
    """The interpreter's kernels that are called."""
    kernels_called = {piece.kernel for piece in pieces}
    return tuple(f"story_{k}_node" for k in ("conv", "depthwise") if k in kernels_called)


def _maps(plan: Plan, operator: Layer) -> str:
    def address(what: str, kind: str) -> str:
        offset = place(plan, operator.name, what)
        return "0" if offset is None else f"({kind} *)(void *)AT({offset})"

    source = plan.activation(operator.inputs[0]).offset
    output = plan.activation(operator.outputs[0]).offset
    return (
        f"{{AT({source}), AT({output}), {address('scratch', 'int16_t')}, "
        f"{address('padded', 'int8_t')}, {address('sums', 'int32_t')}}}"
    )


def _plain(plan: Plan, operator: Operator, name: str) -> tuple[str, str]:
    if any(tensor.is_constant for tensor in plan.graph.inputs_of(operator)):
        raise FirmwareError(
            f"{operator.name}: {operator.kind} with a constant is not in the story; generate() "
            "has it"
        )
    layer = plain_layer(plan.graph, operator)
    inputs = ", ".join(f"AT({plan.activation(source).offset})" for source in operator.inputs)
    output = plan.activation(operator.outputs[0]).offset
    body = f"    const int8_t *const in[] = {{{inputs}}};\n"
    body += f"    {layer.function}(&{name}_layer, in, AT({output}));\n"
    return layer.definition(f"{name}_layer"), body


def _interpreted(plan: Plan, pieces: Sequence[_Piece]) -> str:
    nodes = next(buffer.offset for buffer in plan.buffers if buffer.name == RUNTIME)
    records = ",\n    ".join(piece.record for piece in pieces)
    return _INTERPRETED.format(
        node_bytes=NODE_BYTES, records=records, count=len(pieces), nodes=nodes
    )


def _switches(steps: Collection[str]) -> str:
    lines = [f"#define STORY_{name.upper()} {int(name in steps)}\n" for name in STEPS]
    return "".join(lines)


def _headers() -> list[str]:
    plain = [name for name in kernels.headers() if not name.endswith("_dsp.h")]
    return sorted([*plain, "story_depthwise.h", "story_interpreter.h"])


def _texts(suffix: str) -> dict[str, str]:
    found = [f for f in _FOLDER.iterdir() if f.name.endswith(suffix)]
    return {f.name: f.read_text() for f in sorted(found, key=lambda f: f.name)}


_SOURCE = """\
/* {network}, at one point of the story. */
#include <string.h>

#include "tinyml_memory.h"
{includes}
#define AT(offset) (network_arena + (offset))

TINYML_ARENA int8_t network_arena[{arena_bytes}];

{definitions}
{tail}"""

_GENERATED = """\
__attribute__((used)) void network_run(void) {{
{calls}}}
"""

_INTERPRETED = """\
static const story_record records[] = {{
    {records},
}};

#if defined(__arm__)
_Static_assert(sizeof(story_node) == {node_bytes}, "NODE_BYTES");
#endif

__attribute__((used)) void network_run(void) {{
    story_interpret(records, {count}, AT({nodes}));
}}
"""
