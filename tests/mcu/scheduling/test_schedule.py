"""What a schedule refuses, each time naming the place and the way out; and what it records."""

import json

import pytest
from few_bits import of_few_bits

from tinyml_course.errors import ScheduleError, UnknownNameError
from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import Add
from tinyml_course.mcu import board as find_board
from tinyml_course.mcu import latency_ms, plan
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream, cut_points, stage_graph
from tinyml_course.models import definition, random_graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return random_graph(definition("vww1@80"))


@pytest.mark.parametrize(
    ("stages", "image", "message"),
    [
        ([Stream("stem", "nowhere")], "memory", "no operator 'nowhere'; it has stem, block0"),
        ([Stream("stem", "block2.project")], "memory", "block1.project leaves in the middle"),
        ([Stream("block2.add", "block3.add")], "memory", r"2 maps enter .*start where the branch"),
        ([Stream("stem", "pool.flatten")], "memory", "RESHAPE pool.flatten cannot work on a part"),
        ([Stream("block1.project", "stem")], "memory", "stem runs before block1.project"),
        ([Stream("block1.expand", "block1.project")], "fed", "begins with stem"),
        ([], "fed", "begins with stem; the first is none"),
        ([Stream("stem", "block1.project")], "camera", "image is"),
        (
            [Stream("stem", "block1.project"), Patches("block0.depthwise", "block2.add", 2, 2)],
            "memory",
            "stages must not overlap",
        ),
        ([Stream("stem", "stem"), Stream("stem", "block1.project")], "memory", "same operator"),
    ],
)
def test_bad_schedules(graph: Graph, stages: list, image: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        Schedule(graph, stages, image)


def test_a_stage_of_operators_that_do_not_exist(graph: Graph) -> None:
    with pytest.raises(ScheduleError, match=r"operators 0\.\.55, not 3\.\.80"):
        stage_graph(graph, 3, 80)


def test_a_broadcast_cannot_be_cut_into_parts() -> None:
    builder, q = GraphBuilder("gate"), Quantization.per_tensor(0.1)
    x = builder.input((1, 4, 4, 2), q)
    builder.apply(Add, "twice", [x, x], q)
    graph = builder.finish("twice")
    assert stage_graph(graph, 0, 0).source == "input"
    record = Schedule(graph, [Stream("twice", "twice")])
    assert record.macs == 0


def test_only_one_map_is_alive_at_a_cut(graph: Graph) -> None:
    names = [graph.operators[index].name for index in cut_points(graph)]
    assert "block1.project" in names
    assert "block2.add" in names
    assert not {"block2.expand", "block2.depthwise", "block2.project"} & set(names)


def test_other_policies_say_that_they_have_no_stages(graph: Graph) -> None:
    schedule = Schedule(graph, [Stream("stem", "block1.project")])
    with pytest.raises(ScheduleError, match=r"policy per_layer has no rule for stages; .*tight"):
        plan(schedule, policy="per_layer")
    packed = Schedule(of_few_bits(graph, 0), packed=["stem"])
    with pytest.raises(ScheduleError, match=r"policy tflm has no rule for packed weights; .*tight"):
        plan(packed, policy="tflm")
    # Without a stage there is nothing that they could not do.
    assert plan(Schedule(graph), policy="per_layer").peak_bytes > 0


def test_a_record_makes_the_schedule_again(graph: Graph) -> None:
    stages = [Stream("stem", "block1.project"), Patches("block2.expand", "block3.add", 2, 3)]
    graph = of_few_bits(graph, 0)
    before = Schedule(graph, stages, "fed", ["block3.expand", "stem"])
    again = Schedule.from_record(graph, json.loads(json.dumps(before.record())))
    assert (again.stages, again.image) == (before.stages, before.image)
    assert again.packed == before.packed == ("stem", "block3.expand")  # as they run
    assert repr(again).endswith("block2.expand .. block3.add, 2 packed)")
    older = {key: value for key, value in before.record().items() if key != "packed"}
    assert Schedule.from_record(graph, older).packed == ()
    for change, message in (
        ({"colour": 1}, "colour"),
        ({"stages": [{"kind": "swim", "first": "stem", "last": "stem"}]}, "swim"),
        ({"stages": [{"kind": "stream", "first": "stem", "last": "stem", "rows": 2}]}, "rows"),
    ):
        with pytest.raises(UnknownNameError, match=message):
            Schedule.from_record(graph, before.record() | change)


def test_weights_that_cannot_be_packed_are_refused(graph: Graph) -> None:
    few = of_few_bits(graph, 0)
    with pytest.raises(ScheduleError, match="no operator 'stern'; it has stem"):
        Schedule(few, packed=["stern"])
    with pytest.raises(
        ScheduleError, match=r"block2\.add has no int8 weights .*; ADD keeps its own"
    ):
        Schedule(few, packed=["block2.add"])
    with pytest.raises(ScheduleError, match="weights of stem need all 8 bits; quantize them to 7"):
        Schedule(graph, packed=["stem"])


def test_other_packed_weights_leave_the_rest_of_a_schedule(graph: Graph) -> None:
    stages = [Stream("stem", "block1.project")]
    before = Schedule(of_few_bits(graph, 0), stages, "fed", ["stem"])
    assert sum(before.unpacked_weights) > 0
    after = before.packing(["block3.expand", "block3.expand"])
    assert after.packed == ("block3.expand",)
    assert (after.stages, after.image) == (before.stages, before.image)
    expected = Schedule(before.graph, stages, "fed", ["block3.expand"])
    assert after.unpacked_weights == expected.unpacked_weights
    assert before.packed == ("stem",)
    assert sum(before.packing(()).unpacked_weights) == 0


def test_latency_counts_what_is_repeated(graph: Graph) -> None:
    f746 = find_board("stm32f746")
    streamed = Schedule(graph, [Stream("stem", "block1.project")])
    patched = Schedule(graph, [Patches("stem", "block1.project", 2, 2)])
    assert latency_ms(streamed, f746) == pytest.approx(latency_ms(graph, f746))
    assert latency_ms(patched, f746) > 1.01 * latency_ms(graph, f746)
    assert patched.macs == sum(patched.operator_macs) > streamed.macs
