"""The operators without a fast kernel as C: which function, and its layer's description.

Each function takes ``(&layer, inputs, out)``; ``inputs`` are pointers, constants among them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinyml_course.errors import FirmwareError
from tinyml_course.firmware.kernels.channel_numbers import channel_numbers
from tinyml_course.firmware.kernels.conv_layer import packed_conv, plain_constants
from tinyml_course.firmware.kernels.conv_packing import LARGEST_SHIFT
from tinyml_course.firmware.kernels.layer_code import LayerCode
from tinyml_course.firmware.kernels.output_range import any_output, output_fields
from tinyml_course.firmware.kernels.twins import flip_of, suffix_of, zero_point_of
from tinyml_course.graph import Graph, Operator, Tensor
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Dequantize,
    FullyConnected,
    HardSwish,
    Logistic,
    LogSoftmax,
    Mean,
    Mul,
    Pad,
    Pool,
    Quantize,
    ReduceMax,
    Relu,
    Relu6,
    ResizeNearestNeighbor,
    Softmax,
    StridedSlice,
    Transpose,
)
from tinyml_course.mcu.kernels import make_kernel
from tinyml_course.mcu.kernels.byte_table import ByteTableKernel
from tinyml_course.mcu.nearest import nearest
from tinyml_course.mcu.requantization import (
    add_constants,
    mean_constants,
    mul_constants,
)
from tinyml_course.mcu.squashing import log_softmax_constants, softmax_exponentials

AXES = 4

Fields = dict[str, str | int]


def plain_layer(graph: Graph, operator: Operator) -> LayerCode:
    """The layer's code.

    Raises:
        FirmwareError: there is no kernel for this operator.
    """
    for kind, make in _MAKERS.items():
        if isinstance(operator, kind):
            return make(graph, operator)
    raise FirmwareError(f"{operator.name}: there is no C kernel for {operator.kind}")


def _add(graph: Graph, operator: Add) -> LayerCode:
    constants = add_constants(graph, operator)
    pairs = constants.first, constants.second, constants.output
    return _elementwise(graph, operator, "tinyml_add", pairs)


def _mul(graph: Graph, operator: Mul) -> LayerCode:
    return _elementwise(graph, operator, "tinyml_mul", (mul_constants(graph, operator),))


def _elementwise(
    graph: Graph, operator: Add | Mul, function: str, constants: Sequence[tuple[int, int]]
) -> LayerCode:
    shape = graph.output_of(operator).shape
    operands = graph.inputs_of(operator)
    steps = [_broadcast_steps(t.shape, shape) for t in operands]
    outer, axes = _merged(shape, *steps)
    last_shift = constants[-1][1]
    fields: Fields = {
        "outer": outer,
        "extent": _braces(axes[0]),
        "step": f"{{{_braces(axes[1])}, {_braces(axes[2])}}}",
        "zero_point": _braces([zero_point_of(t) for t in operands]),
        "quick": int(-LARGEST_SHIFT <= last_shift <= -1),
        "multiplier": _braces([m for m, _ in constants]),
        "shift": _braces([s for _, s in constants]),
        "output": any_output(graph, operator, operator.activation),
    }
    function += suffix_of(operands[0])
    return LayerCode("tinyml_elementwise_layer", function, {}, fields)


def _pool(graph: Graph, operator: Pool) -> LayerCode:
    average = isinstance(operator, AveragePool2D)
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    fields: Fields = {
        "height": source.shape[1],
        "width": source.shape[2],
        "channels": source.shape[3],
        "out_height": output.shape[1],
        "out_width": output.shape[2],
        "kernel_height": operator.size[0],
        "kernel_width": operator.size[1],
        "stride_height": operator.stride[0],
        "stride_width": operator.stride[1],
        "pad_top": operator.padding[0][0],
        "pad_left": operator.padding[1][0],
        "output": any_output(graph, operator, operator.activation),
        "flip": flip_of(source),
    }
    function = "tinyml_average_pool" if average else "tinyml_max_pool"
    function += suffix_of(source)
    return LayerCode("tinyml_pool_layer", function, {}, fields)


def _reduce(graph: Graph, operator: Mean | ReduceMax) -> LayerCode:
    source = graph.inputs_of(operator)[0]
    steps = _contiguous(source.shape)
    inside = [axis in operator.axes for axis in range(len(source.shape))]
    outer_kept, kept = _merged(*_where(source.shape, steps, [not i for i in inside]))
    outer_reduced, reduced = _merged(*_where(source.shape, steps, inside))
    fields: Fields = {
        "outer_kept": outer_kept,
        "outer_reduced": outer_reduced,
        "kept": _braces(kept[0]),
        "kept_step": _braces(kept[1]),
        "reduced": _braces(reduced[0]),
        "reduced_step": _braces(reduced[1]),
        "offset": operator.count([source]) * zero_point_of(source),
        "output": any_output(graph, operator, "NONE"),
    }
    if isinstance(operator, Mean):
        fields["multiplier"], fields["shift"] = mean_constants(graph, operator)
        return LayerCode("tinyml_reduce_layer", f"tinyml_mean{suffix_of(source)}", {}, fields)
    return LayerCode("tinyml_reduce_layer", f"tinyml_reduce_max{suffix_of(source)}", {}, fields)


def _fully_connected(graph: Graph, operator: FullyConnected) -> LayerCode:
    source, weight, _ = graph.inputs_of(operator)
    numbers = channel_numbers(graph, operator)
    packed, function = packed_conv(numbers), "tinyml_fully_connected"
    if packed is None:
        packed, function = plain_constants(numbers), "tinyml_fully_connected_any"
    outputs, features = weight.shape
    fields: Fields = {
        "rows": source.elements // features,
        "features": features,
        "outputs": outputs,
        "output": output_fields(graph, operator, operator.activation),
        "weight_zero_point": numbers.weight_zero_point,
        "flip": flip_of(source),
    }
    struct = "tinyml_fully_connected_layer"
    return LayerCode(struct, function, packed.arrays, fields, packed.carried)


def _table(graph: Graph, operator: Operator) -> LayerCode:
    kernel = make_kernel(graph, operator, {})
    assert isinstance(kernel, ByteTableKernel)
    table = kernel.table.view(np.int8)
    fields: Fields = {"bytes": graph.inputs_of(operator)[0].elements}
    return LayerCode("tinyml_table_layer", "tinyml_table", {"table": table}, fields)


def _quantize(graph: Graph, operator: Quantize) -> LayerCode:
    if graph.inputs_of(operator)[0].dtype != "float32":
        return _table(graph, operator)
    return _real(graph.output_of(operator), "tinyml_quantize")


def _dequantize(graph: Graph, operator: Dequantize) -> LayerCode:
    source = graph.inputs_of(operator)[0]
    return _real(source, f"tinyml_dequantize{suffix_of(source)}")


def _real(tensor: Tensor, function: str) -> LayerCode:
    """Between real numbers and ``tensor``."""
    scale, zero_point = tensor.scale_and_zero_point()
    limits = np.iinfo(tensor.dtype)
    fields: Fields = {
        "scale": f"{float(scale).hex()}f",
        "zero_point": zero_point,
        "least": int(limits.min),
        "most": int(limits.max),
        "count": tensor.elements,
    }
    return LayerCode("tinyml_real_layer", function, {}, fields)


def _softmax(graph: Graph, operator: Softmax) -> LayerCode:
    source = graph.inputs_of(operator)[0]
    exponentials = np.array(softmax_exponentials(graph, operator), np.int32)
    fields: Fields = {
        "length": exponentials.size,
        "rows": source.elements // source.shape[-1],
        "classes": source.shape[-1],
    }
    arrays = {"exponentials": exponentials}
    return LayerCode("tinyml_softmax_layer", f"tinyml_softmax{suffix_of(source)}", arrays, fields)


def _log_softmax(graph: Graph, operator: LogSoftmax) -> LayerCode:
    source = graph.inputs_of(operator)[0]
    constants = log_softmax_constants(graph, operator)
    arrays = {
        "exponentials": np.array(constants.exponentials, np.int32),
        "differences": np.array(constants.differences, np.int32),
    }
    fields: Fields = {
        "length": len(constants.differences),
        "rows": source.elements // source.shape[-1],
        "classes": source.shape[-1],
        "multiplier": constants.reverse[0],
        "shift": constants.reverse[1],
    }
    return LayerCode("tinyml_log_softmax_layer", "tinyml_log_softmax", arrays, fields)


def _pad(graph: Graph, operator: Pad) -> LayerCode:
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    to = _contiguous(output.shape)
    start = sum(before * step for (before, _), step in zip(operator.paddings, to, strict=True))
    box = _box(source.shape, _contiguous(source.shape), to, 0, start)
    border = np.array(operator.border(output), output.dtype).view(np.int8)
    return _move([box], output.elements, int(border))


def _transpose(graph: Graph, operator: Transpose) -> LayerCode:
    source, output = graph.inputs_of(operator)[0], graph.output_of(operator)
    steps = _contiguous(source.shape)
    moved = tuple(steps[axis] for axis in operator.permutation)
    return _move([_box(output.shape, moved, _contiguous(output.shape), 0, 0)])


def _concatenation(graph: Graph, operator: Concatenation) -> LayerCode:
    to = _contiguous(graph.output_of(operator).shape)
    boxes, start = [], 0
    for tensor in graph.inputs_of(operator):
        boxes.append(_box(tensor.shape, _contiguous(tensor.shape), to, 0, start))
        start += tensor.shape[operator.axis] * to[operator.axis]
    return _move(boxes)


def _strided_slice(graph: Graph, operator: StridedSlice) -> LayerCode:
    steps = _contiguous(graph.inputs_of(operator)[0].shape)
    start = sum(b * step for b, step in zip(operator.begin, steps, strict=True))
    taken = tuple(s * step for s, step in zip(operator.strides, steps, strict=True))
    return _move([_box(operator.size, taken, _contiguous(operator.size), start, 0)])


def _resize(graph: Graph, operator: ResizeNearestNeighbor) -> LayerCode:
    shape = graph.inputs_of(operator)[0].shape
    arrays = {
        name: nearest(operator, shape[1 + axis], axis).astype(np.int32)
        for axis, name in enumerate(("rows", "columns"))
    }
    fields: Fields = {
        "width": shape[2],
        "channels": shape[3],
        "out_height": operator.size[0],
        "out_width": operator.size[1],
    }
    return LayerCode("tinyml_resize_layer", "tinyml_resize", arrays, fields)


_MAKERS: dict[type[Operator], Callable[[Graph, Any], LayerCode]] = {
    Add: _add,
    Mul: _mul,
    Pool: _pool,
    Mean: _reduce,
    ReduceMax: _reduce,
    FullyConnected: _fully_connected,
    Logistic: _table,
    HardSwish: _table,
    Relu: _table,
    Relu6: _table,
    Quantize: _quantize,
    Dequantize: _dequantize,
    Softmax: _softmax,
    LogSoftmax: _log_softmax,
    Pad: _pad,
    Transpose: _transpose,
    Concatenation: _concatenation,
    StridedSlice: _strided_slice,
    ResizeNearestNeighbor: _resize,
}


def _move(boxes: list[str], filled_bytes: int = 0, fill: int = 0) -> LayerCode:
    fields: Fields = {
        "boxes": f"(const tinyml_box[]){{{', '.join(boxes)}}}",
        "count": len(boxes),
        "filled_bytes": filled_bytes,
        "fill": fill,
    }
    return LayerCode("tinyml_move_layer", "tinyml_move", {}, fields)


def _box(
    shape: Sequence[int], source: Sequence[int], to: Sequence[int], from_start: int, to_start: int
) -> str:
    outer, inner = _merged(shape, source, to)
    axes = ", ".join(_braces(a) for a in inner)
    return f"{{{outer}, {axes}, {from_start}, {to_start}}}"


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Bytes from one index to the next, along each axis."""
    return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))


