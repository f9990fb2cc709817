"""Every operator on both executors against the scalar formulas of TF-Lite, to the bit.

``int8_formulas`` holds the formulas: plain Python integers, nothing shared with the package.
"""

from itertools import product
from typing import Any

import int8_formulas as formulas
import numpy as np
import pytest
from formula_checks import assert_formula
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import MORE_KINDS, int8_graphs, prefix, random_image

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Reshape,
)
from tinyml_course.mcu import Emulator, plan, reference

SPREAD = 73.0  # standard deviation of a uniform int8


def one_weighted(
    kind: type[Operator],
    size: tuple[int, int],
    c_in: int,
    weight_shape: tuple[int, ...],
    *,
    zero_in: int = -128,
    zero_out: int = 5,
    per_tensor: bool = False,
    gain: float = 1.0,
    seed: int = 0,
    **attributes: Any,
) -> tuple[Graph, np.ndarray]:
    """A graph of one layer whose output uses most of int8, and an image."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("one")
    x = b.input((1, *size, c_in), Quantization.per_tensor(0.037, zero_in))
    weight = rng.integers(-127, 128, weight_shape).astype(np.int8)
    c_out = weight_shape[3 if kind is DepthwiseConv2D else 0]
    taps = weight.size // c_out
    scale = rng.uniform(0.001, 0.01, 1 if per_tensor else c_out).astype(np.float32)
    typical = 0.037 * float(np.median(scale)) * SPREAD**2 * np.sqrt(taps) / 60
    # Centres the sum although the input's zero point does not.
    bias = rng.integers(-(2**10) * taps, 2**10 * taps, c_out)
    bias -= (0 - zero_in) * weight.astype(np.int64).reshape(weight_shape).sum(
        axis=(0, 1, 2) if kind is DepthwiseConv2D else tuple(range(1, len(weight_shape)))
    )
    quantization = Quantization.per_tensor(typical / gain, zero_out)
    y = b.weighted(
        kind, "layer", x, weight, scale, bias.astype(np.int32), quantization, **attributes
    )
    graph = b.finish(y)
    return graph, random_image(graph, rng)


# --- whole graphs ---------------------------------------------------------------------------


def test_every_operator_has_a_formula() -> None:
    assert set(formulas.FORMULAS) == {operator.kind for operator in reference.REFERENCE}


@settings(max_examples=250)
@given(st.one_of(int8_graphs(), int8_graphs(kinds=MORE_KINDS)))
def test_random_graphs_agree_with_the_formulas(case: tuple[Graph, np.ndarray]) -> None:
    graph, image = case
    expected = formulas.evaluate(graph, image)
    values = reference.run_all(graph, image)
    assert list(values) == list(expected)
    for name, array in expected.items():
        assert np.array_equal(values[name], array), name


@pytest.mark.parametrize("policy", ["per_layer", "tinyengine", "tight"])
@settings(max_examples=75)
@given(int8_graphs())
def test_random_graphs_agree_between_executors_at_every_activation(
    policy: str, case: tuple[Graph, np.ndarray]
) -> None:
    graph, image = case
    values = reference.run_all(graph, image)
    for length, operator in enumerate(graph.operators, 1):
        part = prefix(graph, length)
        run = Emulator(part, plan(part, policy=policy)).run(image)
        assert np.array_equal(run.output, values[operator.outputs[0]]), operator.name
    whole = Emulator(graph, plan(graph, policy=policy))
    assert np.array_equal(whole.run(image).output, values[graph.output.name])
    # A second image in the same emulator: nothing is left over from the first.
    other = image[:, ::-1, ::-1]
    assert np.array_equal(whole.run(other).output, reference.run(graph, other))


# --- convolutions ---------------------------------------------------------------------------

WINDOWS = [
    # size, kernel, stride, padding
    ((5, 5), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((7, 6), (3, 3), (2, 2), ((0, 1), (0, 1))),  # TF-Lite's SAME: the odd row behind
    ((6, 7), (3, 3), (2, 2), ((1, 1), (1, 1))),  # torch's symmetric padding
    ((9, 5), (3, 2), (3, 1), ((0, 0), (1, 0))),
    ((5, 9), (2, 3), (1, 3), ((2, 1), (0, 3))),
    ((12, 6), (10, 4), (2, 2), ((4, 5), (1, 1))),  # the keyword model's first layer
    ((3, 3), (5, 5), (1, 1), ((2, 2), (2, 2))),  # larger than the map
    ((1, 1), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((2, 3), (4, 4), (2, 1), ((3, 0), (0, 3))),
    ((4, 4), (1, 1), (2, 2), ((0, 0), (0, 0))),
    ((3, 4), (1, 1), (1, 1), ((1, 0), (0, 2))),  # 1x1 with padding
    ((4, 4), (2, 2), (1, 1), ((3, 3), (3, 3))),  # windows in padding alone
    ((6, 1), (5, 1), (1, 1), ((2, 2), (0, 0))),
]


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), WINDOWS)
@pytest.mark.parametrize(("zero_in", "zero_out"), [(-128, 127), (127, -128), (0, 0), (-7, 93)])
def test_conv(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Any,
    zero_in: int,
    zero_out: int,
) -> None:
    window = {"stride": stride, "padding": padding}
    zeros = {"zero_in": zero_in, "zero_out": zero_out}
    graph, image = one_weighted(Conv2D, size, 3, (4, *kernel, 3), **zeros, **window)
    assert_formula(graph, image)


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), WINDOWS)
@pytest.mark.parametrize("multiplier", [1, 2, 3])
def test_depthwise(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Any,
    multiplier: int,
) -> None:
    window = {"stride": stride, "padding": padding}
    shape = (1, *kernel, 3 * multiplier)
    graph, image = one_weighted(DepthwiseConv2D, size, 3, shape, zero_in=-9, **window)
    assert_formula(graph, image)


@pytest.mark.parametrize("per_tensor", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 2)])
def test_fully_connected(per_tensor: bool, size: tuple[int, int]) -> None:
    features = size[0] * size[1] * 8
    for zero_in, zero_out in product((-128, 0, 127), repeat=2):
        graph, image = one_weighted(
            FullyConnected,
            size,
            8,
            (10, features),
            zero_in=zero_in,
            zero_out=zero_out,
            per_tensor=per_tensor,
        )
        assert_formula(graph, image)


@pytest.mark.parametrize("per_tensor", [False, True])
def test_a_linear_layer_of_several_rows(per_tensor: bool) -> None:
    rows = {"keep_num_dims": True, "per_tensor": per_tensor}
    graph, image = one_weighted(FullyConnected, (3, 2), 8, (10, 8), zero_in=9, **rows)
    assert graph.output.shape == (1, 3, 2, 10)
    assert_formula(graph, image)


def test_one_scale_for_all_channels_is_used_for_all_channels() -> None:
    graph, image = one_weighted(Conv2D, (5, 5), 3, (4, 3, 3, 3), per_tensor=True)
    assert graph.tensors["layer/weight"].quantization.scale.size == 1
    assert_formula(graph, image)
    graph, image = one_weighted(DepthwiseConv2D, (5, 5), 3, (1, 3, 3, 3), per_tensor=True)
    assert_formula(graph, image)


@pytest.mark.parametrize("per_tensor", [False, True])
def test_only_a_linear_layer_with_one_scale_multiplies_the_scales_in_single_precision(
    per_tensor: bool,
) -> None:
    """The same numbers as a linear layer and as a 1x1 conv: the multipliers' last bits tell."""
    constants = {}
    for kind, shape in ((FullyConnected, (6, 8)), (Conv2D, (6, 1, 1, 8))):
        graph, image = one_weighted(kind, (1, 1), 8, shape, per_tensor=per_tensor)
        assert_formula(graph, image)
        constants[kind] = formulas.multipliers(graph, graph.operators[0])
        segments = plan(graph).flash.of("layer")
        stored = zip(segments["multiplier"].data, segments["shift"].data, strict=True)
        assert [(int(m), int(s)) for m, s in stored] == constants[kind]
    assert (constants[FullyConnected] != constants[Conv2D]) == per_tensor


