"""From a torch module to a short list of float layers, through torch.export.

Batch norm is folded into the convolution before it and activations are fused into their producer
here, so that what is quantized afterwards is exactly what the int8 operators compute.
"""

import operator as python_operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from tinyml_course.errors import GraphError, UnsupportedOperatorError

FloatArray = NDArray[np.float64]


@dataclass
class FloatLayer:
    """One operator before quantization.

    Attributes:
        kind: ``conv``, ``depthwise``, ``linear``, ``add``, ``average_pool``, ``max_pool`` or
            ``flatten``.
        name: the module path it came from, unique.
        inputs: names of the layers it reads (or of the input).
        observed: the exported node whose values are the layer's output, after fusion.
        weight: float64 in the graph's layout, or ``None``.
        bias: float64 ``(C_out,)``, or ``None``.
        activation: fused clamp.
        attributes: stride, padding, size.
    """

    kind: str
    name: str
    inputs: list[str]
    observed: str
    weight: FloatArray | None = None
    bias: FloatArray | None = None
    activation: str = "NONE"
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Captured:
    """A network as float layers in execution order.

    Attributes:
        layers: the layers.
        input_node: name of the exported input node.
        output: name of the layer that is the output.
        program: the exported program, to run calibration through.
    """

    layers: list[FloatLayer]
    input_node: str
    output: str
    program: ExportedProgram


def capture(module: torch.nn.Module, example: torch.Tensor) -> Captured:
    """Trace ``module`` and reduce it to float layers.

    Args:
        module: in eval mode.
        example: ``(N, C, H, W)`` float.

    Raises:
        GraphError: the module is in training mode, or torch cannot export it.
        UnsupportedOperatorError: naming the operator and the module it stands in.
    """
    for name, part in module.named_modules():
        if part.training:
            place = f"module {name!r}" if name else "the module"
            raise GraphError(f"{place} is in training mode; call module.eval() before converting")
    try:
        program = torch.export.export(module, (example,))
    except Exception as error:  # torch.export raises many types for one fact
        raise GraphError(f"torch.export cannot trace this module: {error}") from error
    return _Capture(program).run()


def program_inputs(program: ExportedProgram, x: torch.Tensor) -> list[torch.Tensor]:
    """Arguments of the exported graph: its parameters and buffers, and ``x``."""
    values: list[torch.Tensor] = []
    for spec in program.graph_signature.input_specs:
        if spec.kind == InputKind.USER_INPUT:
            values.append(x)
        else:
            assert spec.target is not None  # torch names every parameter and buffer
            held = program.state_dict.get(spec.target)
            values.append(program.constants[spec.target] if held is None else held)
    return values


Node = torch.fx.Node
Handler = Callable[["_Capture", Node], None]
_HANDLERS: dict[Any, Handler] = {}


def _handles(*targets: Any) -> Callable[[Handler], Handler]:
    def enter(handler: Handler) -> Handler:
        _HANDLERS.update(dict.fromkeys(targets, handler))
        return handler

    return enter


