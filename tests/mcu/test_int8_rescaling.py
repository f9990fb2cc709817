"""Operators that change the scale, or choose by it, against the scalar formulas of TF-Lite."""

from itertools import product

import numpy as np
import pytest
from formula_checks import EVERY_BYTE, assert_formula, one_unary
from random_graphs import random_image

from tinyml_course.graph import GraphBuilder, Quantization, Tensor
from tinyml_course.graph.operators import (
    ACTIVATIONS,
    Add,
    Dequantize,
    Elementwise,
    HardSwish,
    Mean,
    Mul,
    Operator,
    Quantize,
    ReduceMax,
    Relu,
    Relu6,
)

ZERO_POINTS = (-128, 11, 127)
# Of input and output scale: up and down, at and just below a power of two, and so far down that
# nothing is left.
RATIOS = (1.0, 0.5, 0.999995, 0.97, 3.1, 1e-3, 70.0, 2.0**-30)


def byte_map(
    name: str, scale: float, zero_point: int, dtype: str = "int8", shape: tuple[int, ...] = (1, 256)
) -> Tensor:
    return Tensor(name, shape, dtype, Quantization.per_tensor(scale, zero_point))


# --- add and mul ----------------------------------------------------------------------------

SECOND = np.array([*range(-128, 128, 16), -127, -1, 1, 127], np.int8)


@pytest.mark.parametrize("kind", [Add, Mul])
@pytest.mark.parametrize("constant_first", [False, True])
@pytest.mark.parametrize("output", [(0.9, -20), (60.0, -128)])
@pytest.mark.parametrize("zeros", list(product(ZERO_POINTS, repeat=2)))
def test_every_byte_of_a_column_with_a_row(
    kind: type[Elementwise],
    constant_first: bool,
    output: tuple[float, int],
    zeros: tuple[int, int],
) -> None:
    """Both are repeated to a map; the second output scale has room for the largest product."""
    b = GraphBuilder("outer")
    x = b.input((1, 256, 1), Quantization.per_tensor(0.3, zeros[0]))
    row = b.constant("row", SECOND, Quantization.per_tensor(0.7, zeros[1]))
    pair = [row, x] if constant_first else [x, row]
    graph = b.finish(b.apply(kind, "both", pair, Quantization.per_tensor(*output)))
    assert_formula(graph, EVERY_BYTE.reshape(graph.input.shape))


