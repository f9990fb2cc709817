"""SRAM against MACs: the points are those of plans, and all of them are drawn."""

from itertools import pairwise

import numpy as np
import pytest

from tinyml_course.errors import ScheduleError
from tinyml_course.graph import count_macs
from tinyml_course.mcu import board, plan
from tinyml_course.mcu.boards import Board
from tinyml_course.models import compact, random_graph
from tinyml_course.patching.search import ScheduleSearch
from tinyml_course.plots.front import RUNG_STYLES, spread, sram_against_macs
from tinyml_course.plots.rungs import RUNGS, RungPoint, least_of, rung_points

GRAPH = random_graph(compact(8, 1, 10))
POINTS = rung_points(GRAPH)


def test_the_points_are_the_plans_and_the_searches() -> None:
    found = {(p.rung, p.image): p.peak_bytes for p in POINTS if p.patches is None}
    assert found == {
        ("unfused", "memory"): plan(GRAPH, policy="tinyengine").peak_bytes,
        ("overlapped", "memory"): plan(GRAPH).peak_bytes,
        ("fused", "memory"): ScheduleSearch(GRAPH, rung="fused").least_sram().peak_bytes,
        ("fused", "fed"): ScheduleSearch(GRAPH, "fed", "fused").least_sram().peak_bytes,
        ("streamed", "memory"): ScheduleSearch(GRAPH).least_sram().peak_bytes,
        ("streamed", "fed"): ScheduleSearch(GRAPH, "fed").least_sram().peak_bytes,
    }
    assert {p.macs for p in POINTS if p.patches is None} == {count_macs(GRAPH)}
    assert {p.rung for p in POINTS} == set(RUNGS)


@pytest.mark.parametrize("image", ["memory", "fed"])
def test_more_macs_buy_less_sram(image: str) -> None:
    patched = [p for p in POINTS if p.rung == "patched" and p.image == image]
    assert patched
    assert all(a.macs < b.macs and a.peak_bytes > b.peak_bytes for a, b in pairwise(patched))


def test_the_least_are_beaten_by_none() -> None:
    best = least_of(POINTS)
    for point in POINTS:
        assert any(b.macs <= point.macs and b.peak_bytes <= point.peak_bytes for b in best)
    assert least_of(best) == best


def test_more_macs_for_the_same_sram_are_beaten() -> None:
    few, many = (RungPoint("patched", "fed", 100, macs, (2, 2)) for macs in (10, 20))
    assert least_of([many, few]) == [few]


def test_every_point_is_drawn_with_the_style_of_its_rung() -> None:
    (axes,) = sram_against_macs(POINTS, "net").figure.axes
    drawn = set()
    for line in axes.lines:
        for x, y in np.column_stack([line.get_xdata(), line.get_ydata()]):
            drawn.add((str(line.get_color()), round(x * POINTS[0].macs), round(y * 1024)))
    for point in POINTS:
        assert (RUNG_STYLES[point.rung][0], point.macs, point.peak_bytes) in drawn
    assert len(set(RUNG_STYLES.values())) == len(RUNGS)


def test_every_way_that_computes_nothing_twice_is_named_with_its_size() -> None:
    (axes,) = sram_against_macs(POINTS, "net").figure.axes
    texts = [text.get_text() for text in axes.texts]
    for point in POINTS:
        if point.patches is None:
            assert any(
                t.startswith(point.rung) and f"{point.peak_bytes / 1024:,.1f} KiB" in t
                for t in texts
            )


def test_boards_are_lines_where_the_scale_allows() -> None:
    near = Board("near", POINTS[0].peak_bytes, 1 << 20, "cortex-m4", 10)
    picture = sram_against_macs(POINTS, "net", [near, board("stm32f746")])
    (axes,) = picture.figure.axes
    assert [t.get_text() for t in axes.texts if "NEAR" in t.get_text()] == ["NEAR\n4 KiB"]
    assert not [t for t in axes.texts if "STM32F746" in t.get_text()]
    assert "NEAR has" in picture.alt
    assert "STM32F746 has 327,680 bytes" in picture.alt


def test_the_words_hold_every_point() -> None:
    alt = sram_against_macs(POINTS, "net").alt
    assert all(f"{point.peak_bytes:,} bytes" in alt for point in POINTS)


def test_many_more_macs_need_a_logarithmic_axis() -> None:
    far = RungPoint("patched", "memory", 100, 10 * POINTS[0].macs, (6, 6))
    assert sram_against_macs([*POINTS, far], "net").figure.axes[0].get_xscale() == "log"
    assert sram_against_macs(POINTS, "net").figure.axes[0].get_xscale() == "linear"


def test_no_points_are_an_error() -> None:
    with pytest.raises(ScheduleError, match="a point at least"):
        sram_against_macs([], "net")


@pytest.mark.parametrize(
    "heights", [[0.5], [0.1, 0.5, 0.9], [0.5, 0.5, 0.51], [0.0, 0.0, 0.01, 0.03], [0.99, 1.0, 1.0]]
)
def test_names_are_apart_in_order_and_inside(heights: list[float]) -> None:
    moved = spread(heights, 0.05)
    assert len(moved) == len(heights)
    assert all(b - a >= 0.05 - 1e-9 for a, b in pairwise(moved))
    assert moved[0] > 0
    assert moved[-1] < 1


def test_names_that_are_apart_stay_where_they_are() -> None:
    assert spread([0.1, 0.5, 0.9], 0.05) == pytest.approx([0.1, 0.5, 0.9])
