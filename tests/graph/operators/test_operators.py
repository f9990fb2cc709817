"""The register of operators, and the ones without a window."""

import numpy as np
import pytest
from hypothesis import given
from random_graphs import int8_graphs

from tinyml_course.errors import GraphError, UnknownNameError
from tinyml_course.graph import Graph, Quantization, Tensor
from tinyml_course.graph.operators import (
    OPERATORS,
    Add,
    Conv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Reshape,
    from_attributes,
)

Q = Quantization.per_tensor(0.1)


def tensor(*shape: int, quantization: Quantization = Q) -> Tensor:
    return Tensor("t", shape, "int8", quantization)


def test_operators_are_registered_by_the_name_of_tf_lite() -> None:
    for kind, cls in OPERATORS.items():
        assert cls.kind == kind
        assert issubclass(cls, Operator)
    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "RESHAPE"):
        assert kind in OPERATORS
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        assert kind in OPERATORS


@given(int8_graphs())
def test_attributes_rebuild_the_operator(case: tuple[Graph, np.ndarray]) -> None:
    for operator in case[0].operators:
        again = from_attributes(
            operator.kind,
            operator.name,
            list(operator.inputs),
            list(operator.outputs),
            operator.attributes(),
        )
        assert again == operator
        assert type(again) is type(operator)


def test_lists_of_a_file_become_tuples_again() -> None:
    attributes = {"stride": [2, 1], "padding": [[0, 1], [1, 0]], "activation": "RELU"}
    conv = from_attributes("CONV_2D", "c", ["x", "w", "b"], ["y"], attributes)
    assert conv == Conv2D(
        "c", ("x", "w", "b"), ("y",), (2, 1), padding=((0, 1), (1, 0)), activation="RELU"
    )
    hash(conv)


def test_unknown_kinds_and_attributes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown operator 'CONV2D'; did you mean 'CONV_2D'"):
        from_attributes("CONV2D", "c", [], [], {})
    with pytest.raises(UnknownNameError, match="CONV_2D key 'strides'; did you mean 'stride'"):
        from_attributes("CONV_2D", "c", [], [], {"strides": [1, 1]})


def test_an_error_names_the_operator() -> None:
    assert str(Add("sum", (), ()).fail("no")) == "ADD sum: no"


def test_add_keeps_the_shape() -> None:
    add = Add("sum", ("a", "b"), ("c",))
    assert add.output_shape([tensor(1, 2, 3, 4)] * 2) == (1, 2, 3, 4)
    with pytest.raises(GraphError, match=r"sum: shapes \(1, 2, 3\) and \(1, 4, 3\) differ"):
        add.output_shape([tensor(1, 2, 3), tensor(1, 4, 3)])
    with pytest.raises(GraphError, match="sum: fused activation 'TANH'"):
        Add("sum", ("a", "b"), ("c",), "TANH").output_shape([tensor(1, 2)] * 2)


def test_fully_connected_reads_every_element() -> None:
    linear = FullyConnected("fc", ("x", "w", "b"), ("y",))
    weight = Tensor("w", (7, 24), "int8", Q, np.zeros((7, 24), np.int8))
    assert linear.output_shape([tensor(1, 2, 3, 4), weight]) == (1, 7)
    assert linear.macs([tensor(1, 24), weight]) == 7 * 24
    with pytest.raises(GraphError, match=r"fc: weight \(7, 24\) does not read 23 features"):
        linear.output_shape([tensor(1, 23), weight])


def test_reshape_keeps_the_elements() -> None:
    reshape = Reshape("r", ("x",), ("y",), (1, 4, 6))
    assert reshape.output_shape([tensor(1, 24)]) == (1, 4, 6)
    with pytest.raises(GraphError, match=r"r: \(1, 23\) does not reshape into \(1, 4, 6\)"):
        reshape.output_shape([tensor(1, 23)])


@pytest.mark.parametrize(
    "operator",
    [Reshape("r", ("x",), ("y",), (1, 1, 1, 4)), MaxPool2D("m", ("x",), ("y",))],
)
@pytest.mark.parametrize("other", [Quantization.per_tensor(0.2), Quantization.per_tensor(0.1, 1)])
def test_what_only_moves_numbers_keeps_their_scale(operator: Operator, other: Quantization) -> None:
    operator.check([tensor(1, 1, 1, 4)], tensor(1, 1, 1, 4))
    with pytest.raises(GraphError, match="must have the scale and zero point of t"):
        operator.check([tensor(1, 1, 1, 4)], tensor(1, 1, 1, 4, quantization=other))
