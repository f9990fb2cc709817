"""Which channels belong together, read off the traced network: no rule for any architecture.

Channels are followed along axis 1 of every value. A convolution or linear layer makes new ones; a
batch norm or depthwise convolution follows; an addition makes two the same; a concatenation lays
them side by side; flattening repeats each for its pixels.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.export.graph_signature import InputKind

from tinyml_course.errors import UnsupportedOperatorError
from tinyml_course.pruning.coupling.groups import ChannelGroup, Role
from tinyml_course.pruning.coupling.spaces import Layout, Segment, Spaces, repeated
from tinyml_course.pruning.errors import PruningError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Node = torch.fx.Node
aten = torch.ops.aten

KEEPERS = {
    *("relu", "relu_", "relu6", "relu6_", "hardtanh", "hardtanh_", "clamp", "clamp_", "clamp_min"),
    *("hardswish", "hardswish_", "hardsigmoid", "hardsigmoid_", "sigmoid", "sigmoid_", "tanh"),
    *("silu", "silu_", "gelu", "elu", "leaky_relu", "leaky_relu_", "dropout", "dropout_", "neg"),
    *("feature_dropout", "contiguous", "alias", "detach", "clone", "max_pool2d", "avg_pool2d"),
    *("adaptive_avg_pool2d", "adaptive_max_pool2d", "upsample_nearest2d", "upsample_bilinear2d"),
    *("expand", "expand_as", "constant_pad_nd", "pad", "to", "abs", "softplus", "mish"),
}
"""Operators whose output has the channels of what they read, each by itself."""
JOINERS = {"add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "maximum", "minimum"}
OVER_THE_MAP = {"mean", "amax", "sum"}
RESHAPES = {"flatten", "view", "reshape", "squeeze", "squeeze_", "unsqueeze", "unsqueeze_"}


class Trace:
    """One walk over the exported nodes."""

    def __init__(self, program: "ExportedProgram") -> None:
        self.program = program
        self.spaces = Spaces()
        self.layouts: dict[Node, Layout] = {}
        self.held: dict[Node, str] = {}

    def run(self) -> None:
        """Visit every node in execution order."""
        nodes = list(self.program.graph.nodes)
        specs = self.program.graph_signature.input_specs
        placeholders = [node for node in nodes if node.op == "placeholder"]
        for node, spec in zip(placeholders, specs, strict=True):
            if spec.kind == InputKind.USER_INPUT:
                self._meet_input(node)
            else:
                self.held[node] = str(spec.target)
        for node in nodes:
            if node.op == "call_function":
                self._visit(node)
            elif node.op == "output":
                for value in node.args[0]:
                    if isinstance(value, Node) and value in self.layouts:
                        self.spaces.fix(self.layouts[value], "they leave the network")

    def _meet_input(self, node: Node) -> None:
        self.layouts[node] = self.spaces.new(_shape(node)[1])
        self.spaces.fix(self.layouts[node], "they come from outside")

    def _visit(self, node: Node) -> None:
        name = _name(node)
        handler = HANDLERS.get(name)
        if handler is None:
            raise self.unsupported(node)
        layout = handler(self, node)
        if len(_shape(node)) > 1 and sum(s.length for s in layout) != _shape(node)[1]:
            raise self.unsupported(node, "its channels cannot be followed")
        self.layouts[node] = layout

    def unsupported(self, node: Node, why: str = "no rule for its channels") -> Exception:
        """An error that names torch's operator and the module it stands in."""
        stack = list(node.meta.get("nn_module_stack", {}).values())
        place = str(stack[-1][0]) if stack and stack[-1][0] else "(top)"
        known = ", ".join(sorted(key for key in HANDLERS if not key.endswith("_")))
        return UnsupportedOperatorError(f"{node.target} in module {place!r}: {why}; known: {known}")

    def source(self, node: Node, index: int = 0) -> Layout:
        """Layout of an operand."""
        value = node.args[index]
        if not isinstance(value, Node) or value not in self.layouts:
            raise self.unsupported(node, f"operand {index} is no activation")
        return self.layouts[value]

    def hold(self, value: Any, axis: int, layout: Layout, role: Role) -> Layout:
        """A parameter's axis holds these channels, if there is such a parameter."""
        if not isinstance(value, Node):
            return layout
        return self.spaces.hold(self.held[value], axis, layout, role)


def _shape(node: Node) -> tuple[int, ...]:
    value = node.meta.get("val")
    return tuple(int(n) for n in value.shape) if isinstance(value, torch.Tensor) else ()


def _name(node: Node) -> str:
    """``conv2d`` of ``aten.conv2d.default``; Python's own operators by their own names."""
    parts = str(node.target).split(".")
    return parts[1] if parts[0] == "aten" else getattr(node.target, "__name__", str(node.target))


def _argument(node: Node, index: int, default: Any = None) -> Any:
    return node.args[index] if len(node.args) > index else default


