"""The sparsity slider, and the strip that stands for it."""

import sys
from typing import Any

import numpy as np
import pytest

from tinyml_course.plots import pruning_slider
from tinyml_course.plots import show as show_module
from tinyml_course.pruning import PruningError, fine_grained_mask

W = np.random.default_rng(0).normal(size=(6, 30))
POINTS = ((0.0, 0.5, 1.0), (0.9, 0.8, 0.1))


def test_a_position_shows_what_is_left_and_the_accuracy_there() -> None:
    picture = pruning_slider.sparsity_picture(W, *POINTS, "stem", at=0.75)
    histogram, curve = picture.figure.axes
    heights = np.array([bar.get_height() for bar in histogram.patches]).reshape(2, -1).sum(1)
    assert heights.tolist() == [W.size, fine_grained_mask(W, 0.75).sum()]
    assert curve.lines[1].get_ydata() == pytest.approx([0.45])  # half way from 0.8 to 0.1
    assert "75%: about 45.0%" in picture.alt


def test_the_strip_shows_three() -> None:
    picture = pruning_slider.sparsity_strip(W, *POINTS, "stem")
    assert len(picture.figure.axes) == 4
    assert all(f"{at:.0%}: about" in picture.alt for at in pruning_slider.STRIP)


def test_a_moved_slider_draws_anew() -> None:
    slider, picture = pruning_slider._panel(W, *POINTS, "stem").children
    assert "50%: about 80.0%" in picture.value
    slider.value = 1.0
    assert "100%: about 10.0%" in picture.value


def test_the_slider_ends_where_no_accuracy_is_known() -> None:
    slider, picture = pruning_slider._panel(W, (0.1, 0.6, 0.95), (0.9, 0.8, 0.1), "stem").children
    slider.value = 1.0
    assert (slider.min, slider.value) == (0.1, 0.95)
    assert "95%: about 10.0%" in picture.value
    few, _ = pruning_slider._panel(W, (0.1, 0.3), (0.9, 0.8), "stem").children
    assert few.value == 0.3


@pytest.mark.parametrize("widgets", [True, False])
def test_a_page_without_widgets_gets_the_strip(
    monkeypatch: pytest.MonkeyPatch, widgets: bool
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(pruning_slider, "in_notebook", lambda: True)
    monkeypatch.setattr(show_module, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    pruning_slider.sparsity_slider(W, *POINTS, "stem")
    (bundle,) = shown
    assert "30%: about" in bundle["text/html"]
    assert ("application/vnd.jupyter.widget-view+json" in bundle) == widgets


def test_outside_a_notebook_it_is_quiet_but_checks(capfd: pytest.CaptureFixture[str]) -> None:
    pruning_slider.sparsity_slider(W, *POINTS, "stem")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(PruningError, match="2 accuracies for 3 sparsities"):
        pruning_slider.sparsity_slider(W, (0, 0.5, 1), (0.9, 0.8), "stem")