@pytest.mark.parametrize("kind", [Conv2D, DepthwiseConv2D, FullyConnected])
@pytest.mark.parametrize("gain", [1e-3, 0.3, 30, 3e4])
def test_multipliers_from_far_right_to_left_shifts(kind: type[Operator], gain: float) -> None:
    shape = {Conv2D: (4, 1, 1, 3), DepthwiseConv2D: (1, 1, 1, 3), FullyConnected: (4, 27)}[kind]
    graph, image = one_weighted(kind, (3, 3), 3, shape, gain=gain)
    assert_formula(graph, image)


def test_a_left_shift_happens_in_these_tests() -> None:
    graph, _ = one_weighted(Conv2D, (3, 3), 3, (4, 1, 1, 3), gain=3e4)
    assert plan(graph).flash.of("layer")["shift"].data.min() > 0


# --- clamps ---------------------------------------------------------------------------------

OUTPUTS = [
    Quantization.per_tensor(6 / 255, -128),  # ReLU6 uses every integer
    Quantization.per_tensor(0.05, -20),  # 0 is -20, 6 is 100
    Quantization.per_tensor(0.05, 127),  # nothing is positive
    Quantization.per_tensor(0.01, 0),  # 6 lies outside of int8
    Quantization.per_tensor(12 / 255, -128),  # 6 is 127.5 steps: a half, away from zero
]