def _conv2d(trace: Trace, node: Node) -> Layout:
    source, weight, bias = trace.source(node), node.args[1], _argument(node, 2)
    assert isinstance(weight, Node)
    c_out, each = _shape(weight)[:2]
    groups = int(_argument(node, 6, 1))
    if groups == 1:
        trace.hold(weight, 1, source, "reads")
        made = trace.hold(weight, 0, trace.spaces.new(c_out), "makes")
    elif each == 1:  # depthwise; a channel may become several
        c_in = sum(segment.length for segment in source)
        made = trace.hold(weight, 0, repeated(source, c_out // c_in), "follows")
    else:
        trace.spaces.fix(source, f"read in {groups} groups")
        made = trace.hold(weight, 0, trace.spaces.new(c_out), "makes")
        trace.spaces.fix(made, f"made in {groups} groups")
    trace.hold(bias, 0, made, "follows")
    return made


def _linear(trace: Trace, node: Node) -> Layout:
    weight = node.args[1]
    assert isinstance(weight, Node)
    if len(_shape(node)) != 2:
        raise trace.unsupported(node, "linear needs (N, features)")
    trace.hold(weight, 1, trace.source(node), "reads")
    made = trace.hold(weight, 0, trace.spaces.new(_shape(weight)[0]), "makes")
    trace.hold(_argument(node, 2), 0, made, "follows")
    return made


def _batch_norm(trace: Trace, node: Node) -> Layout:
    layout = trace.source(node)
    for value in node.args[1:5]:
        trace.hold(value, 0, layout, "follows")
    return layout


def _keep(trace: Trace, node: Node) -> Layout:
    return trace.source(node)


def _join(trace: Trace, node: Node) -> Layout:
    """Sums and products: two maps, or a map and a number or parameter."""
    c = _shape(node)[1]
    operands = [value for value in node.args[:2] if isinstance(value, Node)]
    wide = [trace.layouts[v] for v in operands if v in trace.layouts and _shape(v)[1:2] == (c,)]
    if not wide:
        raise trace.unsupported(node, "no operand has the output's channels")
    for other in wide[1:]:
        trace.spaces.join(wide[0], other)
    for value in operands:
        shape = _shape(value)
        axis = len(shape) - len(_shape(node)) + 1
        if value not in trace.layouts and axis >= 0 and shape[axis] == c > 1:
            trace.hold(value, axis, wide[0], "follows")
    return wide[0]


def _over_the_map(trace: Trace, node: Node) -> Layout:
    rank = len(_shape(node.args[0]))  # type: ignore[arg-type]
    axes = _argument(node, 1)
    if axes is None or {axis % rank for axis in _as_list(axes)} & {0, 1}:
        raise trace.unsupported(node, "it reduces channels or images")
    return trace.source(node)


def _reshape(trace: Trace, node: Node) -> Layout:
    source = node.args[0]
    assert isinstance(source, Node)
    layout, before, after = trace.source(node), _shape(source), _shape(node)
    if before[:2] == after[:2]:
        return layout
    if len(after) == 2 and before[0] == after[0] and after[1] % before[1] == 0:
        return repeated(layout, after[1] // before[1])
    raise trace.unsupported(node, f"{before} to {after} mixes channels")


def _cat(trace: Trace, node: Node) -> Layout:
    parts = [trace.layouts[part] for part in node.args[0]]  # type: ignore[union-attr, index]
    if int(_argument(node, 1, 0)) % len(_shape(node)) == 1:
        return sum(parts, ())
    for other in parts[1:]:
        trace.spaces.join(parts[0], other)
    return parts[0]


def _normalize(trace: Trace, node: Node) -> Layout:
    layout = trace.source(node)
    trace.spaces.fix(layout, f"{_name(node)} looks at all of them together")
    return layout


def _as_list(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else [int(v) for v in value]


HANDLERS: dict[str, Callable[[Trace, Node], Layout]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "concat": _cat,
    "softmax": _normalize,
    "log_softmax": _normalize,
    "getitem": _keep,
    **dict.fromkeys(KEEPERS, _keep),
    **dict.fromkeys(JOINERS, _join),
    **dict.fromkeys(OVER_THE_MAP, _over_the_map),
    **dict.fromkeys(RESHAPES, _reshape),
}


def channel_groups(module: torch.nn.Module, example: torch.Tensor) -> list[ChannelGroup]:
    """The sets of channels of a network that come and go together.

    Args:
        module: in eval mode.
        example: ``(N, C, H, W)`` float, as the network is fed.

    Returns:
        Groups in the order in which their channels are made, fixed ones too, such as the logits.

    Raises:
        UnsupportedOperatorError: naming an operator through which channels cannot be followed.
        PruningError: the module is in training mode, cannot be traced, or shares a parameter
            between layers under two names.
    """
    if module.training:
        raise PruningError("the module is in training mode; call module.eval() first")
    _check_untied(module)
    try:
        program = torch.export.export(module, (example,))
    except Exception as error:  # torch.export raises many types for one fact
        raise PruningError(f"torch.export cannot trace this module: {error}") from error
    trace = Trace(program)
    trace.run()
    return trace.spaces.groups()


def _check_untied(module: torch.nn.Module) -> None:
    names: dict[int, str] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        first = names.setdefault(id(parameter), name)
        if first != name and first.rpartition(".")[0] != name.rpartition(".")[0]:
            raise PruningError(f"{first} and {name} are one parameter; give each layer its own")


__all__ = ["Segment", "Trace", "channel_groups"]
