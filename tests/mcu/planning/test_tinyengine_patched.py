"""TinyEngine by patches: the published peaks to the byte, and each quirk of the rule by itself."""

import math
from dataclasses import replace

import pytest

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import Graph, Lifetime
from tinyml_course.mcu import plan
from tinyml_course.mcu.planning import Plan
from tinyml_course.mcu.planning.layout import Buffer
from tinyml_course.mcu.planning.tinyengine_patched import tinyengine_patched
from tinyml_course.models import definition, random_graph
from tinyml_course.models.network_definition import Block, NetworkDefinition, Stem

# The engine's own scheduler (PEAK_MEM of its code generator): network, split_idx, patches a side.
PUBLISHED_BYTES = {
    ("vww1@80", 5, 2): 62_352,
    ("vww1@80", 5, 3): 60_384,
    ("in3@176", 5, 2): 301_186,
    ("in3@176", 9, 3): 256_808,
    ("in4@160", 9, 2): 324_578,
}


def peak_bytes(buffers: tuple[Buffer, ...]) -> int:
    return max(buffer.end for buffer in buffers)


def activations(buffers: tuple[Buffer, ...]) -> dict[str, Buffer]:
    return {buffer.name: buffer for buffer in buffers if buffer.role == "activation"}


def aligned(n: int) -> int:
    return (n + 3) // 4 * 4


@pytest.mark.parametrize("name", sorted({name for name, _, _ in PUBLISHED_BYTES}))
def test_published_peaks_to_the_byte(name: str) -> None:
    graph = random_graph(definition(name))
    for (network, split, patches), published in PUBLISHED_BYTES.items():
        if network == name:
            assert peak_bytes(tinyengine_patched(graph, split, patches)) == published


def test_patches_can_be_worse_than_none() -> None:
    """The whole map, held to the end of the network, costs more than the patches save."""
    graph = random_graph(definition("in3@176"))
    buffers = tinyengine_patched(graph, 5, 2)
    whole = plan(graph, policy="tinyengine")
    assert peak_bytes(buffers) > whole.peak_bytes
    held = activations(buffers)["block1.depthwise"]
    ends = [b.end for b in buffers if b.role == "activation"]
    assert held.size_bytes == 44 * 44 * 24
    assert max(ends) == max(whole.activation(t.name).end for t in graph.activations()) + 46_464


def small() -> Graph:
    """A stem and two blocks, of which the second is a residual one; maps of 16 x 16."""
    blocks = (Block(4, 8, 4, 5, 1, False), Block(4, 12, 4, 3, 1, True))
    net = NetworkDefinition("small", 32, Stem(3, 4, 3, 2), blocks, None, 10)
    return random_graph(net)


# Operators of `small`: stem, expand, depthwise, project | expand, depthwise, project, add.


def test_maps_of_the_stage_by_formula() -> None:
    held = activations(tinyengine_patched(small(), 4, 2))
    grain = 16 // 2
    before_depthwise = grain + 5 - 1
    image = (before_depthwise - 1) * 2 + 3
    assert held["input.patch"].size_bytes == image**2 * 3
    assert held["stem.patch"].size_bytes == before_depthwise**2 * 4
    assert held["block0.expand.patch"].size_bytes == before_depthwise**2 * 8
    assert held["block0.depthwise.patch"].size_bytes == grain**2 * 8
    assert held["block0.project.patch"].size_bytes == grain**2 * 4
    assert held["block0.depthwise.patch"].offset == held["block0.expand.patch"].offset


def test_the_whole_map_is_held_from_the_first_step_to_the_last() -> None:
    graph = small()
    held = activations(tinyengine_patched(graph, 4, 2))
    assert held["block0.project"].size_bytes == 16 * 16 * 4
    assert held["block0.project"].lifetime == Lifetime(0, len(graph.operators) - 1)


def test_a_later_addition_is_given_the_patch() -> None:
    held = activations(tinyengine_patched(small(), 4, 2))
    add = 7
    assert held["block0.project.patch"].lifetime == Lifetime(3, add)
    assert held["block0.project.patch"].size_bytes == 8 * 8 * 4


def test_a_patchs_output_that_nobody_reads_is_held_to_the_end() -> None:
    graph = small()
    held = activations(tinyengine_patched(graph, 2, 2))
    assert held["block0.expand.patch"].lifetime == Lifetime(1, len(graph.operators) - 1)