@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
@pytest.mark.parametrize("quantization", OUTPUTS)
@pytest.mark.parametrize("kind", [Conv2D, DepthwiseConv2D, FullyConnected, Add])
def test_fused_clamps(kind: type[Operator], activation: str, quantization: Quantization) -> None:
    rng = np.random.default_rng(3)
    b = GraphBuilder("clamped")
    # -12.8 .. 12.7 in, more than doubled by the layer: far outside of every range on both sides.
    x = b.input((1, 8, 8, 4), Quantization.per_tensor(0.1, 0))
    if kind is Add:
        y = b.apply(Add, "layer", [x, x], quantization, activation=activation)
    else:
        shape = {Conv2D: (4, 1, 1, 4), DepthwiseConv2D: (1, 1, 1, 4), FullyConnected: (60, 256)}[
            kind
        ]
        weight = rng.integers(-100, 101, shape).astype(np.int8)
        channels = shape[3] if kind is DepthwiseConv2D else shape[0]
        scale, bias = np.full(channels, 0.1, np.float32), np.zeros(channels, np.int32)
        y = b.weighted(kind, "layer", x, weight, scale, bias, quantization, activation=activation)
    graph = b.finish(y)
    output = assert_formula(graph, random_image(graph, rng))
    low, high = formulas.activation_range(activation, *map(float, quantization.item()))
    assert output.min() == low
    assert output.max() == high


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
def test_fused_clamps_of_pools(kind: type[Operator], activation: str) -> None:
    b = GraphBuilder("pool")
    x = b.input((1, 8, 8, 2), Quantization.per_tensor(0.1, -10))
    y = b.apply(kind, "pool", [x], size=(1, 1), activation=activation)
    graph = b.finish(y)
    image = np.arange(-128, 128).repeat(1)[:128].reshape(1, 8, 8, 2).astype(np.int8)
    output = assert_formula(graph, image)
    assert output.min() == {"NONE": -128, "RELU": -10, "RELU6": -10}[activation]
    output = assert_formula(graph, image + np.int8(127))  # -1..126
    assert output.max() == {"NONE": 126, "RELU": 126, "RELU6": 50}[activation]


