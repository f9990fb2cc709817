"""The graph: tensors, and operators in the order in which they run. It cannot be inconsistent."""

from collections.abc import Iterable, Iterator, Sequence

from tinyml_course.errors import GraphError, lookup
from tinyml_course.graph.operators import Operator
from tinyml_course.graph.tensor import Tensor


class Graph:
    """An int8 network for one image, checked when it is made and not changed afterwards.

    uint8 networks, which older TF-Lite files hold, have the same form; see `from_tflite`.

    Args:
        name: what reports call it.
        tensors: every tensor that an operator reads or writes.
        operators: in execution order.
        inputs: names of the activations that arrive from outside.
        outputs: names of the activations that leave.

    Raises:
        GraphError: naming the operator or tensor that breaks a rule.
    """

    def __init__(
        self,
        name: str,
        tensors: Iterable[Tensor],
        operators: Iterable[Operator],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        self.name = name
        self.operators = tuple(operators)
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.tensors: dict[str, Tensor] = {}
        for tensor in tensors:
            if tensor.name in self.tensors:
                raise GraphError(f"two tensors are called {tensor.name!r}")
            self.tensors[tensor.name] = tensor
        self._check()

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input.shape))
        return f"Graph({self.name!r}, {len(self.operators)} operators, input {shape})"

    @property
    def input(self) -> Tensor:
        """The only input.

        Raises:
            GraphError: there are several.
        """
        return self._only("input", self.inputs)

    @property
    def output(self) -> Tensor:
        """The only output.

        Raises:
            GraphError: there are several.
        """
        return self._only("output", self.outputs)

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name.

        Raises:
            UnknownNameError: there is none.
        """
        return lookup(f"tensor of {self.name}", name, self.tensors)

    def inputs_of(self, operator: Operator) -> list[Tensor]:
        """Every tensor the operator reads, constants too, in its order."""
        return [self.tensors[name] for name in operator.inputs]

    def activations_of(self, operator: Operator) -> list[Tensor]:
        """The activations the operator reads."""
        return [tensor for tensor in self.inputs_of(operator) if not tensor.is_constant]

    def output_of(self, operator: Operator) -> Tensor:
        """The tensor the operator writes."""
        return self.tensors[operator.outputs[0]]

    def activations(self) -> Iterator[Tensor]:
        """Every tensor that lives in SRAM, in the order in which they come to be."""
        for name in self.inputs:
            yield self.tensors[name]
        for operator in self.operators:
            for name in operator.outputs:
                yield self.tensors[name]

    def constants(self) -> Iterator[Tensor]:
        """Every tensor that lies in flash."""
        return (tensor for tensor in self.tensors.values() if tensor.is_constant)

    def consumers(self, name: str) -> list[Operator]:
        """The operators that read a tensor."""
        return [operator for operator in self.operators if name in operator.inputs]

    def _only(self, role: str, names: tuple[str, ...]) -> Tensor:
        if len(names) != 1:
            raise GraphError(f"{self.name} has {len(names)} {role}s, not one: {', '.join(names)}")
        return self.tensors[names[0]]

    def _check(self) -> None:
        if not self.inputs or not self.outputs or not self.operators:
            raise GraphError(f"{self.name}: a graph needs an input, an output and an operator")
        for name in self.inputs:
            if self.tensor(name).is_constant:
                raise GraphError(f"{self.name}: input {name!r} is a constant")
        known = {t.name for t in self.constants()} | set(self.inputs)
        names = set()
        for operator in self.operators:
            if operator.name in names:
                raise GraphError(f"two operators are called {operator.name!r}")
            names.add(operator.name)
            for name in operator.inputs:
                self.tensor(name)
                if name not in known:
                    raise operator.fail(f"reads {name!r} before any operator has written it")
            self._check_operator(operator, known)
        for name in self.outputs:
            if name not in known:
                raise GraphError(f"{self.name}: no operator writes output {name!r}")
        for tensor in self.activations():
            if not tensor.shape or tensor.shape[0] != 1:
                raise GraphError(
                    f"{tensor.name}: batch size {tensor.shape[:1]} is not 1; a microcontroller "
                    "runs one image at a time"
                )
        idle = set(self.tensors) - {n for o in self.operators for n in (*o.inputs, *o.outputs)}
        if idle:
            raise GraphError(f"{self.name}: no operator uses {', '.join(sorted(idle))}")

    def _check_operator(self, operator: Operator, known: set[str]) -> None:
        if len(operator.outputs) != 1:
            raise operator.fail(f"writes {len(operator.outputs)} tensors, one expected")
        output = self.tensor(operator.outputs[0])
        if output.name in known:
            raise operator.fail(f"writes {output.name!r}, which exists already")
        inputs = self.inputs_of(operator)
        try:
            expected = operator.output_shape(inputs)
            if output.shape != expected:
                raise operator.fail(f"{output.name} is declared {output.shape}, it is {expected}")
            operator.check(inputs, output)
        except GraphError:
            raise
        except (IndexError, ValueError) as error:
            raise operator.fail(f"cannot work on {len(inputs)} inputs ({error})") from error
        known.add(output.name)
