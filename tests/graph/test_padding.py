"""A PAD of its own changes where zeros are written, not what comes out."""

import numpy as np
import pytest

from tinyml_course.graph import Graph, GraphBuilder, Quantization, count_macs
from tinyml_course.graph.operators import NO_PADDING, Conv2D, Pad, same_padding
from tinyml_course.graph.padding import explicit_padding
from tinyml_course.mcu import reference
from tinyml_course.models import compact, random_graph

GRAPH = random_graph(compact(9, 1, 10))


def one_conv(padding: tuple, stride: tuple[int, int] = (2, 2)) -> Graph:
    builder = GraphBuilder("conv")
    x = builder.input((1, 8, 8, 2), Quantization.per_tensor(0.1, 7))
    weight = np.random.default_rng(0).integers(-127, 128, (3, 3, 3, 2)).astype(np.int8)
    scale, bias = np.full(3, 0.01, np.float32), np.zeros(3, np.int32)
    out = Quantization.per_tensor(0.2, -3)
    attributes = {"stride": stride, "padding": padding}
    return builder.finish(
        builder.weighted(Conv2D, "conv", x, weight, scale, bias, out, **attributes)
    )


@pytest.mark.parametrize("everywhere", [False, True])
def test_the_answers_and_the_work_stay_the_same(everywhere: bool) -> None:
    rewritten = explicit_padding(GRAPH, everywhere)
    assert count_macs(rewritten) == count_macs(GRAPH)
    image = np.random.default_rng(1).normal(size=GRAPH.input.shape)
    np.testing.assert_array_equal(reference.run(rewritten, image), reference.run(GRAPH, image))


def test_everywhere_means_before_every_convolution() -> None:
    rewritten = explicit_padding(GRAPH, everywhere=True)
    convs = [o for o in GRAPH.operators if o.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    pads = [o for o in rewritten.operators if isinstance(o, Pad)]
    assert len(pads) == len(convs)
    assert len(rewritten.operators) == len(GRAPH.operators) + len(convs)
    for operator in rewritten.operators:
        if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            assert operator.padding == NO_PADDING


def test_what_same_and_valid_can_say_needs_no_pad() -> None:
    for padding in (NO_PADDING, same_padding((8, 8), (3, 3), (2, 2))):
        graph = one_conv(padding)
        assert explicit_padding(graph) is graph


def test_torchs_symmetric_padding_at_stride_two_needs_one() -> None:
    graph = one_conv(((1, 1), (1, 1)))
    rewritten = explicit_padding(graph)
    assert [o.kind for o in rewritten.operators] == ["PAD", "CONV_2D"]
    assert rewritten.tensors["conv.pad"].shape == (1, 10, 10, 2)
