"""The operators that real files brought: shapes against numpy, and what they refuse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.errors import GraphError
from tinyml_course.graph import Operator, Quantization, Tensor
from tinyml_course.graph.operators import (
    Add,
    Concatenation,
    Dequantize,
    HardSwish,
    Logistic,
    LogSoftmax,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    Quantize,
    Relu,
    Softmax,
    Transpose,
)

Q = Quantization.per_tensor(0.1)
UNIT = Quantization.per_tensor(1 / 256, -128)
SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=3).map(lambda n: (1, *n))


def tensor(shape: tuple[int, ...], q: Quantization | None = Q, dtype: str = "int8") -> Tensor:
    return Tensor("t", shape, dtype, q)


def make(kind: type[Operator], **attributes: Any) -> Operator:
    return kind(name="op", inputs=("t",), outputs=("op",), **attributes)


@given(SHAPES, st.data())
def test_shapes_are_those_of_numpy(shape: tuple[int, ...], data: st.DataObject) -> None:
    zeros, source = np.zeros(shape), tensor(shape)
    pads = tuple((data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in shape)
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    axes = data.draw(st.lists(st.integers(1, len(shape) - 1), min_size=1, unique=True))
    axis, keep = axes[0], data.draw(st.booleans())
    mean = make(Mean, axes=tuple(axes), keep_dims=keep)
    assert make(Pad, paddings=pads).output_shape([source]) == np.pad(zeros, pads).shape
    assert make(Transpose, permutation=order).output_shape([source]) == zeros.transpose(order).shape
    assert mean.output_shape([source]) == zeros.mean(axis=tuple(axes), keepdims=keep).shape
    joined = make(Concatenation, axis=axis).output_shape([source] * 3)
    assert joined == np.concatenate([zeros] * 3, axis=axis).shape
    for kind in (Softmax, Logistic, Quantize, Dequantize):
        assert make(kind).output_shape([source]) == shape


@pytest.mark.parametrize("kind", [Add, Mul])
def test_operands_broadcast_or_are_refused(kind: type[Operator]) -> None:
    operator = make(kind)
    assert operator.output_shape([tensor((1, 4, 5, 6)), tensor((6,))]) == (1, 4, 5, 6)
    with pytest.raises(GraphError, match=r"op: shapes \(1, 4\) and \(1, 5\) differ and do not"):
        operator.output_shape([tensor((1, 4)), tensor((1, 5))])
    fixed = Tensor("c", (1, 4), "int8", Q, np.zeros((1, 4), np.int8))
    with pytest.raises(GraphError, match="both operands are constants"):
        operator.check([fixed, fixed], tensor((1, 4)))


@pytest.mark.parametrize(
    ("operator", "shape", "message"),
    [
        (make(Pad, paddings=((0, 0),)), (1, 2), "1 paddings for 2 axes"),
        (make(Pad, paddings=((0, 0), (0, -1))), (1, 2), "at least 0"),
        (make(Transpose, permutation=(0, 0)), (1, 2), "not an order of 2 axes"),
        (make(Mean, axes=()), (1, 2), "must be given"),
        (make(Mean, axes=(0,)), (1, 2), r"must lie in 1\.\.1"),
        (make(Mean, axes=(1, 1)), (1, 2), "differ"),
        (make(Concatenation, axis=2), (1, 2), r"must lie in 1\.\.1"),
        (make(Softmax), (1, 5000), "at most 4095"),
    ],
)
def test_attributes_that_fit_no_input(
    operator: Operator, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        operator.output_shape([tensor(shape)])


def test_joined_maps_agree_in_the_other_axes_and_in_scale() -> None:
    operator = make(Concatenation, axis=1)
    with pytest.raises(GraphError, match=r"\(1, 2, 3\), \(1, 2, 4\) may only differ along axis 1"):
        operator.output_shape([tensor((1, 2, 3)), tensor((1, 2, 4))])
    with pytest.raises(GraphError, match="scale and zero point"):
        operator.check([tensor((1, 2)), tensor((1, 2), UNIT)], tensor((1, 4)))


@pytest.mark.parametrize("kind", [Softmax, Logistic])
def test_probabilities_have_the_prescribed_scale(kind: type[Operator]) -> None:
    make(kind).check([tensor((1, 3))], tensor((1, 3), UNIT))
    with pytest.raises(GraphError, match="scale 1/256 and zero point -128"):
        make(kind).check([tensor((1, 3))], tensor((1, 3)))


@pytest.mark.parametrize(
    ("kind", "source", "target"),
    [
        (Quantize, "int8", "float32"),
        (Quantize, "int32", "int8"),
        (Dequantize, "float32", "float32"),
        (Dequantize, "int8", "int8"),
    ],
)
def test_conversions_that_do_not_exist(kind: type[Operator], source: str, target: str) -> None:
    with pytest.raises(GraphError, match=f"does not go from {source} to {target}"):
        make(kind).check([tensor((1, 3), Q, source)], tensor((1, 3), Q, target))


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        (Concatenation, {}),
        (HardSwish, {}),
        (Mean, {"axes": (1,)}),
        (MaxPool2D, {}),
        (Pad, {"paddings": ((0, 0), (0, 0))}),
        (Relu, {}),
        (Softmax, {}),
        (Transpose, {"permutation": (0, 1)}),
    ],
)
@pytest.mark.parametrize(("source", "target"), [("int8", "uint8"), ("uint8", "int8")])
def test_no_operator_but_quantize_mixes_int8_and_uint8(
    kind: type[Operator], attributes: dict[str, Any], source: str, target: str
) -> None:
    operator, tensors = make(kind, **attributes), [tensor((1, 3), Q, source)]
    with pytest.raises(GraphError, match=r"op: t is u?int8 and t is u?int8; both must be of one"):
        operator.check(tensors, tensor((1, 3), Q, target))


@pytest.mark.parametrize("kind", [Add, Mul])
@pytest.mark.parametrize("odd", range(3))
def test_operands_and_result_have_one_type(kind: type[Operator], odd: int) -> None:
    first, second, result = (
        tensor((1, 3), Q, "uint8" if position == odd else "int8") for position in range(3)
    )
    with pytest.raises(GraphError, match="both must be of one type, put a QUANTIZE between"):
        make(kind).check([first, second], result)


@pytest.mark.parametrize("kind", [Logistic, LogSoftmax])
def test_an_operator_without_uint8_form_says_so(kind: type[Operator]) -> None:
    with pytest.raises(GraphError, match="op: t is uint8; this operator has only an int8 form"):
        make(kind).check([tensor((1, 3), Q, "uint8")], tensor((1, 3), UNIT, "uint8"))