def _broadcast_steps(shape: Sequence[int], to: Sequence[int]) -> tuple[int, ...]:
    full = (1,) * (len(to) - len(shape)) + tuple(shape)
    steps = _contiguous(full)
    return tuple(0 if n == 1 else step for n, step in zip(full, steps, strict=True))


def _where(
    shape: Sequence[int], steps: Sequence[int], chosen: Sequence[bool]
) -> tuple[list[int], list[int]]:
    picked = [(n, s) for n, s, c in zip(shape, steps, chosen, strict=True) if c]
    return [n for n, _ in picked], [s for _, s in picked]


def _merged(shape: Sequence[int], *steps: Sequence[int]) -> tuple[str, list[list[int]]]:
    """Axes for the loops: those of length 1 left out, neighbours in line made one.

    Returns:
        The initializer of a ``tinyml_outer`` for those beyond four, and extents and steps of the
        four inner ones.
    """
    axes: list[list[int]] = []
    for extent, *step in zip(shape, *steps, strict=True):
        if extent == 1:
            continue
        if axes and all(axes[-1][1 + i] == extent * s for i, s in enumerate(step)):
            axes[-1] = [axes[-1][0] * extent, *step]
        else:
            axes.append([extent, *step])
    axes = [[1] + [0] * len(steps)] * (AXES - len(axes)) + axes
    outer, inner = axes[:-AXES], axes[-AXES:]
    each = ", ".join(f"{{{extent}, {_braces(step)}}}" for extent, *step in outer)
    loops = f"{{(const tinyml_axis[]){{{each}}}, {len(outer)}}}" if outer else "{0, 0}"
    return loops, [list(column) for column in zip(*inner, strict=True)]


def _braces(numbers: Sequence[int]) -> str:
    return "{" + ", ".join(str(int(n)) for n in numbers) + "}"
