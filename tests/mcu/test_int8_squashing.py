"""SOFTMAX, LOG_SOFTMAX and LOGISTIC against the scalar formulas of TF-Lite and gemmlowp."""

import numpy as np
import pytest
from formula_checks import EVERY_BYTE, assert_formula
from int8_formulas.fixed_point import exp_on_negative
from int8_formulas.squashed import Differences
from random_graphs import random_image

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import Logistic, LogSoftmax, Softmax, Squashing
from tinyml_course.graph.operators.squashing import MOST_CLASSES
from tinyml_course.mcu.squashing import softmax_exponentials


def one_squashing(
    kind: type[Squashing],
    shape: tuple[int, ...],
    scale: float,
    zero_point: int = 0,
    **attributes: float,
) -> Graph:
    b = GraphBuilder("squashing")
    x = b.input(shape, Quantization.per_tensor(scale, zero_point))
    return b.finish(b.apply(kind, "one", [x], kind.range, **attributes))


def rows(classes: int, count: int, seed: int) -> np.ndarray:
    """Wide and narrow rows, ties, one winner, one loser, all equal."""
    rng = np.random.default_rng(seed)
    width = np.array([[256], [20], [3]])[rng.integers(0, 3, count)]
    values = (rng.random((count, classes)) * width).astype(int) - 128
    values[0], values[1], values[2] = -128, 127, 5
    values[0, -1], values[1, 0] = 127, -128
    return values.astype(np.int8)


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
@pytest.mark.parametrize("classes", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("scale", [1e-6, 0.004, 0.05, 0.12, 0.3, 1.0, 7.9, 15.9, 16.0, 500.0])
def test_rows_of_many_kinds(kind: type[Squashing], classes: int, scale: float) -> None:
    graph = one_squashing(kind, (1, 2, 10, classes), scale, 127)
    assert_formula(graph, rows(classes, 20, classes).reshape(graph.input.shape))


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
@pytest.mark.parametrize("seed", range(12))
def test_random_scales(kind: type[Squashing], seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 40))
    attributes = {"beta": float(rng.uniform(0.1, 3))} if kind is Softmax else {}
    scale, zero_point = 10 ** rng.uniform(-3, 1), int(rng.integers(-128, 128))
    graph = one_squashing(kind, (1, 12, classes), scale, zero_point, **attributes)
    assert_formula(graph, rows(classes, 12, seed).reshape(graph.input.shape))


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
@pytest.mark.parametrize("classes", [2, 60])
@pytest.mark.parametrize("scale", [1 / 16, 0.1, 0.1249])
def test_every_distance_to_the_largest(kind: type[Squashing], classes: int, scale: float) -> None:
    """All classes but one are the largest, so that the whole curve is seen.

    With many of them and the last scale, a distance that still fits 5 integer bits does not fit
    any more when the logarithm of the sum has been taken off.
    """
    graph = one_squashing(kind, (1, 256, classes), scale)
    image = np.full(graph.input.shape, 127, np.int8)
    image[0, :, -1] = EVERY_BYTE
    output = assert_formula(graph, image)
    assert output.max() > output.min()
    if kind is LogSoftmax:
        assert output.min() == -128


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
@pytest.mark.parametrize("scale", [1e-3, 0.1])
def test_as_many_classes_as_the_sum_has_room_for(kind: type[Squashing], scale: float) -> None:
    graph = one_squashing(kind, (1, MOST_CLASSES), scale)
    assert_formula(graph, np.full(graph.input.shape, 127, np.int8))
    assert_formula(graph, random_image(graph, np.random.default_rng(0)))


@pytest.mark.parametrize("beta", [1e-3, 0.1, 0.7, 1.0, 25.0])
def test_beta_is_a_single_precision_factor(beta: float) -> None:
    for scale in (1e-3, 0.02, 0.7):
        graph = one_squashing(Softmax, (1, 20, 12), scale, beta=beta)
        # 8 bits of output would hide the last bits of beta.
        exponentials = softmax_exponentials(graph, graph.operators[0])
        differences = Differences(float(np.float32(scale)), float(np.float32(beta)))
        for distance, exponential in enumerate(exponentials):
            assert exponential == exp_on_negative(differences(-distance)).raw
        assert len(exponentials) == min(-differences.least, 255) + 1
        assert_formula(graph, rows(12, 20, 0).reshape(graph.input.shape))


@pytest.mark.parametrize("zero_point", [-128, 0, 19, 127])
def test_logistic_of_every_byte(zero_point: int) -> None:
    rng = np.random.default_rng(zero_point + 128)
    scales = [1e-6, 0.01, 1 / 16, 0.1, 0.5, 1.0, 7.9, *10 ** rng.uniform(-3, 0.8, 12)]
    for scale in scales:
        graph = one_squashing(Logistic, (1, 4, 8, 8), scale, zero_point)
        assert_formula(graph, EVERY_BYTE.reshape(graph.input.shape))
