"""The memory picture shows the plan's bytes, no others."""

import pytest

from tinyml_course.mcu import BOARDS, POLICIES, board, plan
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.memory import _shares, memory_timeline, memory_timeline_alt

GRAPH = random_graph(compact(8, 1, 10))


@pytest.mark.parametrize("policy", POLICIES)
def test_the_bars_add_up_to_the_bytes_held(policy: str) -> None:
    planned = plan(GRAPH, policy=policy)
    figure = memory_timeline(planned, board("stm32f746"))
    bars, _ = figure.axes
    heights = dict.fromkeys(range(len(planned.timeline)), 0.0)
    for bar in bars.patches:
        heights[round(bar.get_x() + bar.get_width() / 2)] += bar.get_height() * 1024
    assert heights == pytest.approx({s.index: s.live_bytes for s in planned.timeline})


@pytest.mark.parametrize("policy", POLICIES)
def test_every_buffer_is_drawn_at_its_address(policy: str) -> None:
    planned = plan(GRAPH, policy=policy)
    _, arena = memory_timeline(planned).axes
    drawn = sorted((p.get_y() * 1024, p.get_height() * 1024) for p in arena.patches)
    expected = sorted((b.offset, b.size_bytes) for b in planned.buffers)
    assert drawn == [pytest.approx(pair) for pair in expected]


def test_shared_bytes_are_counted_once() -> None:
    planned = plan(GRAPH, policy="tinyengine")
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
