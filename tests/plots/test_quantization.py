"""Quantization's pictures: what is drawn are the numbers that were given, told in words too."""

import numpy as np
import pytest

from tinyml_course.errors import TinyMLError
from tinyml_course.plots import quantization as figures
from tinyml_course.plots.show import as_html
from tinyml_course.plots.style import BLUE, RED

W = np.random.default_rng(0).normal(size=(6, 3, 3, 2))


def test_the_staircase_and_its_error() -> None:
    x = np.linspace(-1, 1, 21)
    picture = figures.staircase(x, {"coarse": np.rint(x), "fine": np.rint(4 * x) / 4})
    top, bottom = picture.figure.axes
    assert [line.get_label() for line in top.lines[1:]] == ["as it was", "coarse", "fine"]
    np.testing.assert_array_equal(bottom.lines[1].get_ydata(), np.rint(x) - x)
    assert "coarse: 3 values, largest error 0.5" in picture.alt
    assert "fine: 9 values, largest error 0.1" in picture.alt
    assert "<img" in as_html(picture, look_at="the saw")


def test_the_histogram_holds_every_weight_and_every_line() -> None:
    w = np.array([-1.0, -0.2, 0.1, 0.4, 0.9])
    picture = figures.histogram_on_grid(w, {"all": 1.0, "narrow": 0.5}, 3, "stem")
    for axes, beyond in zip(picture.figure.axes, (0, 2), strict=True):
        assert sum(bar.get_height() for bar in axes.patches) == 5
        red = [bar for bar in axes.patches if bar.get_facecolor()[:3] != pytest.approx(rgb(BLUE))]
        assert sum(bar.get_height() for bar in red) == beyond
        assert len(axes.lines) == 7
    on_grid = np.clip(np.rint(w / 0.5 * 3), -3, 3) * 0.5 / 3
    error = np.sqrt(((on_grid - w) ** 2).mean())
    assert f"narrow: limit 0.5, 40.0% cut off, error {error:.3g}" in picture.alt
    assert "all: limit 1, 0.0% cut off" in picture.alt


def test_255_lines_are_an_area() -> None:
    (axes,) = figures.histogram_on_grid(W, {"all": 3.0}, 8, "stem").figure.axes
    assert not axes.lines


def test_channels_that_vanish_are_counted() -> None:
    w = np.array([[[[4.0, 0.1, 0.3]], [[-1.0, -0.2, 0.0]]]])
    picture = figures.channel_ranges(w, 3, 4, "depthwise")
    (axes,) = picture.figure.axes
    ranges = [(bar.get_y(), bar.get_height()) for bar in axes.patches if bar.get_width() < 1]
    assert ranges == [(-0.2, pytest.approx(0.3)), (0.0, 0.3), (-1.0, 5.0)]
    assert "3 output channels" in picture.alt
    assert "the widest is 20.0 times" in picture.alt
    assert "1 of them become 0" in picture.alt  # half a step is 4 / 7 / 2 = 0.286
    red = [bar for bar in axes.patches if bar.get_facecolor()[:3] == pytest.approx(rgb(RED))]
    assert [bar.get_x() + bar.get_width() / 2 for bar in red] == [0]
    low, high = axes.get_ylim()
    assert low < -1
    assert high > 4
    assert "infinitely many" in figures.channel_ranges(w * [1, 0, 1], 3, 4, "depthwise").alt


def test_errors_and_accuracies_have_their_points() -> None:
    curves = {"tensor": [0.5, 0.25], "channel": [0.4, 0.2]}
    (axes,) = figures.error_against_bits((2, 3), curves, "net").figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == list(curves.values())
    assert axes.get_yscale() == "log"
    (paired,) = figures.error_against_bits((2, 3), curves, "net", in_pairs=True).figure.axes
    assert [line.get_linestyle() for line in paired.lines] == ["--", "-"]
    assert len({line.get_color() for line in paired.lines}) == 1
    assert len({line.get_color() for line in axes.lines}) == 2
    picture = figures.accuracy_against_bits((2, 3), curves, 0.9, "net")
    (axes,) = picture.figure.axes
    assert [list(line.get_ydata()) for line in axes.lines[1:]] == list(curves.values())
    assert "float 90.0%" in picture.alt
    assert "tensor: 50.00% at 2, 25.00% at 3; channel: 40.00% at 2, 20.00% at 3" in picture.alt


