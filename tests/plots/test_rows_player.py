"""Rows in motion: a slider, a film, and what stands for them where neither works."""

import sys
from typing import Any

import pytest

from tinyml_course.errors import ScheduleError
from tinyml_course.mcu.scheduling import RowFlow, Schedule, Stream
from tinyml_course.models import compact, random_graph
from tinyml_course.plots import rows_player
from tinyml_course.plots import show as show_module

FLOW = (
    Schedule(random_graph(compact(8, 1, 10)), [Stream("block1.expand", "block1.depthwise")])
    .units[3]
    .flow
)
assert isinstance(FLOW, RowFlow)


def test_outside_a_notebook_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    rows_player.play_rows(FLOW)
    assert capfd.readouterr() == ("", "")


def test_a_moved_slider_draws_anew() -> None:
    panel = rows_player._panel(FLOW, zoom=1)
    (player, slider), picture = panel.children[0].children, panel.children[1]
    assert slider.max == player.max == len(FLOW.steps) - 1
    assert "Step 0: " in picture.value
    slider.value = 2
    assert "Step 2: " in picture.value
    assert 'alt="' in picture.value


def test_without_ipywidgets_there_is_no_slider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert rows_player._panel(FLOW, zoom=1) is None


@pytest.mark.parametrize("widgets", [True, False])
def test_a_page_without_widgets_gets_the_strip(
    monkeypatch: pytest.MonkeyPatch, widgets: bool
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(rows_player, "in_notebook", lambda: True)
    monkeypatch.setattr(show_module, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    rows_player.play_rows(FLOW)
    (bundle,) = shown
    assert "steps side by side" in bundle["text/html"]
    assert any("widget" in kind for kind in bundle) == widgets


def test_the_film_holds_its_frames_and_says_what_it_shows() -> None:
    film = rows_player.rows_animation(FLOW, [0, 1, 2])
    assert film.count("data:image/png;base64") == 3
    assert 'aria-label="A column of rows' in film
    assert "Step 2: " in film


def test_a_film_of_wrong_steps_is_an_error() -> None:
    with pytest.raises(ScheduleError, match="a step at least"):
        rows_player.rows_animation(FLOW, [])
    with pytest.raises(ScheduleError, match="has the steps"):
        rows_player.rows_animation(FLOW, [0, 10**6])