class _Capture:
    """The walk over the exported nodes."""

    def __init__(self, program: ExportedProgram) -> None:
        self.program = program
        self.layers: dict[str, FloatLayer] = {}
        self.alias: dict[str, str] = {}  # exported node -> name of the layer that produces it
        self.held: dict[str, FloatArray] = {}  # parameters and buffers by node
        self.names = {"input"}
        self.input_node = ""

    def run(self) -> Captured:
        nodes = list(self.program.graph.nodes)
        specs = self.program.graph_signature.input_specs
        placeholders = [node for node in nodes if node.op == "placeholder"]
        for node, spec in zip(placeholders, specs, strict=True):
            if spec.kind == InputKind.USER_INPUT:
                if self.input_node:
                    raise GraphError("the module takes several inputs; one image is expected")
                self.input_node = node.name
                self.alias[node.name] = "input"
                continue
            assert spec.target is not None  # torch names every parameter and buffer
            value = self.program.state_dict.get(spec.target)
            value = self.program.constants[spec.target] if value is None else value
            self.held[node.name] = value.detach().double().numpy()
        output = ""
        for node in nodes:
            if node.op == "call_function":
                handler = _HANDLERS.get(node.target)
                if handler is None:
                    raise self.unsupported(node)
                handler(self, node)
            elif node.op == "output":
                results = node.args[0]
                if not isinstance(results, (tuple, list)) or len(results) != 1:
                    raise GraphError("the module gives several outputs; one is expected")
                output = self.source(results[0])
        return Captured(list(self.layers.values()), self.input_node, output, self.program)

    def unsupported(self, node: Node, why: str = "") -> UnsupportedOperatorError:
        known = ", ".join(sorted({str(t).removeprefix("aten.").split(".")[0] for t in _HANDLERS}))
        reason = f" ({why})" if why else ""
        return UnsupportedOperatorError(
            f"{node.target} in module {self.place(node)!r} has no int8 form here{reason}; "
            f"supported: {known}"
        )

    def place(self, node: Node) -> str:
        """Path of the module that a node stands in."""
        stack = list(node.meta.get("nn_module_stack", {}).values())
        return str(stack[-1][0]) if stack and stack[-1][0] else "(top)"

    def source(self, node: Any) -> str:
        """The layer that produces a node."""
        return self.alias[node.name]

    def shape(self, node: Any) -> tuple[int, ...]:
        return tuple(int(n) for n in node.meta["val"].shape)

    def argument(self, node: Node, index: int, name: str, default: Any) -> Any:
        if len(node.args) > index:
            return node.args[index]
        return node.kwargs.get(name, default)

    def array(self, node: Any) -> FloatArray | None:
        return None if node is None else self.held[node.name]

    def add_layer(self, kind: str, node: Node, inputs: list[Any], **rest: Any) -> None:
        name = self.unique(self.layer_name(kind, node))
        sources = [self.source(i) for i in inputs]
        self.layers[name] = FloatLayer(kind, name, sources, node.name, **rest)
        self.alias[node.name] = name

    def layer_name(self, kind: str, node: Node) -> str:
        place = self.place(node)
        if place == "(top)":
            return kind
        stack = list(node.meta["nn_module_stack"].values())
        is_layer_of_torch = "torch.nn.modules" in str(stack[-1][1])
        return place if is_layer_of_torch else f"{place}.{kind}"

    def unique(self, name: str) -> str:
        candidate, count = name, 2
        while candidate in self.names:
            candidate, count = f"{name}.{count}", count + 1
        self.names.add(candidate)
        return candidate

    def absorb(self, node: Node, kinds: tuple[str, ...], what: str) -> FloatLayer:
        """The layer before ``node``, if ``node`` is the only one that reads it."""
        before = node.args[0]
        assert isinstance(before, Node)
        layer = self.layers.get(self.source(before))
        if layer is None or layer.kind not in kinds or layer.activation != "NONE":
            raise self.unsupported(node, f"{what} is fused only into {' or '.join(kinds)}")
        if self.readers(layer) != {node}:
            raise self.unsupported(node, "the value before it is read elsewhere too")
        self.alias[node.name] = layer.name
        layer.observed = node.name
        return layer

    def readers(self, layer: FloatLayer) -> set[Node]:
        """The nodes that read a layer's value, under whatever name it has been handed on."""
        names = [n for n in self.program.graph.nodes if self.alias.get(n.name) == layer.name]
        return {user for node in names for user in node.users} - set(names)


