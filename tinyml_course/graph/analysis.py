"""What a graph costs, operator by operator: MACs, parameters, and which bytes live when."""

from dataclasses import dataclass

from tinyml_course.graph.graph import Graph


@dataclass(frozen=True)
class OperatorCost:
    """One operator's share.

    Attributes:
        name: of the operator.
        kind: TF-Lite's name.
        macs: multiply-accumulates for one image.
        param_bytes: weights and biases as they are stored (int8 and int32).
        params: number of weights and biases.
        input_bytes: activations read.
        output_bytes: activation written.
    """

    name: str
    kind: str
    macs: int
    params: int
    param_bytes: int
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class Lifetime:
    """Steps during which a tensor must be kept: ``first`` writes it, ``last`` reads it last."""

    first: int
    last: int

    def overlaps(self, other: "Lifetime") -> bool:
        """Whether there is a step at which both are live."""
        return self.first <= other.last and other.first <= self.last


def costs(graph: Graph) -> list[OperatorCost]:
    """Cost of each operator, in execution order. A shared constant counts at each reader."""
    table = []
    for operator in graph.operators:
        inputs = graph.inputs_of(operator)
        constants = [t for t in inputs if t.is_constant]
        table.append(
            OperatorCost(
                name=operator.name,
                kind=operator.kind,
                macs=operator.macs(inputs),
                params=sum(t.elements for t in constants),
                param_bytes=sum(t.size_bytes for t in constants),
                input_bytes=sum(t.size_bytes for t in inputs if not t.is_constant),
                output_bytes=graph.output_of(operator).size_bytes,
            )
        )
    return table


def macs(graph: Graph) -> int:
    """Multiply-accumulates for one image."""
    return sum(operator.macs(graph.inputs_of(operator)) for operator in graph.operators)


def params(graph: Graph) -> int:
    """Weights and biases."""
    return sum(tensor.elements for tensor in graph.constants())


def lifetimes(graph: Graph) -> dict[str, Lifetime]:
    """Lifetime of every activation.

    An input is live from step 0, an output to the last step; an activation nobody reads lives
    only in the step that writes it.
    """
    end = len(graph.operators) - 1
    first = dict.fromkeys(graph.inputs, 0)
    last = dict.fromkeys(graph.inputs, 0)
    for step, operator in enumerate(graph.operators):
        for name in operator.inputs:
            if name in first:
                last[name] = step
        for name in operator.outputs:
            first[name] = last[name] = step
    last.update(dict.fromkeys(graph.outputs, end))
    return {name: Lifetime(first[name], last[name]) for name in first}


def live_bytes(graph: Graph) -> list[int]:
    """Bytes of the activations that are live at each step, nothing in place, nothing aligned."""
    spans = lifetimes(graph)
    return [
        sum(
            graph.tensors[name].size_bytes
            for name, span in spans.items()
            if span.first <= step <= span.last
        )
        for step in range(len(graph.operators))
    ]
