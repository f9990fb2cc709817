"""The memory picture shows the plan's bytes, no others."""

import pytest

from tinyml_course.mcu import BOARDS, POLICIES, Plan, board, plan
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.memory import ROLE_COLOURS, _shares, memory_timeline, memory_timeline_alt

GRAPH = random_graph(compact(8, 1, 10))
SCHEDULE = Schedule(
    GRAPH, [Patches("stem", "block0.project", 2, 2), Stream("block1.expand", "block2.add")]
)
PLANS = {name: plan(GRAPH, policy=name) for name in POLICIES} | {"stages": plan(SCHEDULE)}


@pytest.mark.parametrize("planned", PLANS.values(), ids=PLANS)
def test_the_bars_add_up_to_the_bytes_held(planned: Plan) -> None:
    figure = memory_timeline(planned, board("stm32f746"))
    bars, _ = figure.axes
    heights = dict.fromkeys(range(len(planned.timeline)), 0.0)
    for bar in bars.patches:
        heights[round(bar.get_x() + bar.get_width() / 2)] += bar.get_height() * 1024
    assert heights == pytest.approx({s.index: s.live_bytes for s in planned.timeline})


@pytest.mark.parametrize("planned", PLANS.values(), ids=PLANS)
def test_every_buffer_is_drawn_at_its_address(planned: Plan) -> None:
    _, arena = memory_timeline(planned).axes
    drawn = sorted((p.get_y() * 1024, p.get_height() * 1024) for p in arena.patches)
    expected = sorted((b.offset, b.size_bytes) for b in planned.buffers)
    assert drawn == [pytest.approx(pair) for pair in expected]


@pytest.mark.parametrize("planned", PLANS.values(), ids=PLANS)
def test_shared_bytes_are_counted_once(planned: Plan) -> None:
    for step in planned.timeline:
        assert sum(size for _, size in _shares(planned, step.index)) == step.live_bytes


def test_the_title_and_the_alternative_text_name_the_peak() -> None:
    planned = plan(GRAPH)
    title = memory_timeline(planned, BOARDS["stm32f746"]).axes[0].get_title(loc="left")
    assert "block1.expand" in title
    assert "STM32F746" in title
    alt = memory_timeline_alt(planned)
    assert f"{planned.peak_bytes:,} bytes" in alt
    assert "block1.expand" in alt


def test_stages_have_colours_and_names_of_their_own() -> None:
    bars, arena = memory_timeline(PLANS["stages"]).axes
    legend = bars.get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert "rows inside of a stage" in texts
    assert "patch inside of a stage" in texts
    assert len(set(ROLE_COLOURS.values())) == len(ROLE_COLOURS)
    ticks = [label.get_text() for label in arena.get_xticklabels()]
    assert ticks[:2] == ["stem .. block0.project", "block1.expand .. block2.add"]


def test_a_stage_reads_its_source_and_writes_its_output() -> None:
    planned = PLANS["stages"]
    shares = [dict(_shares(planned, step)) for step in (0, 1)]
    assert shares[0]["output"] == planned.activation("block0.project").size_bytes
    assert set(shares[0]) == {"output", "input", "patch", "scratch"}
    assert {"output", "input", "rows", "scratch"} >= set(shares[1]) > {"output", "rows"}


def test_the_alternative_text_tells_of_stages() -> None:
    units = len(SCHEDULE.units)
    assert f"20 operators in {units} steps, stages" in memory_timeline_alt(PLANS["stages"])
