"""A graph cannot be inconsistent: every rule is broken once, and the error names the place."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.errors import GraphError, UnknownNameError
from tinyml_course.graph import Graph, GraphBuilder, Quantization, Tensor
from tinyml_course.graph.operators import NO_PADDING, Add, Conv2D, Reshape

Q = Quantization.per_tensor(0.1, 3)
Parts = dict[str, Any]


def parts() -> Parts:
    """A lawful graph in parts: a conv, then a sum with the input."""
    return {
        "name": "net",
        "tensors": {
            "x": Tensor("x", (1, 4, 4, 2), "int8", Q),
            "w": Tensor(
                "w",
                (2, 3, 3, 2),
                "int8",
                Quantization.per_channel([0.01, 0.02], 0),
                np.ones((2, 3, 3, 2), np.int8),
            ),
            "b": Tensor("b", (2,), "int32", None, np.zeros(2, np.int32)),
            "y": Tensor("y", (1, 4, 4, 2), "int8", Q),
            "z": Tensor("z", (1, 4, 4, 2), "int8", Q),
        },
        "operators": {
            "conv": Conv2D("conv", ("x", "w", "b"), ("y",), padding=((1, 1), (1, 1))),
            "sum": Add("sum", ("x", "y"), ("z",)),
        },
        "inputs": ("x",),
        "outputs": ("z",),
    }


def make(p: Parts) -> Graph:
    return Graph(
        p["name"], p["tensors"].values(), p["operators"].values(), p["inputs"], p["outputs"]
    )


def replace(p: Parts, part: str, **changes: Any) -> None:
    table = "operators" if part in p["operators"] else "tensors"
    p[table][part] = dataclasses.replace(p[table][part], **changes)


def test_the_parts_make_a_graph() -> None:
    graph = make(parts())
    assert repr(graph) == "Graph('net', 2 operators, input 1x4x4x2)"
    assert [t.name for t in graph.activations()] == ["x", "y", "z"]
    assert [t.name for t in graph.constants()] == ["w", "b"]
    conv, add = graph.operators
    assert [t.name for t in graph.inputs_of(conv)] == ["x", "w", "b"]
    assert [t.name for t in graph.activations_of(conv)] == ["x"]
    assert graph.output_of(conv).name == "y"
    assert graph.consumers("x") == [conv, add]
    assert graph.consumers("z") == []
    assert graph.input.name == "x"
    assert graph.output.name == "z"


def _batch(p: Parts) -> None:
    for name in ("x", "y", "z"):
        replace(p, name, shape=(2, 4, 4, 2))


def _reorder(p: Parts) -> None:
    p["operators"] = dict(reversed(p["operators"].items()))


BROKEN: list[tuple[str, Callable[[Parts], Any], str]] = [
    ("no input", lambda p: p.update(inputs=()), "net: a graph needs an input"),
    ("no output", lambda p: p.update(outputs=()), "net: a graph needs an input"),
    ("unknown input", lambda p: p.update(inputs=("q",)), "'q'.*Known: x, w, b, y, z"),
    ("constant input", lambda p: p.update(inputs=("x", "w")), "input 'w' is a constant"),
    ("unknown output", lambda p: p.update(outputs=("q",)), "no operator writes output 'q'"),
    ("twice the operator", lambda p: replace(p, "sum", name="conv"), "operators are called 'conv'"),
    ("twice the tensor", lambda p: replace(p, "z", name="y"), "tensors are called 'y'"),
    ("unknown tensor", lambda p: replace(p, "sum", inputs=("x", "q")), "unknown tensor of net 'q'"),
    ("wrong order", _reorder, "ADD sum: reads 'y' before any operator has written it"),
    ("two outputs", lambda p: replace(p, "sum", outputs=("z", "y")), "ADD sum: writes 2 tensors"),
    ("writes its input", lambda p: replace(p, "sum", outputs=("x",)), "writes 'x', which exists"),
    ("writes a constant", lambda p: replace(p, "sum", outputs=("w",)), "writes 'w', which exists"),
    ("wrong shape", lambda p: replace(p, "y", shape=(1, 4, 4, 3)), r"conv: y is declared .* it is"),
    ("batch", _batch, r"batch size \(2,\) is not 1|declared"),
    (
        "idle tensor",
        lambda p: p["tensors"].update(idle=Tensor("idle", (1, 2))),
        "no operator uses idle",
    ),
    ("unquantized", lambda p: replace(p, "y", quantization=None), "conv: y must be quantized int8"),
    ("int16", lambda p: replace(p, "y", dtype="int16"), "conv: y must be quantized int8"),
    (
        "per-channel activation",
        lambda p: replace(p, "y", quantization=Quantization.per_channel([0.1, 0.2], 3)),
        "one scale expected",
    ),
    (
        "asymmetric weight",
        lambda p: replace(p, "w", quantization=Quantization.per_tensor(0.1, 1)),
        "conv: weight w must have zero point 0",
    ),
    ("unquantized weight", lambda p: replace(p, "w", quantization=None), "weight w must be"),
    (
        "scales along the wrong axis",
        lambda p: replace(p, "w", quantization=Quantization.per_channel([0.1, 0.2], 3)),
        "along axis 3",
    ),
    (
        "too many scales",
        lambda p: replace(p, "w", quantization=Quantization.per_channel([0.1, 0.2, 0.3], 0)),
        "3 scales",
    ),
    (
        "bias of another length",
        lambda p: replace(p, "b", shape=(3,), data=np.zeros(3, np.int32)),
        r"bias b must be an int32 constant of shape \(2,\)",
    ),
    (
        "bias of another type",
        lambda p: replace(p, "b", dtype="int8", data=np.zeros(2, np.int8)),
        "bias b must be an int32",
    ),
    (
        "bias of another scale",
        lambda p: replace(p, "b", quantization=Quantization.per_channel([0.1, 0.1], 0)),
        "bias b must have the scale of the input times that of the weight",
    ),
    (
        "tiny bias scale, five times too large",
        lambda p: (
            replace(p, "x", quantization=Quantization.per_tensor(1e-4)),
            replace(p, "w", quantization=Quantization.per_channel([1e-5, 1e-5], 0)),
            replace(p, "b", quantization=Quantization.per_channel([5e-9, 5e-9], 0)),
        ),
        "bias b must have the scale of the input times that of the weight",
    ),
    (
        "zero point that is no int8",
        lambda p: replace(p, "y", quantization=Quantization.per_tensor(0.1, 128)),
        "conv: y has zero point 128, outside of -128..127",
    ),
    ("activation", lambda p: replace(p, "conv", activation="TANH"), "conv: .*'TANH'"),
    ("stride", lambda p: replace(p, "conv", stride=(0, 1)), "CONV_2D conv: .*stride=0"),
    (
        "kernel too large",
        lambda p: (replace(p, "x", shape=(1, 1, 4, 2)), replace(p, "conv", padding=NO_PADDING)),
        "CONV_2D conv: kernel 3 is larger than the padded input 1",
    ),
]


@pytest.mark.parametrize(("how", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_rule_is_named(how: Callable[[Parts], Any], message: str) -> None:
    p = parts()
    how(p)
    with pytest.raises((GraphError, UnknownNameError), match=message):
        make(p)


def test_the_bias_may_carry_the_product_of_the_scales() -> None:
    p = parts()
    product = np.float32(0.1) * np.array([0.01, 0.02], np.float32)
    replace(p, "b", quantization=Quantization.per_channel(product, 0))
    assert make(p).tensors["b"].quantization is not None


def test_input_and_output_must_be_single_to_be_asked_for() -> None:
    p = parts()
    p["outputs"] = ("y", "z")
    with pytest.raises(GraphError, match="net has 2 outputs, not one: y, z"):
        _ = make(p).output
    q = Quantization.per_tensor(0.1)
    a, b, c = (Tensor(n, (1, 2), "int8", q) for n in "abc")
    two = Graph("two", [a, b, c], [Add("sum", ("a", "b"), ("c",))], ("a", "b"), ("c",))
    with pytest.raises(GraphError, match="two has 2 inputs, not one: a, b"):
        _ = two.input


def test_the_batch_is_one() -> None:
    q = Quantization.per_tensor(0.1)
    tensors = [Tensor("x", (2, 3), "int8", q), Tensor("y", (2, 3), "int8", q)]
    with pytest.raises(GraphError, match=r"x: batch size \(2,\) is not 1"):
        Graph("g", tensors, [Reshape("r", ("x",), ("y",), (2, 3))], ("x",), ("y",))


def test_an_unknown_tensor_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Known: x, w, b, y, z"):
        make(parts()).tensor("v")


@given(int8_graphs())
def test_every_activation_is_an_input_or_written_once(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    written = [name for operator in graph.operators for name in operator.outputs]
    assert [t.name for t in graph.activations()] == [*graph.inputs, *written]
    assert len(set(written)) == len(written)
    assert {t.name for t in graph.activations()} | {t.name for t in graph.constants()} == set(
        graph.tensors
    )


@pytest.mark.parametrize("count", [1, 2])
def test_a_convolution_without_its_constants_is_a_named_error(count: int) -> None:
    builder = GraphBuilder("short")
    x = builder.input((1, 4, 4, 1), Quantization.per_tensor(0.1))
    weight = Quantization.per_channel([0.1], 0)
    names = [x, builder.constant("w", np.ones((1, 3, 3, 1), np.int8), weight)][:count]
    tensors = [*builder.tensors.values(), Tensor("y", (1, 2, 2, 1), "int8", weight)]
    operator = Conv2D("conv", tuple(names), ("y",))
    with pytest.raises(GraphError, match="conv"):
        Graph("short", tensors, [operator], ["input"], ["y"])