def test_a_patchs_output_over_its_input_dies_with_it() -> None:
    held = activations(tinyengine_patched(small(), 3, 2))
    assert held["block0.expand.patch"].lifetime == Lifetime(1, 2)
    assert held["block0.depthwise.patch"].lifetime == Lifetime(2, 2)
    assert held["block0.depthwise"].lifetime.first == 0


def test_a_depthwise_convolution_takes_the_whole_maps_place() -> None:
    held = activations(tinyengine_patched(small(), 2, 2))
    assert held["block0.expand"].lifetime == Lifetime(0, 2)
    assert held["block0.depthwise"].lifetime == Lifetime(2, 3)
    assert held["block0.depthwise"].offset == held["block0.expand"].offset


def test_an_addition_in_the_stage_keeps_the_whole_maps_size() -> None:
    held = activations(tinyengine_patched(small(), 8, 2))
    assert held["block1.add.patch"].size_bytes == held["block1.add"].size_bytes == 16 * 16 * 4
    assert held["block1.project.patch"].size_bytes == 8 * 8 * 4


def test_scratch_is_for_the_patch() -> None:
    buffers = tinyengine_patched(small(), 4, 2)
    scratch = {b.name: b.size_bytes for b in buffers if b.role == "scratch"}
    assert scratch["block0.depthwise"] == 2 * (8 + 4 + 4) ** 2
    assert scratch["block1.depthwise"] == 2 * (16 + 2) ** 2
    assert scratch["stem"] == 4 * 9 * 3
    copies = {b.name: b.size_bytes for b in buffers if b.role == "kernel copy"}
    assert copies == {"stem": 2 * 9 * 3 * 4}


def test_the_peak_is_the_sum_of_its_parts() -> None:
    buffers = tinyengine_patched(small(), 4, 2)
    largest = {
        role: max(b.size_bytes for b in buffers if b.role == role)
        for role in ("scratch", "kernel copy")
    }
    activations_end = max(aligned(b.end) for b in buffers if b.role == "activation")
    assert peak_bytes(buffers) == activations_end + sum(largest.values())


def test_pixels_that_patches_do_not_divide_belong_to_none() -> None:
    """The published 3x3 rows are of this kind: 3 x 6 rows of 20, and 3 x 14 of 44."""
    held = activations(tinyengine_patched(random_graph(definition("vww1@80")), 5, 3))
    whole, patch = held["block1.depthwise"], held["block1.depthwise.patch"]
    channels = whole.size_bytes // 20**2
    assert math.isqrt(patch.size_bytes // channels) == 6


def test_buffers_that_live_at_once_share_no_byte() -> None:
    """But what is written over its own input."""
    for patches in (1, 2, 4):
        for split in range(2, 9):
            buffers = tinyengine_patched(small(), split, patches)
            for index, first in enumerate(buffers):
                for second in buffers[index + 1 :]:
                    if first.lifetime.overlaps(second.lifetime) and first.shares_bytes_with(second):
                        assert first.name.removesuffix(".patch").endswith(".expand")
                        assert second.name == first.name.replace("expand", "depthwise")


def test_buffers_are_counted_like_those_of_any_plan() -> None:
    graph = small()
    buffers = tinyengine_patched(graph, 4, 2)
    assert Plan(graph, "tinyengine", buffers).peak_bytes == peak_bytes(buffers)


@pytest.mark.parametrize("split", [0, 1, 11])
def test_a_stage_needs_two_operators_and_one_behind_it(split: int) -> None:
    graph = small()
    assert len(graph.operators) == 11
    with pytest.raises(ScheduleError, match="needs at least 2"):
        tinyengine_patched(graph, split, 2)


@pytest.mark.parametrize("patches", [0, 17])
def test_more_patches_than_pixels(patches: int) -> None:
    with pytest.raises(ScheduleError, match=rf"16 x 16 pixels.*into {patches} x {patches}"):
        tinyengine_patched(small(), 4, patches)


def test_an_operator_that_does_not_run_by_patches() -> None:
    graph = small()
    pool = next(i for i, o in enumerate(graph.operators) if o.name == "pool")
    with pytest.raises(ScheduleError, match=r"pool.*only convolutions"):
        tinyengine_patched(graph, pool + 1, 1)


def test_a_stride_that_the_engine_does_not_have() -> None:
    stem = replace(definition("vww1@80").stem, stride=3)
    graph = random_graph(replace(definition("vww1@80"), stem=stem))
    with pytest.raises(ScheduleError, match=r"stem.*stride \(3, 3\)"):
        tinyengine_patched(graph, 5, 2)
