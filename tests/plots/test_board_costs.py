"""Bars before and after: the figures of the reports."""

import pytest

from tinyml_course.errors import CompressionError
from tinyml_course.mcu import board, plan, report
from tinyml_course.models import compact, random_graph
from tinyml_course.plots.board_costs import FIGURES, before_and_after

BOARD = board("stm32f746")
REPORTS = {
    name: report(plan(random_graph(compact(8, 1, 10, width))), BOARD)
    for name, width in (("dense", 1.0), ("half", 0.5))
}


def test_the_bars_are_the_reports_figures() -> None:
    picture = before_and_after(REPORTS, BOARD, "digits")
    for axes, (key, (_, unit)) in zip(picture.figure.axes, FIGURES.items(), strict=True):
        heights = [bar.get_height() * unit for bar in axes.patches]
        assert heights == pytest.approx([getattr(costs, key) for costs in REPORTS.values()])
        labels = [text.get_text() for text in axes.get_xticklabels()]
        assert labels == ["dense", "half"]
    share = REPORTS["half"].macs / REPORTS["dense"].macs
    assert f"half: MACs (thousand) {REPORTS['half'].macs / 1e3:,.3g} ({share:.0%})" in picture.alt
    assert "dense: MACs (thousand)" in picture.alt
    assert "STM32F746" in picture.alt


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(CompressionError, match="two reports at least, got 1"):
        before_and_after({"dense": REPORTS["dense"]}, BOARD)
    with pytest.raises(CompressionError, match="reports of stm32f746, not of nrf52840"):
        before_and_after(REPORTS, board("nrf52840"))
