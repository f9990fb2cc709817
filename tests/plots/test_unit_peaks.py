"""Bars before and after: each as high as its plan says, as wide as its operators."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu import board, plan
from tinyml_course.mcu.boards import Board
from tinyml_course.mcu.scheduling import Patches, Schedule, Stream
from tinyml_course.models import compact, mobilenet_v2, random_graph
from tinyml_course.plots.unit_peaks import UNIT_COLOURS, peaks_before_and_after, unit_bars

GRAPH = random_graph(compact(16, 1, 10))
SCHEDULE = Schedule(
    GRAPH, [Patches("stem", "block0.project", 2, 2), Stream("block1.expand", "block2.add")]
)
BEFORE, AFTER = plan(GRAPH), plan(SCHEDULE)


def test_bars_are_the_units_and_their_bytes() -> None:
    (axes,) = peaks_before_and_after(BEFORE, AFTER).figure.axes
    drawn = [
        (p.get_x(), p.get_x() + p.get_width(), round(p.get_height() * 1024))
        for p in axes.patches
        if isinstance(p, Rectangle)
    ]
    old = [(i, i + 1, step.live_bytes) for i, step in enumerate(BEFORE.timeline)]
    new = [
        (unit.first, unit.last + 1, step.live_bytes)
        for unit, step in zip(SCHEDULE.units, AFTER.timeline, strict=True)
    ]
    assert drawn == [*old, *new]
    assert new[0][:2] == (0, 3)  # a stage is one wide bar


def test_the_outline_is_that_of_before() -> None:
    (axes,) = peaks_before_and_after(BEFORE, AFTER).figure.axes
    (outline,) = [p for p in axes.patches if not isinstance(p, Rectangle)]
    values, edges, _ = outline.get_data()  # type: ignore[attr-defined]
    np.testing.assert_allclose(values * 1024, [step.live_bytes for step in BEFORE.timeline])
    assert list(edges) == list(range(len(GRAPH.operators) + 1))


def test_the_legend_names_what_there_is() -> None:
    figure = peaks_before_and_after(BEFORE, AFTER).figure
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "before",
        "after: an operator",
        "after: a stage that streams",
        "after: a stage patch by patch",
    ]
    assert len(set(UNIT_COLOURS.values())) == 3


def test_words_and_title_name_both_peaks() -> None:
    picture = peaks_before_and_after(BEFORE, AFTER, board("stm32f746"))
    title = picture.figure.axes[0].get_title(loc="left")
    for text in (BEFORE.peak_step.operator, AFTER.peak_step.operator, "STM32F746"):
        assert text in title
        assert text in picture.alt
    for peak in (BEFORE.peak_bytes, AFTER.peak_bytes):
        assert f"{peak:,} bytes" in picture.alt


@pytest.mark.parametrize(("share", "drawn"), [(0.5, True), (1.5, True), (20, False)])
def test_the_boards_line_is_drawn_where_the_scale_allows(share: float, drawn: bool) -> None:
    size = int(share * BEFORE.peak_bytes)
    picture = peaks_before_and_after(BEFORE, AFTER, Board("mine", size, 1 << 20, "cortex-m4", 10))
    (axes,) = picture.figure.axes
    lines = [line.get_ydata()[0] for line in axes.lines]  # type: ignore[index]
    assert lines == ([pytest.approx(size / 1024)] if drawn else [])
    assert f"MINE has {size:,} bytes" in picture.alt


def test_another_order_is_put_in_line() -> None:
    order = {operator.name: at for at, operator in enumerate(reversed(GRAPH.operators))}
    bars = unit_bars(BEFORE, order)
    assert [bar[0] for bar in bars] == list(reversed(range(len(order))))
    scattered = [o.name for o in GRAPH.operators]
    scattered.append(scattered.pop(0))
    with pytest.raises(ScheduleError, match="do not follow each other"):
        unit_bars(AFTER, {name: at for at, name in enumerate(scattered)})


def test_plans_of_other_networks_are_an_error() -> None:
    other = random_graph(mobilenet_v2(0.2, 32, 10))
    with pytest.raises(ScheduleError, match="different operators"):
        peaks_before_and_after(plan(other), AFTER)
