"""The walk over the exported nodes, and the register of what handles each."""

from collections.abc import Callable
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from tinyml_course.errors import GraphError, UnsupportedOperatorError
from tinyml_course.graph.torch_importer.float_layers import (
    Captured,
    FloatArray,
    FloatLayer,
    held_value,
)

Node = torch.fx.Node
aten = torch.ops.aten
Handler = Callable[["Walk", Node], None]

IDENTITIES = (
    aten.dropout.default,
    aten.dropout_.default,
    aten.feature_dropout.default,
    aten.contiguous.default,
    aten.alias.default,
    aten.detach.default,
)
"""What does nothing at inference."""

RESHAPES = (
    aten.flatten.using_ints,
    aten.view.default,
    aten.reshape.default,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.unsqueeze.default,
)
EXPANSIONS = (aten.expand.default, aten.expand_as.default)

HANDLERS: dict[Any, Handler] = {}
"""What turns a node into layers, by torch's operator."""


def handles(*targets: Any) -> Callable[[Handler], Handler]:
    """Decorator: enter a handler for some operators of torch."""

    def enter(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(targets, handler))
        return handler

    return enter


class Walk:
    """The walk over the exported nodes."""

    def __init__(self, program: ExportedProgram) -> None:
        self.program = program
        self.layers: dict[str, FloatLayer] = {}
        self.alias: dict[str, str] = {}  # exported node -> name of the layer that produces it
        self.held: dict[str, FloatArray] = {}  # parameters and buffers by node
        self.names = {"input"}
        self.input_node = ""

    def run(self) -> Captured:
        """Handle every node in execution order."""
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
            value = held_value(self.program, spec.target)
            self.held[node.name] = value.detach().double().numpy()
        output = ""
        for node in nodes:
            if node.op == "call_function":
                handler = HANDLERS.get(node.target)
                if handler is None:
                    raise self.unsupported(node)
                if changes_in_place(node) and self.is_read_by_another_name(node):
                    reason = "in place on a value that another name is read by; use inplace=False"
                    raise self.unsupported(node, reason)
                handler(self, node)
            elif node.op == "output":
                results = node.args[0]
                if not isinstance(results, (tuple, list)) or len(results) != 1:
                    raise GraphError("the module gives several outputs; one is expected")
                output = self.source(results[0])
        return Captured(list(self.layers.values()), self.input_node, output, self.program)

    def unsupported(self, node: Node, why: str = "") -> UnsupportedOperatorError:
        """An error that names torch's operator and the module it stands in."""
        known = ", ".join(sorted({name for target in HANDLERS if (name := _name(target))}))
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
        """Shape of a node's value, channels first, the batch included."""
        return tuple(int(n) for n in node.meta["val"].shape)

    def argument(self, node: Node, index: int, name: str, default: Any) -> Any:
        """An argument of torch's operator, given by place, by name, or not at all."""
        if len(node.args) > index:
            return node.args[index]
        return node.kwargs.get(name, default)

    def array(self, node: Any) -> FloatArray | None:
        """The values of a parameter or buffer."""
        return None if node is None else self.held[node.name]

    def add_layer(self, kind: str, node: Node, inputs: list[Any], **rest: Any) -> str:
        """Append a layer that stands for ``node``; returns its name."""
        return self.append(kind, node, [self.source(i) for i in inputs], **rest)

    def append(self, kind: str, node: Node, sources: list[str], **rest: Any) -> str:
        """Append a layer that reads these layers; ``node`` now stands for it."""
        name = self.unique(self.layer_name(kind, node))
        self.layers[name] = FloatLayer(kind, name, sources, node.name, **rest)
        self.alias[node.name] = name
        return name

    def is_read_by_another_name(self, node: Node) -> bool:
        """Whether something reads the memory that ``node`` overwrites afterwards, as a view of it.

        torch names the new value by ``node`` wherever the program used the overwritten name, but
        not where it used another view of the same memory.
        """
        order = {n: index for index, n in enumerate(self.program.graph.nodes)}
        root = node.args[0]
        assert isinstance(root, Node)
        while _is_view(root):
            root = root.args[0]
            assert isinstance(root, Node)
        names = [root]
        for name in names:
            names += [user for user in name.users if _is_view(user) and user is not node]
        readers = {user for name in names for user in name.users} - set(names) - {node}
        return any(order[reader] > order[node] for reader in readers)

    def layer_name(self, kind: str, node: Node) -> str:
        """The module's path, and the kind where the module is not itself that layer."""
        place = self.place(node)
        if place == "(top)":
            return kind
        stack = list(node.meta["nn_module_stack"].values())
        is_layer_of_torch = "torch.nn.modules" in str(stack[-1][1])
        return place if is_layer_of_torch else f"{place}.{kind}"

    def unique(self, name: str) -> str:
        """``name``, numbered if it is taken."""
        candidate, count = name, 2
        while candidate in self.names:
            candidate, count = f"{name}.{count}", count + 1
        self.names.add(candidate)
        return candidate

    def before(self, node: Node) -> FloatLayer | None:
        """The layer that a node with one operand reads; ``None`` for the image."""
        return self.layers.get(self.source(node.args[0]))

    def can_absorb(self, node: Node, kinds: tuple[str, ...]) -> bool:
        """Whether the layer before ``node`` is such a one and nothing else reads it."""
        layer = self.before(node)
        return (
            layer is not None
            and layer.kind in kinds
            and layer.activation == "NONE"
            and self.readers(layer) == {node}
        )

    def absorb(self, node: Node) -> FloatLayer:
        """Make ``node`` part of the layer before it."""
        layer = self.before(node)
        assert layer is not None
        self.alias[node.name] = layer.name
        layer.observed = node.name
        return layer

    def readers(self, layer: FloatLayer) -> set[Node]:
        """The nodes that read a layer's value, under whatever name it has been handed on."""
        names = [n for n in self.program.graph.nodes if self.alias.get(n.name) == layer.name]
        return {user for node in names for user in node.users} - set(names)


def _name(target: Any) -> str:
    """Torch's name of an operator, empty for Python's own and for those that work in place."""
    name = str(target).removeprefix("aten.").split(".")[0]
    return "" if name.endswith("_") or "built-in" in name else name


def changes_in_place(node: Node) -> bool:
    """Whether an operator overwrites its first operand: torch ends its name in an underscore."""
    name = str(node.target).split(".")
    return len(name) > 1 and name[1].endswith("_")


def _is_view(node: Node) -> bool:
    """Whether a node's value may lie in the memory of its first operand."""
    return node.target in (*IDENTITIES, *RESHAPES, *EXPANSIONS) or changes_in_place(node)


def integers(value: Any) -> list[int]:
    """One number or several, as a list."""
    return [value] if isinstance(value, int) else [int(v) for v in value]


def pair(value: Any) -> tuple[int, int]:
    """One number for both axes, or one for each."""
    numbers = integers(value)
    return numbers[0], numbers[-1]


def both_sides(padding: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Torch's symmetric padding as the graph writes it."""
    return (padding[0], padding[0]), (padding[1], padding[1])
