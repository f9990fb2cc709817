"""Shapes of windowed operators against torch, and SAME padding by its definition."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from tinyml_course.errors import GraphError
from tinyml_course.graph import Quantization, Tensor
from tinyml_course.graph.operators import (
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    MaxPool2D,
    same_padding,
)

Q = Quantization.per_tensor(0.1)
extent, kernel_size, step = st.integers(1, 9), st.integers(1, 5), st.integers(1, 4)
pairs = st.tuples
paddings = st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2)


def image(h: int, w: int, c: int) -> Tensor:
    return Tensor("x", (1, h, w, c), "int8", Q)


def constant(*shape: int) -> Tensor:
    return Tensor("w", shape, "int8", Q, np.zeros(shape, np.int8))


@settings(max_examples=60)
@given(pairs(extent, extent), pairs(kernel_size, kernel_size), pairs(step, step), paddings)
def test_conv_and_depthwise_shapes_and_macs_are_those_of_torch(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    assume(all(k <= n + sum(p) for k, n, p in zip(kernel, size, padding, strict=True)))
    c_in, c_out = 3, 4
    (top, bottom), (left, right) = padding
    x = F.pad(torch.zeros(1, c_in, *size), (left, right, top, bottom))
    _, _, rows, columns = F.conv2d(x, torch.zeros(c_out, c_in, *kernel), stride=stride).shape
    conv = Conv2D("conv", ("x", "w", "b"), ("y",), stride=stride, padding=padding)
    tensors = [image(*size, c_in), constant(c_out, *kernel, c_in)]
    assert conv.output_shape(tensors) == (1, rows, columns, c_out)
    assert conv.macs(tensors) == rows * columns * c_out * c_in * kernel[0] * kernel[1]
    assert conv.kernel(tensors) == kernel
    depthwise = DepthwiseConv2D("dw", ("x", "w", "b"), ("y",), stride=stride, padding=padding)
    tensors = [image(*size, c_in), constant(1, *kernel, 2 * c_in)]
    assert depthwise.output_shape(tensors) == (1, rows, columns, 2 * c_in)
    assert depthwise.macs(tensors) == rows * columns * 2 * c_in * kernel[0] * kernel[1]
    assert depthwise.multiplier(tensors) == 2


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@settings(max_examples=30)
@given(pairs(extent, extent), pairs(kernel_size, kernel_size), pairs(step, step))
def test_pool_shapes_are_those_of_torch(
    kind: type, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    pad = tuple(k // 2 for k in kernel)
    pad = tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True))
    assume(all(k <= n + 2 * p for k, n, p in zip(kernel, size, pad, strict=True)))
    expected = F.max_pool2d(torch.zeros(1, 5, *size), kernel, stride, pad).shape
    sides = tuple((p, p) for p in pad)
    pool = kind("pool", ("x",), ("y",), stride=stride, padding=sides, size=kernel)
    assert pool.output_shape([image(*size, 5)]) == (1, expected[2], expected[3], 5)
    assert pool.macs([image(*size, 5)]) == 0


@settings(max_examples=100)
@given(pairs(extent, extent), pairs(kernel_size, kernel_size), pairs(step, step))
def test_same_padding_gives_the_size_divided_by_the_stride(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    padding = same_padding(size, kernel, stride)
    conv = Conv2D("conv", ("x", "w", "b"), ("y",), stride=stride, padding=padding)
    rows, columns = conv.output_shape([image(*size, 2), constant(1, *kernel, 2)])[1:3]
    assert rows == int(np.ceil(size[0] / stride[0]))
    assert columns == int(np.ceil(size[1] / stride[1]))
    for axis, (before, after) in enumerate(padding):
        assert 0 <= after - before <= 1  # the odd row lies behind
        if before + after:  # no more than needed
            outputs = -(-size[axis] // stride[axis])
            assert (outputs - 1) * stride[axis] + kernel[axis] == size[axis] + before + after


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize("padding", [((2, 0), (0, 0)), ((0, 0), (0, 3))])
def test_a_pool_window_never_lies_in_padding_alone(
    kind: type, padding: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    pool = kind("pool", ("x",), ("y",), padding=padding, size=(2, 3))
    with pytest.raises(GraphError, match=r"pool: padding .* without any input"):
        pool.output_shape([image(5, 5, 1)])


@pytest.mark.parametrize(
    ("operator", "tensors", "message"),
    [
        (
            Conv2D("c", ("x", "w", "b"), ("y",)),
            [image(5, 5, 2), constant(4, 3, 3, 3)],
            r"CONV_2D c: weight \(4, 3, 3, 3\) does not read 2 channels",
        ),
        (
            Conv2D("c", ("x", "w", "b"), ("y",)),
            [image(5, 5, 2), constant(4, 2)],
            "does not read 2 channels",
        ),
        (
            DepthwiseConv2D("d", ("x", "w", "b"), ("y",)),
            [image(5, 5, 2), constant(1, 3, 3, 3)],
            "DEPTHWISE_CONV_2D d: weight .* multiple of 2",
        ),
        (
            DepthwiseConv2D("d", ("x", "w", "b"), ("y",)),
            [image(5, 5, 2), constant(2, 3, 3, 2)],
            r"\(1, K_h, K_w",
        ),
        (
            Conv2D("c", ("x", "w", "b"), ("y",)),
            [image(2, 5, 2), constant(4, 3, 3, 2)],
            "CONV_2D c: kernel 3 is larger than the padded input 2",
        ),
        (
            Conv2D("c", ("x", "w", "b"), ("y",), activation="TANH"),
            [image(5, 5, 2), constant(4, 3, 3, 2)],
            "TANH",
        ),
        (
            Conv2D("c", ("x", "w", "b"), ("y",)),
            [Tensor("flat", (1, 2), "int8", Q), constant(4, 1, 1, 2)],
            r"flat must be \(1, H, W, C\)",
        ),
        (
            Conv2D("c", ("x", "w", "b"), ("y",), padding=((-1, 2), (0, 0))),
            [image(5, 5, 2), constant(4, 3, 3, 2)],
            "padding .* must not be negative",
        ),
    ],
)
def test_windows_that_cannot_be_are_refused(
    operator: Conv2D, tensors: list[Tensor], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        operator.output_shape(tensors)
