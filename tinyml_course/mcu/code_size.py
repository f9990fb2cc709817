"""How much flash the code of a plan takes, before an image of it has been built.

For plans of ``tight``, which become this package's C, from the sizes of that C: of each kernel what
the linker would keep, of each operator its call and its layer's description. For all others the
published figure of TinyEngine, whose planner most of them imitate.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tinyml_course.graph import Graph, Operator
from tinyml_course.graph.operators import Conv2D, DepthwiseConv2D
from tinyml_course.mcu.flash import ALIGNMENT, FlashUse

if TYPE_CHECKING:
    from tinyml_course.mcu.planning.layout import Plan

OURS = "tight"
"""The policy whose plans become C here."""

TINYENGINE_CODE_BYTES = 63 * 1024
"""Start-up code and kernels of TinyEngine on the MCUNet networks (MCUNet code generator, published
flash figures less the constants)."""

RENEW = "python tools/code_bytes.py"
"""The command that measures the table again, when kernels have changed."""

_KNOWN_WINDOWS = (3, 5, 7)
_NARROW = "DEPTHWISE_CONV_2D narrow"
# The kernel for narrow maps may take windows of this size and more over maps up to this width.
_NARROW_COLUMNS, _NARROW_WINDOW = 5, 5


def flash_use(plan: "Plan") -> FlashUse:
    """What a plan's image will hold; ``benchmarks/code_size.py`` says how far off that is."""
    if plan.policy != OURS:
        return FlashUse(plan.constants_bytes, 0, TINYENGINE_CODE_BYTES)
    table, graph = _table(), plan.graph
    streamed = {o.name for u in plan.schedule.units if u.flow is not None for o in u.operators}
    keys = {o.name: code_key(graph, o, o.name in streamed) for o in graph.operators}
    parts = ["start-up", *(["stages"] if streamed else []), *keys.values()]
    if any(_may_be_narrow(graph, o) for o in graph.operators if o.name not in streamed):
        parts.append(_NARROW)
    packed_bits = plan.schedule.packed_bits
    parts += sorted({f"unpack {bits}" for bits in packed_bits.values()})
    functions: dict[str, int] = {}
    for part in parts:
        functions |= table["functions"].get(part) or table["functions"][_other(part)]
    calls = (table["calls"]["streamed" if name in streamed else "whole"] for name in keys)
    descriptions = (_description(table, graph, o, keys[o.name]) for o in graph.operators)
    code = sum(functions.values()) + sum(calls) + len(packed_bits) * table["calls"]["unpack"]
    return FlashUse(plan.constants_bytes, sum(descriptions), code)


def code_key(graph: Graph, operator: Operator, streamed: bool = False) -> str:
    """Operators of one key use the same kernels, as a rule: ``"DEPTHWISE_CONV_2D 3x3/2"``.

    Args:
        graph: the network.
        operator: one of its operators.
        streamed: whether it makes its map row by row.
    """
    if isinstance(operator, Conv2D):
        kernel = operator.kernel(graph.inputs_of(operator))
        one = (*kernel, *operator.stride) == (1, 1, 1, 1) and not any(map(any, operator.padding))
        return f"{operator.kind} 1x1" if one else operator.kind
    if isinstance(operator, DepthwiseConv2D):
        source = graph.inputs_of(operator)[0].shape
        k_h, k_w = operator.kernel(graph.inputs_of(operator))
        vertical, horizontal = operator.stride
        if source[3] == 1 and not streamed:
            return f"{operator.kind} of one channel"
        known = k_h == k_w and k_h in _KNOWN_WINDOWS
        if known and vertical == horizontal and vertical in (1, 2):
            return f"{operator.kind} {k_h}x{k_w}/{vertical}"
        return f"{operator.kind} other"
    return operator.kind


def _may_be_narrow(graph: Graph, operator: Operator) -> bool:
    if not isinstance(operator, DepthwiseConv2D):
        return False
    columns = graph.output_of(operator).shape[2]
    return columns <= _NARROW_COLUMNS and operator.kernel(graph.inputs_of(operator))[0] >= (
        _NARROW_WINDOW
    )


def padding_row_bytes(graph: Graph, operator: Operator) -> int:
    """A row of zero points, which a depthwise convolution reads beyond the edge of its map."""
    if not isinstance(operator, DepthwiseConv2D) or graph.inputs_of(operator)[0].shape[3] == 1:
        return 0
    inputs = graph.inputs_of(operator)
    (k_h, k_w), width = operator.kernel(inputs), inputs[0].shape[2]
    columns = sum(operator.padding[1]) if (k_h, k_w, *operator.stride) != (3, 3, 1, 1) else 0
    return -(-(width + columns) // ALIGNMENT) * ALIGNMENT


def _description(table: Mapping[str, Any], graph: Graph, operator: Operator, key: str) -> int:
    sizes = table["descriptions"]
    return int(sizes.get(key, sizes[_other(key)])) + padding_row_bytes(graph, operator)


def _other(key: str) -> str:
    """What stands for a key that was not measured: an operator without a kernel here."""
    return "DEPTHWISE_CONV_2D other" if key.startswith("DEPTHWISE") else "ADD"


@cache
def _table() -> dict[str, Any]:
    text = (files("tinyml_course.mcu") / "code_bytes.json").read_text()
    table: dict[str, Any] = json.loads(text)
    return table