@pytest.mark.parametrize("kind", [Add, Mul])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (5, 4), (1, 1, 1, 1), (3, 1, 1), (1, 3, 1, 4)])
def test_a_constant_of_any_shape_is_repeated(
    kind: type[Elementwise], shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(len(shape))
    b = GraphBuilder("constant")
    x = b.input((1, 3, 5, 4), Quantization.per_tensor(0.02, 127))
    data = rng.integers(-128, 128, shape).astype(np.int8)
    constant = b.constant("constant", data, Quantization.per_tensor(0.5, -128))
    graph = b.finish(b.apply(kind, "both", [x, constant], Quantization.per_tensor(0.8, 3)))
    assert_formula(graph, random_image(graph, rng))


@pytest.mark.parametrize("kind", [Add, Mul])
@pytest.mark.parametrize("seed", range(6))
def test_a_map_with_a_gate_of_its_own(kind: type[Elementwise], seed: int) -> None:
    """Two activations of which the smaller, first or second, has one number a channel."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("gate")
    x = b.input((1, 4, 3, 7), Quantization.per_tensor(0.04, int(rng.integers(-128, 128))))
    gate = b.apply(ReduceMax, "gate", [x], axes=(1, 2), keep_dims=True)
    pair = [x, gate] if seed % 2 else [gate, x]
    zero_point = int(rng.integers(-128, 128))
    scale = 0.2 if kind is Add else 0.1
    activation = ACTIVATIONS[seed % 3]
    output = Quantization.per_tensor(scale, zero_point)
    graph = b.finish(b.apply(kind, "both", pair, output, activation=activation))
    assert_formula(graph, random_image(graph, rng))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1e-4, 6 / 255, 0.05, 12 / 255, 3.0, 1e6])
def test_squares_saturate_at_the_fused_limits(activation: str, scale: float) -> None:
    b = GraphBuilder("square")
    x = b.input((1, 256), Quantization.per_tensor(0.1, -3))
    output = Quantization.per_tensor(scale, -100)
    graph = b.finish(b.apply(Mul, "square", [x, x], output, activation=activation))
    assert_formula(graph, EVERY_BYTE.reshape(1, 256))


# --- mean and maximum -----------------------------------------------------------------------

REDUCTIONS = [
    ((1, 5, 7, 3), (1, 2)),
    ((1, 5, 7, 3), (3,)),
    ((1, 5, 7, 3), (3, 1)),
    ((1, 2, 3, 4), (1, 2, 3)),
    ((1, 8, 8, 2), (1, 2)),  # a count that is a power of two
    ((1, 1, 1, 9), (1, 2)),  # a count of 1
    ((1, 33, 4), (1,)),
    ((1, 100), (1,)),
]


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize(("shape", "axes"), REDUCTIONS)
def test_means(shape: tuple[int, ...], axes: tuple[int, ...], keep_dims: bool) -> None:
    rng = np.random.default_rng(sum(axes))
    for ratio, zero_in in zip(RATIOS, (-128, 127, 0, 1, -128, 60, -5, 127), strict=True):
        b = GraphBuilder("mean")
        x = b.input(shape, Quantization.per_tensor(0.05, zero_in))
        output = Quantization.per_tensor(0.05 / ratio, int(rng.choice(ZERO_POINTS)))
        y = b.apply(Mean, "mean", [x], output, axes=axes, keep_dims=keep_dims)
        graph = b.finish(y)
        assert_formula(graph, random_image(graph, rng))
        for value in (-128, 127):
            assert_formula(graph, np.full(shape, value, np.int8))


@pytest.mark.parametrize("count", [2, 3, 255, 256, 257, 1000])
def test_means_near_their_halves(count: int) -> None:
    """The sum walks through every residue of the count, or at least 300 of them."""
    b = GraphBuilder("mean")
    x = b.input((1, count, 300), Quantization.per_tensor(0.1, -7))
    graph = b.finish(b.apply(Mean, "mean", [x], axes=(1,)))
    image = np.full(graph.input.shape, 4, np.int8)
    sums = np.arange(300) * max(1, count // 300) % count
    image[0] += np.arange(count)[:, np.newaxis] < sums
    assert_formula(graph, image)


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize(("shape", "axes"), REDUCTIONS)
def test_maxima(shape: tuple[int, ...], axes: tuple[int, ...], keep_dims: bool) -> None:
    rng = np.random.default_rng(0)
    b = GraphBuilder("max")
    x = b.input(shape, Quantization.per_tensor(0.05, 127))
    graph = b.finish(b.apply(ReduceMax, "max", [x], axes=axes, keep_dims=keep_dims))
    assert_formula(graph, random_image(graph, rng))
    assert (assert_formula(graph, np.full(shape, -128, np.int8)) == -128).all()


# --- single bytes ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Quantize, Relu, HardSwish])
@pytest.mark.parametrize("zeros", list(product(ZERO_POINTS, repeat=2)))
def test_every_byte_from_one_scale_to_another(kind: type[Operator], zeros: tuple[int, int]) -> None:
    for ratio, scale in product(RATIOS, (0.003, 0.1, 9.0)):
        if kind is HardSwish and ratio < 2**-9:
            continue  # an output this coarse is beyond TF-Lite's 16-bit division
        source = byte_map("x", scale, zeros[0])
        graph = one_unary(kind, source, byte_map("y", scale / ratio, zeros[1]))
        assert_formula(graph, EVERY_BYTE.reshape(1, 256))


@pytest.mark.parametrize("kind", [Quantize, Relu, HardSwish])
def test_every_byte_between_random_scales(kind: type[Operator]) -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        zeros = (int(z) for z in rng.integers(-128, 128, 2))
        scale = 10 ** rng.uniform(-3, 1)
        source = byte_map("x", scale, next(zeros))
        output = byte_map("y", scale * 10 ** rng.uniform(-2, 2), next(zeros))
        assert_formula(one_unary(kind, source, output), EVERY_BYTE.reshape(1, 256))


@pytest.mark.parametrize(
    ("scale", "scale_out"), [(0.0142, 0.01283), (0.1261, 0.06163), (0.2695, 0.22292)]
)
def test_hard_swish_divides_scales_in_single_precision(scale: float, scale_out: float) -> None:
    """The double quotients of these scales give other 16-bit multipliers, and other bytes."""
    graph = one_unary(HardSwish, byte_map("x", scale, -100), byte_map("y", scale_out, -100))
    assert_formula(graph, EVERY_BYTE.reshape(1, 256))


@pytest.mark.parametrize("zero_point", ZERO_POINTS)
@pytest.mark.parametrize("scale", [0.01, 6 / 255, 12 / 255, 0.05, 3.0, 13.0])
def test_relu6_of_every_byte(scale: float, zero_point: int) -> None:
    graph = one_unary(Relu6, byte_map("x", scale, zero_point), byte_map("y", scale, zero_point))
    assert_formula(graph, EVERY_BYTE.reshape(1, 256))


# --- to and from other types ----------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [("int8", "uint8"), ("uint8", "int8")])
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_byte_to_the_other_signedness(before: str, after: str, ratio: float) -> None:
    for first, second in product((0, 77, 127, 255), repeat=2):
        zeros = {"int8": first - 128, "uint8": second}
        source = byte_map("x", 0.02, zeros[before], before)
        graph = one_unary(Quantize, source, byte_map("y", 0.02 / ratio, zeros[after], after))
        assert_formula(graph, EVERY_BYTE.view(before).reshape(1, 256))


@pytest.mark.parametrize("zero_point", ZERO_POINTS)
@pytest.mark.parametrize("scale", [1e-4, 0.5, 0.0371, 1 / 3, 250.0])
def test_real_numbers_on_halves_and_beyond_the_range(scale: float, zero_point: int) -> None:
    steps = np.arange(-300, 300).astype(np.float32)
    halves = (steps + np.float32(0.5)) * np.float32(scale)
    neighbours = [np.nextafter(halves, np.float32(side * np.inf)) for side in (-1, 1)]
    far = np.float32([0.0, -0.0, 1e-30, -1e-30, 0.49999997, 1e6, -1e6]) * np.float32(scale)
    values = np.concatenate([steps * np.float32(scale), halves, *neighbours, far])
    source = Tensor("x", (1, values.size), "float32")
    output = byte_map("y", scale, zero_point, shape=(1, values.size))
    bytes_ = assert_formula(one_unary(Quantize, source, output), values[np.newaxis])
    assert {-128, 127} < set(bytes_.ravel().tolist())


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("seed", range(8))
def test_every_byte_to_a_real_number(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    for zero_point in (limits.min, int(rng.integers(limits.min, limits.max)), limits.max):
        source = byte_map("x", 10 ** rng.uniform(-6, 3), zero_point, dtype)
        graph = one_unary(Dequantize, source, Tensor("y", (1, 256), "float32"))
        assert_formula(graph, EVERY_BYTE.view(dtype).reshape(1, 256))