def _integers(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else [int(v) for v in value]


def _pair(value: Any) -> tuple[int, int]:
    numbers = _integers(value)
    return numbers[0], numbers[-1]


def _both_sides(padding: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    return (padding[0], padding[0]), (padding[1], padding[1])


aten = torch.ops.aten


@_handles(aten.conv2d.default)
def _conv2d(walk: _Capture, node: Node) -> None:
    weight = walk.array(node.args[1])
    assert weight is not None
    if _pair(walk.argument(node, 5, "dilation", 1)) != (1, 1):
        raise walk.unsupported(node, "dilation")
    groups = int(walk.argument(node, 6, "groups", 1))
    c_in = walk.shape(node.args[0])[1]
    c_out = weight.shape[0]
    if groups == 1:
        kind, layout = "conv", (0, 2, 3, 1)
    elif groups == c_in:
        kind, layout = "depthwise", (1, 2, 3, 0)
    else:
        raise walk.unsupported(node, f"{groups} groups; 1 or one per channel")
    bias = walk.array(walk.argument(node, 2, "bias", None))
    walk.add_layer(
        kind,
        node,
        [node.args[0]],
        weight=weight.transpose(layout),
        bias=np.zeros(c_out) if bias is None else bias.copy(),
        attributes={
            "stride": _pair(walk.argument(node, 3, "stride", 1)),
            "padding": _both_sides(_pair(walk.argument(node, 4, "padding", 0))),
        },
    )


@_handles(aten.batch_norm.default)
def _batch_norm(walk: _Capture, node: Node) -> None:
    if walk.argument(node, 5, "training", False):
        raise GraphError(f"batch norm {walk.place(node)!r} is in training mode; call module.eval()")
    layer = walk.absorb(node, ("conv", "depthwise"), "batch norm")
    gamma, beta, mean, variance = (walk.array(node.args[i]) for i in range(1, 5))
    epsilon = float(walk.argument(node, 7, "eps", 1e-5))
    assert layer.weight is not None
    assert layer.bias is not None
    assert mean is not None
    assert variance is not None
    factor = (1.0 if gamma is None else gamma) / np.sqrt(variance + epsilon)
    axis = 0 if layer.kind == "conv" else 3
    along = [1] * 4
    along[axis] = -1
    layer.weight = layer.weight * factor.reshape(along)
    layer.bias = (layer.bias - mean) * factor + (0.0 if beta is None else beta)


@_handles(aten.relu.default, aten.relu_.default)
def _relu(walk: _Capture, node: Node) -> None:
    walk.absorb(node, ("conv", "depthwise", "linear", "add"), "ReLU").activation = "RELU"


@_handles(aten.relu6.default, aten.hardtanh.default, aten.hardtanh_.default)
def _relu6(walk: _Capture, node: Node) -> None:
    if node.target is not aten.relu6.default:
        bounds = (walk.argument(node, 1, "min_val", -1.0), walk.argument(node, 2, "max_val", 1.0))
        if tuple(map(float, bounds)) != (0.0, 6.0):
            raise walk.unsupported(node, f"clamp to {bounds}; only 0..6")
    walk.absorb(node, ("conv", "depthwise", "linear", "add"), "ReLU6").activation = "RELU6"


@_handles(aten.linear.default)
def _linear(walk: _Capture, node: Node) -> None:
    weight = walk.array(node.args[1])
    assert weight is not None
    before = walk.layers.get(walk.source(node.args[0]))
    if before is not None and before.kind == "flatten":
        # torch flattens channels first, the graph channels last: the columns change places.
        c, h, w = before.attributes["map"]
        ordered = weight.reshape(-1, c, h, w).transpose(0, 2, 3, 1)
        weight = ordered.reshape(weight.shape)
    if len(walk.shape(node.args[0])) != 2:
        raise walk.unsupported(node, "linear needs flattened features")
    bias = walk.array(walk.argument(node, 2, "bias", None))
    walk.add_layer(
        "linear",
        node,
        [node.args[0]],
        weight=weight,
        bias=np.zeros(weight.shape[0]) if bias is None else bias.copy(),
    )


@_handles(aten.add.Tensor, aten.add_.Tensor, python_operator.add)
def _add(walk: _Capture, node: Node) -> None:
    first, second = node.args[:2]
    if not isinstance(first, Node) or not isinstance(second, Node):
        raise walk.unsupported(node, "adding a number")
    if second.name in walk.held or first.name in walk.held:
        raise walk.unsupported(node, "adding a constant tensor")
    if node.kwargs.get("alpha", 1) != 1:
        raise walk.unsupported(node, "alpha")
    if walk.shape(first) != walk.shape(second):
        raise walk.unsupported(node, "broadcasting")
    walk.add_layer("add", node, [first, second])


@_handles(aten.adaptive_avg_pool2d.default)
def _adaptive_average_pool(walk: _Capture, node: Node) -> None:
    height, width = walk.shape(node.args[0])[2:]
    rows, columns = _pair(node.args[1])
    if height % rows or width % columns:
        raise walk.unsupported(node, f"{height}x{width} does not divide into {rows}x{columns}")
    size = (height // rows, width // columns)
    walk.add_layer("average_pool", node, [node.args[0]], attributes={"size": size, "stride": size})


@_handles(aten.mean.dim)
def _mean(walk: _Capture, node: Node) -> None:
    shape = walk.shape(node.args[0])
    axes = {axis % len(shape) for axis in _integers(node.args[1])}
    if len(shape) != 4 or axes != {2, 3}:
        raise walk.unsupported(node, "a mean over anything but height and width")
    size = (shape[2], shape[3])
    walk.add_layer("average_pool", node, [node.args[0]], attributes={"size": size, "stride": size})
    if not walk.argument(node, 2, "keepdim", False):
        pool = walk.alias[node.name]
        name = walk.unique(f"{pool}.flatten")
        channels = {"map": (shape[1], 1, 1)}
        walk.layers[name] = FloatLayer("flatten", name, [pool], node.name, attributes=channels)
        walk.alias[node.name] = name


@_handles(aten.avg_pool2d.default)
def _average_pool(walk: _Capture, node: Node) -> None:
    padding = _pair(walk.argument(node, 3, "padding", 0))
    if padding != (0, 0) and walk.argument(node, 5, "count_include_pad", True):
        raise walk.unsupported(node, "padding that counts in the mean")
    if walk.argument(node, 6, "divisor_override", None) is not None:
        raise walk.unsupported(node, "divisor_override")
    _pool(walk, node, "average_pool", padding, ceil_index=4)


@_handles(aten.max_pool2d.default)
def _max_pool(walk: _Capture, node: Node) -> None:
    if _pair(walk.argument(node, 4, "dilation", 1)) != (1, 1):
        raise walk.unsupported(node, "dilation")
    _pool(walk, node, "max_pool", _pair(walk.argument(node, 3, "padding", 0)), ceil_index=5)


def _pool(walk: _Capture, node: Node, kind: str, padding: tuple[int, int], ceil_index: int) -> None:
    size = _pair(node.args[1])
    stride = _pair(walk.argument(node, 2, "stride", None) or size)
    sides = [list(side) for side in _both_sides(padding)]
    if walk.argument(node, ceil_index, "ceil_mode", False):
        # Rounding up equals some rows of padding at the far side, which no pool counts.
        for axis in range(2):
            given = walk.shape(node.args[0])[2 + axis]
            rows = walk.shape(node)[2 + axis]
            reach = (rows - 1) * stride[axis] + size[axis]
            sides[axis][1] += max(0, reach - given - sum(sides[axis]))
    attributes = {"size": size, "stride": stride, "padding": tuple(map(tuple, sides))}
    walk.add_layer(kind, node, [node.args[0]], attributes=attributes)


def _readers(node: Node) -> Iterator[Node]:
    """What reads a node's value, through operators that hand it on unchanged."""
    for user in node.users:
        if _HANDLERS.get(user.target) is _identity:
            yield from _readers(user)
        else:
            yield user


@_handles(aten.flatten.using_ints, aten.view.default, aten.reshape.default)
def _flatten(walk: _Capture, node: Node) -> None:
    before, after = walk.shape(node.args[0]), walk.shape(node)
    if before == after:
        walk.alias[node.name] = walk.source(node.args[0])
        return
    if len(before) != 4 or len(after) != 2 or after[0] != before[0]:
        raise walk.unsupported(node, f"{before} to {after}; only (N, C, H, W) to (N, C H W)")
    if before[2:] != (1, 1) and any(u.target is not aten.linear.default for u in _readers(node)):
        raise walk.unsupported(node, "a flattened map that anything but a linear layer reads")
    walk.add_layer("flatten", node, [node.args[0]], attributes={"map": before[1:]})


@_handles(aten.dropout.default, aten.dropout_.default, aten.contiguous.default)
def _identity(walk: _Capture, node: Node) -> None:
    walk.alias[node.name] = walk.source(node.args[0])
