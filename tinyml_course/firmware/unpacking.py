"""A layer whose weights lie packed in flash, as C: who unpacks them, and where they are read."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyml_course.firmware.kernels.layer_code import LayerCode, array
from tinyml_course.graph import Operator
from tinyml_course.mcu.packed_weights import pack_weights
from tinyml_course.mcu.planning import Plan

WEIGHTS = "weights"
"""The field of a layer's description that points to its weights."""


def defined(plan: Plan, operator: Operator, layer: LayerCode, name: str) -> str:
    """C of a layer's constants and description, and of the function that unpacks its weights.

    Args:
        plan: where everything lies.
        operator: whose layer it is.
        layer: with its weights as the kernel reads them.
        name: of the operator's C function.
    """
    buffer = plan.unpacked(operator.name)
    if buffer is None:
        return layer.definition(layer_name(name))
    bits = plan.schedule.packed_bits[operator.name]
    weights = _without_carries(layer)
    others = {field: data for field, data in layer.arrays.items() if field != WEIGHTS}
    fields = {WEIGHTS: f"network_arena + {buffer.offset}", **layer.fields}
    unpacked = replace(layer, arrays=others, fields=fields)
    arguments = f"{name}_packed, AT({buffer.offset}), {weights.size}, {layer.carried}"
    return (
        array(f"{name}_packed", pack_weights(weights, bits).view("<i4"))
        + unpacked.definition(layer_name(name))
        + f"static void {name}_unpack(void) {{ tinyml_unpack_{bits}({arguments}); }}\n"
    )


def unpacking(plan: Plan, operator: Operator, name: str) -> tuple[str, ...]:
    """The statement that unpacks an operator's weights; none if they are bytes in flash."""
    return () if plan.unpacked(operator.name) is None else (f"{name}_unpack();",)


def layer_name(name: str) -> str:
    """C name of a layer's description."""
    return f"{name}_layer"


def _without_carries(layer: LayerCode) -> NDArray[np.int8]:
    """The weights in the kernel's order, as they are in the graph."""
    weights = layer.arrays[WEIGHTS].astype(np.int8)
    pairs = weights[: layer.carried].reshape(-1, 2)  # a view
    pairs[:, 1] += pairs[:, 0] < 0
    return weights