# --- add ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scales", "zeros"),
    [
        ((0.1, 0.1, 0.2), (0, 0, 0)),
        ((0.1, 0.003, 0.1), (-128, 127, 3)),
        ((0.003, 0.1, 0.05), (127, -128, -128)),
        ((0.02, 0.03, 0.0401), (5, -77, 127)),
        ((1e-3, 1.0, 0.7), (-1, 1, 0)),
        ((0.02, 0.02, 0.001), (0, 0, 0)),  # saturates
        # Ratios with sums that lie exactly on a half: one spare bit fewer would decide otherwise.
        ((0.34, 0.25, 0.2), (0, 0, 0)),
        ((0.17, 0.16, 0.02), (0, 0, 0)),
        ((0.29, 0.25, 0.22), (-5, 9, 1)),
    ],
)
def test_add_of_many_pairs_of_bytes(
    scales: tuple[float, float, float], zeros: tuple[int, int, int]
) -> None:
    """Every first summand with every sixteenth second one, and its neighbours."""
    b = GraphBuilder("add")
    x = b.input((1, 256, 20, 2), Quantization.per_tensor(scales[0], zeros[0]))
    summands = []
    for channel in range(2):
        # A 1x1 conv that hands the bytes of one channel on unchanged, under another scale and zero
        # point: v - zero_in + (zero_in - zero_out) + zero_out.
        weight = np.zeros((1, 1, 1, 2), np.int8)
        weight[..., channel] = 1
        scale = np.array([scales[channel] / scales[0]], np.float32)
        bias = np.array([zeros[0] - zeros[channel]], np.int32)
        quantization = Quantization.per_tensor(scales[channel], zeros[channel])
        summands.append(b.weighted(Conv2D, f"c{channel}", x, weight, scale, bias, quantization))
    output = Quantization.per_tensor(scales[2], zeros[2])
    graph = b.finish(b.apply(Add, "sum", summands, output))
    second = [*range(-128, 128, 16), -127, -1, 1, 127]
    image = np.array(list(product(range(-128, 128), second)), np.int8).reshape(1, 256, 20, 2)
    values = reference.run_all(graph, image)
    assert np.array_equal(values["c0"][..., 0], image[..., 0])
    assert np.array_equal(values["c1"][..., 0], image[..., 1])
    assert_formula(graph, image)


def test_a_map_added_to_itself_is_twice_the_map() -> None:
    rng = np.random.default_rng(0)
    b = GraphBuilder("twice")
    x = b.input((1, 4, 4, 3), Quantization.per_tensor(0.1, 7))
    graph = b.finish(b.apply(Add, "sum", [x, x], Quantization.per_tensor(0.2, 7)))
    image = random_image(graph, rng)
    # Twice the number at twice the scale is the same integer.
    assert np.array_equal(assert_formula(graph, image), image)


# --- pools ----------------------------------------------------------------------------------

POOLS = [
    ((4, 4), (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((5, 7), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((5, 5), (3, 2), (1, 3), ((0, 2), (1, 0))),
    ((7, 7), (7, 7), (7, 7), ((0, 0), (0, 0))),
    ((3, 3), (5, 5), (1, 1), ((2, 2), (2, 2))),  # larger than the map
    ((25, 5), (25, 5), (25, 5), ((0, 0), (0, 0))),
]


@pytest.mark.parametrize("kind", [AveragePool2D, MaxPool2D])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), POOLS)
def test_pools(
    kind: type[Operator],
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: Any,
) -> None:
    b = GraphBuilder("pool")
    x = b.input((1, *size, 3), Quantization.per_tensor(0.1, -100))
    y = b.apply(kind, "pool", [x], size=kernel, stride=stride, padding=padding)
    graph = b.finish(y)
    rng = np.random.default_rng(1)
    assert_formula(graph, random_image(graph, rng))
    for value in (-128, -1, 127):  # a constant map stays what it is, whatever the padding
        constant = np.full(graph.input.shape, value, np.int8)
        assert (assert_formula(graph, constant) == value).all()


@pytest.mark.parametrize("values", [(0, 1), (0, -1), (1, 2), (-1, -2), (127, 126), (-128, -127)])
def test_half_a_mean_goes_away_from_zero(values: tuple[int, int]) -> None:
    b = GraphBuilder("mean")
    x = b.input((1, 1, 2, 1), Quantization.per_tensor(0.1, 50))
    graph = b.finish(b.apply(AveragePool2D, "pool", [x], size=(1, 2)))
    output = assert_formula(graph, np.array(values, np.int8).reshape(1, 1, 2, 1))
    # The integer mean, not the mean of the reals: the zero point plays no part.
    assert output.item() == max(values, key=abs)


def test_reshape_keeps_the_order() -> None:
    b = GraphBuilder("flat")
    x = b.input((1, 3, 4, 2), Quantization.per_tensor(0.1, 3))
    graph = b.finish(b.apply(Reshape, "flat", [x], shape=(1, 2, 12)))
    image = np.arange(24, dtype=np.int8).reshape(graph.input.shape)
    assert np.array_equal(assert_formula(graph, image).ravel(), image.ravel())
