"""Slices, resizing, reductions and activations of their own: shapes, and what they refuse."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.errors import GraphError
from tinyml_course.graph import Operator, Quantization, Tensor
from tinyml_course.graph.operators import (
    FullyConnected,
    HardSwish,
    LogSoftmax,
    Pad,
    ReduceMax,
    Relu,
    Relu6,
    ResizeNearestNeighbor,
    StridedSlice,
    from_attributes,
)

Q = Quantization.per_tensor(0.1)
OTHER = Quantization.per_tensor(0.2, 3)


def tensor(shape: tuple[int, ...], q: Quantization = Q) -> Tensor:
    return Tensor("t", shape, "int8", q)


def make(kind: type[Operator], **attributes: Any) -> Operator:
    return kind(name="op", inputs=("t",), outputs=("op",), **attributes)


@given(st.integers(1, 9), st.integers(0, 8), st.integers(1, 9), st.integers(-4, 4))
def test_a_slice_takes_what_numpy_takes(length: int, first: int, count: int, step: int) -> None:
    operator = make(StridedSlice, begin=(0, first), size=(1, count), strides=(1, step))
    taken = [first + index * step for index in range(count)]
    if step == 0 or not all(0 <= index < length for index in taken):
        with pytest.raises(GraphError, match="op: takes"):
            operator.output_shape([tensor((1, length))])
        return
    assert [list(indices) for indices in operator.indices()] == [[0], taken]
    assert operator.output_shape([tensor((1, length))]) == np.zeros((1, length))[:, taken].shape


def test_a_slice_may_drop_axes_of_one_element_but_not_the_batch() -> None:
    full = {"begin": (0, 2, 0), "size": (1, 1, 4), "strides": (1, 1, 1)}
    assert make(StridedSlice, **full, shrink_axes=(1,)).output_shape([tensor((1, 3, 4))]) == (1, 4)
    for axis in (0, 2, 3):
        with pytest.raises(GraphError, match="must have size 1, not be the batch"):
            make(StridedSlice, **full, shrink_axes=(axis,)).output_shape([tensor((1, 3, 4))])


@pytest.mark.parametrize(
    ("operator", "shape", "message"),
    [
        (make(StridedSlice, begin=(0,), size=(1,), strides=(1,)), (1, 2), "must have 2 entries"),
        (make(ResizeNearestNeighbor, size=(2, 0)), (1, 2, 2, 1), "at least 1"),
        (make(ResizeNearestNeighbor, size=(2, 2)), (1, 2), r"must be \(1, H, W, C\)"),
        (make(ReduceMax, axes=(0,)), (1, 2), r"must lie in 1\.\.1"),
        (make(LogSoftmax), (1, 5000), "at most 4095"),
    ],
)
def test_attributes_that_fit_no_input(
    operator: Operator, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        operator.output_shape([tensor(shape)])


@pytest.mark.parametrize(
    "operator",
    [
        make(ReduceMax, axes=(1,)),
        make(Relu6),
        make(ResizeNearestNeighbor, size=(2, 2)),
        make(StridedSlice),
        make(Pad),
    ],
)
def test_what_only_chooses_keeps_the_scale(operator: Operator) -> None:
    operator.check([tensor((1, 2))], tensor((1, 2)))
    with pytest.raises(GraphError, match="must have the scale and zero point"):
        operator.check([tensor((1, 2))], tensor((1, 2), OTHER))


@pytest.mark.parametrize("kind", [Relu, HardSwish])
def test_what_computes_may_change_the_scale(kind: type[Operator]) -> None:
    make(kind).check([tensor((1, 2))], tensor((1, 2), OTHER))
    assert make(kind).output_shape([tensor((1, 2, 3))]) == (1, 2, 3)


def test_logarithms_of_probabilities_have_the_prescribed_scale() -> None:
    make(LogSoftmax).check([tensor((1, 3))], tensor((1, 3), Quantization.per_tensor(1 / 16, 127)))
    with pytest.raises(GraphError, match="op must have scale 1/16 and zero point 127"):
        make(LogSoftmax).check([tensor((1, 3))], dataclasses.replace(tensor((1, 3)), name="op"))


def test_the_border_is_the_zero_point_unless_it_is_given() -> None:
    assert make(Pad).border(tensor((1, 2), OTHER)) == 3
    assert make(Pad, value=-7).border(tensor((1, 2), OTHER)) == -7
    with pytest.raises(GraphError, match="value 200 is not an int8"):
        make(Pad, value=200).check([tensor((1, 2))], tensor((1, 2)))


def test_every_row_of_a_linear_layer_costs_the_same() -> None:
    weight = Tensor("w", (7, 4), "int8", Q, np.zeros((7, 4), np.int8))
    linear = FullyConnected("fc", ("x", "w", "b"), ("y",), keep_num_dims=True)
    assert linear.output_shape([tensor((1, 2, 3, 4)), weight]) == (1, 2, 3, 7)
    assert linear.macs([tensor((1, 2, 3, 4)), weight]) == 6 * 28
    with pytest.raises(GraphError, match=r"fc: weight \(7, 4\) does not read rows of \(1, 2, 3\)"):
        linear.output_shape([tensor((1, 2, 3)), weight])


@pytest.mark.parametrize(
    "operator",
    [
        make(StridedSlice, begin=(0, 1), size=(1, 2), strides=(1, -1), shrink_axes=(1,)),
        make(ResizeNearestNeighbor, size=(3, 4), half_pixel_centers=True),
        make(Pad, paddings=((0, 0), (1, 2)), value=5),
        make(ReduceMax, axes=(1, 2), keep_dims=True),
    ],
)
def test_attributes_rebuild_the_operator(operator: Operator) -> None:
    again = from_attributes(operator.kind, "op", ["t"], ["op"], operator.attributes())
    assert again == operator