def test_saturations_by_layer_and_calibration() -> None:
    shares = {"few": {"stem": 0.01, "head": 0.03}, "all": {"stem": 0.0, "head": 0.002}}
    picture = figures.saturations(shares, "net")
    (axes,) = picture.figure.axes
    dots = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert dots == [([0.01, 0.03], [0, 1]), ([0.002], [1])]  # rows; what is 0 has no dot
    assert axes.get_xscale() == "log"
    assert "few: in 2 of 2 maps, most in head, 3.000%" in picture.alt
    assert "all: in 1 of 2 maps, most in head, 0.200%" in picture.alt
    none = figures.saturations({**shares, "none": {"stem": 0.0, "head": 0.0}}, "net")
    assert "none: none" in none.alt


def test_values_that_stand_for_weights() -> None:
    w = np.array([-1.0, -0.8, 0.1, 0.3])
    values = {"even": np.array([-1.0, 0.0, 1.0]), "shared": np.array([-0.9, 0.2])}
    picture = figures.histogram_of_values(w, values, "stem")
    for axes, lines in zip(picture.figure.axes, values.values(), strict=True):
        assert [line.get_xdata()[0] for line in axes.lines] == list(lines)
        assert sum(bar.get_height() for bar in axes.patches) == 4
    assert "shared: 2 values, error 0.1" in picture.alt
    error = np.sqrt((0.2**2 + 0.1**2 + 0.3**2) / 4)
    assert f"even: 3 values, error {error:.3g}" in picture.alt


def test_bits_of_each_layer() -> None:
    sizes = {"stem": {2: 10, 8: 40}, "head": {2: 20, 8: 80}}
    picture = figures.bits_per_layer(sizes, {"stem": 8, "head": 2}, 70, "net")
    (axes,) = picture.figure.axes
    assert [bar.get_width() for bar in axes.patches] == [40, 80, 40, 20]
    assert "stem 8, head 2. Together 60 of 70 bytes" in picture.alt


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_nothing_to_draw_is_an_error() -> None:
    x = np.linspace(0, 1, 5)
    with pytest.raises(TinyMLError, match="4 values for 5 places"):
        figures.staircase(x, {"short": x[:4]})
    with pytest.raises(TinyMLError, match="no curves"):
        figures.error_against_bits((2, 3), {}, "net")
    with pytest.raises(TinyMLError, match="1 values for 2 places"):
        figures.accuracy_against_bits((2, 3), {"a": [0.5]}, 0.9, "net")
    with pytest.raises(TinyMLError, match="no histogram"):
        figures.histogram_on_grid(W, {"none": 0.0}, 4, "net")
    with pytest.raises(TinyMLError, match="no histogram"):
        figures.histogram_on_grid(W, {}, 4, "net")
    for wrong in ({}, {"none": W[:0].ravel()}):
        with pytest.raises(TinyMLError, match="no histogram"):
            figures.histogram_of_values(W, wrong, "net")
    with pytest.raises(TinyMLError, match="nothing saturates"):
        figures.saturations({"a": {"stem": 0.0}}, "net")
    with pytest.raises(TinyMLError, match="no ranges"):
        figures.channel_ranges(W[:0], 0, 4, "net")
    with pytest.raises(TinyMLError, match="same layers"):
        figures.saturations({"a": {"stem": 0.0}, "b": {"head": 0.0}}, "net")
    with pytest.raises(TinyMLError, match="same layers"):
        figures.saturations({}, "net")
    with pytest.raises(TinyMLError, match="bits for"):
        figures.bits_per_layer({"stem": {2: 1}}, {}, 9, "net")
