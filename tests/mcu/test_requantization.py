"""The integer constants beside the weights."""

import int8_formulas as formulas
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import int8_graphs

from tinyml_course.graph import Graph, GraphBuilder, Quantization, Tensor
from tinyml_course.graph.operators import Add, Mean
from tinyml_course.mcu.flash import WEIGHTED
from tinyml_course.mcu.requantization import (
    activation_limits,
    add_constants,
    mean_constants,
    requantization,
)


@settings(max_examples=60)
@given(int8_graphs())
def test_multipliers_are_those_of_exact_fractions(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    for operator in graph.operators:
        if isinstance(operator, WEIGHTED):
            table = requantization(graph, operator)
            assert table.multiplier.dtype == table.shift.dtype == np.int32
            got = list(zip(table.multiplier.tolist(), table.shift.tolist(), strict=True))
            assert got == formulas.multipliers(graph, operator)


@settings(max_examples=60)
@given(int8_graphs())
def test_the_larger_summand_is_halved(case: tuple[Graph, np.ndarray]) -> None:
    graph, _ = case
    for operator in graph.operators:
        if isinstance(operator, Add):
            constants = add_constants(graph, operator)
            scales = [t.scale_and_zero_point()[0] for t in graph.inputs_of(operator)]
            pairs = (constants.first, constants.second)
            assert pairs[int(np.argmax(scales))] == (2**30, 0)  # exactly one half
            assert all(shift <= 0 for _, shift in pairs)
            twice = 2 * float(max(scales))
            assert list(pairs) == [formulas.quantize_multiplier(float(s) / twice) for s in scales]
            scale_out = float(graph.output_of(operator).scale_and_zero_point()[0])
            # 20 spare bits in the sum.
            assert constants.output == formulas.quantize_multiplier(twice / (2**20 * scale_out))


@settings(max_examples=150)
@given(st.integers(1, 2000), st.floats(2.0**-36, 1000, width=32))
def test_the_count_of_a_mean_is_in_its_multiplier(count: int, scale: float) -> None:
    b = GraphBuilder("mean")
    x = b.input((1, count), Quantization.per_tensor(scale))
    graph = b.finish(b.apply(Mean, "mean", [x], Quantization.per_tensor(1.0), axes=(1,)))
    got = mean_constants(graph, graph.operators[0])
    assert got == formulas.mean_constants(scale, count)


@settings(max_examples=150)
@given(st.floats(2.0**-12, 4, width=32), st.integers(-128, 127))
def test_limits_are_the_rounded_reals(scale: float, zero_point: int) -> None:
    tensor = Tensor("y", (1, 2), "int8", Quantization.per_tensor(scale, zero_point))
    for activation in ("NONE", "RELU", "RELU6"):
        limits = activation_limits(activation, tensor)
        assert limits == formulas.activation_range(activation, scale, zero_point)
        assert -128 <= limits[0] <= limits[1] <= 127
    assert activation_limits("NONE", tensor) == (-128, 127)
    assert activation_limits("RELU", tensor) == (zero_point, 127)


@pytest.mark.parametrize(
    ("scale", "zero_point", "limits"),
    [
        (6 / 255, -128, (-128, 127)),
        (0.05, -20, (-20, 100)),
        (0.05, 100, (100, 127)),
        (4.0, 0, (0, 2)),  # 1.5 steps: away from zero
        (12.0, 5, (5, 6)),  # half a step
        (13.0, 5, (5, 5)),
    ],
)
def test_limits_of_relu6(scale: float, zero_point: int, limits: tuple[int, int]) -> None:
    tensor = Tensor("y", (1, 2), "int8", Quantization.per_tensor(scale, zero_point))
    assert activation_limits("RELU6", tensor) == limits
