"""The sliders of bits and range, and the strip that stands for them."""

import sys
from typing import Any

import numpy as np
import pytest

from tinyml_course.errors import TinyMLError
from tinyml_course.plots import quantization_slider as sliders
from tinyml_course.plots import show as show_module

W = np.random.default_rng(0).normal(size=(6, 30))


def test_a_setting_is_the_grid_it_says() -> None:
    picture = sliders.grid_picture(W, "stem", bits=3, share=0.5)
    (axes,) = picture.figure.axes
    assert len(axes.lines) == 7
    limit = 0.5 * np.abs(W).max()
    assert max(line.get_xdata()[0] for line in axes.lines) == pytest.approx(limit)
    assert f"3 bits: limit {limit:.3g}, {(np.abs(W) > limit).mean():.1%} cut off" in picture.alt


def test_the_strip_shows_three() -> None:
    picture = sliders.grid_strip(W, "stem")
    assert len(picture.figure.axes) == len(sliders.STRIP)
    assert picture.alt.count("cut off") == len(sliders.STRIP)


def test_moved_sliders_draw_anew() -> None:
    bits, share, picture = sliders._panel(W, "stem").children
    assert "3 bits: limit" in picture.value
    bits.value = 5
    assert "5 bits: limit" in picture.value
    before = picture.value
    share.value = 0.3
    assert picture.value != before


@pytest.mark.parametrize("widgets", [True, False])
def test_a_page_without_widgets_gets_the_strip(
    monkeypatch: pytest.MonkeyPatch, widgets: bool
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(sliders, "in_notebook", lambda: True)
    monkeypatch.setattr(show_module, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    sliders.grid_slider(W, "stem")
    (bundle,) = shown
    assert "8 bits: limit" in bundle["text/html"]
    assert ("application/vnd.jupyter.widget-view+json" in bundle) == widgets


def test_outside_a_notebook_it_is_quiet_but_checks(capfd: pytest.CaptureFixture[str]) -> None:
    sliders.grid_slider(W, "stem")
    assert capfd.readouterr() == ("", "")
    for wrong in (W[:0], 0 * W):
        with pytest.raises(TinyMLError, match="not all 0"):
            sliders.grid_slider(wrong, "stem")
