"""`show`: a text for every figure, nothing left open, quiet outside a notebook."""

import sys

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from tinyml_course.errors import TinyMLError
from tinyml_course.memory_gap import explorer as explorer_module
from tinyml_course.memory_gap.explorer import explorer, limit_of, memory_html
from tinyml_course.plots import memory_gap as figures
from tinyml_course.plots.show import as_html, show


def figure() -> Figure:
    result = Figure(figsize=(2, 1))
    result.subplots().plot([1, 2])
    return result


@pytest.mark.parametrize(("alt", "look_at"), [("", "the line"), ("  ", "the line"), ("a line", "")])
def test_texts_are_needed(alt: str, look_at: str) -> None:
    with pytest.raises(TinyMLError, match="needs a text"):
        show(figure(), alt=alt, look_at=look_at)


def test_outside_a_notebook_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    show(figure(), alt="a line", look_at="its slope")
    explorer()
    assert capfd.readouterr() == ("", "")


def test_texts_are_escaped() -> None:
    html = as_html(figure(), alt='a "line" <b>', look_at="<i>")
    assert 'alt="a &quot;line&quot; &lt;b&gt;"' in html
    assert "<i>" not in html


def test_figures_of_pyplot_are_closed() -> None:
    mpl.use("Agg")
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    drawn = pyplot.figure()
    as_html(drawn, alt="empty", look_at="nothing")
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("board", ["stm32f746", "nrf52840"])
def test_the_widget_tells_its_numbers_in_words(board: str) -> None:
    html = memory_html(0.35, 96, board)
    assert limit_of(board).name in html
    assert "SRAM, TinyEngine " in html


def test_bars_longer_than_the_axis_still_tell_their_size() -> None:
    limit = figures.Limit("TINY", 1024, 1024)
    drawn = figures.memory_bars({"SRAM": 10**6, "flash": 10}, limit, "huge")
    texts = [text.get_text() for text in drawn.figure.axes[0].texts]
    assert texts == [" 977 of 1 KiB", " 0 of 1 KiB"]


def test_a_moved_slider_draws_anew() -> None:
    panel = explorer_module._panel("first")
    width, resolution, board, picture = panel.children
    width.value, resolution.value, board.value = 0.35, 96, "nrf52840"
    assert "width 0.35, resolution 96" in picture.value
    assert "NRF52840" in picture.value


def test_without_ipywidgets_there_are_no_sliders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert explorer_module._panel("first") is None
