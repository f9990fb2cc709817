"""Pruning's curves: what is drawn are the numbers that were given, told in words too."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from tinyml_course.plots.pruning import (
    Curve,
    accuracy_against_sparsity,
    sensitivity_curves,
    weight_histogram,
)
from tinyml_course.plots.show import as_html
from tinyml_course.pruning import PruningError, Sensitivity, WeightError, fine_grained_mask

W = np.random.default_rng(0).normal(size=(8, 4, 3, 3))
SCAN = Sensitivity(
    0.9, (0.5, 0.8), {"block0.project.weight": (0.85, 0.4), "stem.weight": (0.6, 0.1)}
)


def test_the_histogram_holds_every_weight_that_is_not_zero() -> None:
    pruned = W * fine_grained_mask(W, 0.75)
    picture = weight_histogram(W, pruned, "stem")
    for axes, values in zip(picture.figure.axes, (W, pruned), strict=True):
        assert sum(bar.get_height() for bar in axes.patches) == (values != 0).sum()
    assert "Before: 0.0% are zero. After: 75.0% are zero" in picture.alt
    least = np.abs(pruned[pruned != 0]).min()
    assert f"the smallest left is {least:.3g}" in picture.alt
    assert "216 of 288 are zero" in picture.figure.axes[1].get_title(loc="left")


def test_a_layer_of_zeros_can_be_drawn() -> None:
    assert "none is left" in weight_histogram(W, W * 0, "stem").alt
    assert "100.0% are zero" in weight_histogram(W * 0, W * 0, "stem").alt


def test_every_layer_has_its_curve_and_its_choice() -> None:
    picture = sensitivity_curves(SCAN, {"stem.weight": 0.5}, "net")
    (axes,) = picture.figure.axes
    drawn = {tuple(line.get_ydata()): tuple(line.get_xdata()) for line in axes.lines}
    for curve in SCAN.accuracies.values():
        assert drawn[(0.9, *curve)] == (0.0, 0.5, 0.8)
    marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in marks] == [(0.5, 0.6)]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["block0.project", "stem"]
    assert "stem goes down to 10.0%, chosen 50%" in picture.alt
    assert "block0.project goes down to 40.0%" in picture.alt


def test_no_two_layers_of_a_scan_look_the_same_and_depth_is_lightness() -> None:
    names = [f"block{i}.conv.weight" for i in range(11)]
    scan = Sensitivity(0.9, (0.5,), {name: (0.8 - 0.01 * i,) for i, name in enumerate(names)})
    (axes,) = sensitivity_curves(scan).figure.axes
    colours = [to_rgb(line.get_color()) for line in axes.lines if line.get_marker() != "None"]
    assert len(set(colours)) == len(names)
    lightness = [0.3 * r + 0.59 * g + 0.11 * b for r, g, b in colours]
    assert lightness == sorted(lightness)


def test_every_way_to_prune_has_its_points() -> None:
    curves = {
        "fine-grained": Curve([0.5, 0.75], [0.9, 0.88], [0.01, 0.02]),
        "channel": Curve([0.5], [0.8]),
    }
    picture = accuracy_against_sparsity(curves, 0.91, "small CNN", floor=0.5)
    (axes,) = picture.figure.axes
    lines = [container[0] for container in axes.containers]
    assert [list(line.get_ydata()) for line in lines] == [[0.9, 0.88], [0.8]]
    assert axes.get_ylim()[0] == 0.5
    assert "fine-grained: 90.0% at 50%, 88.0% at 75%; channel: 80.0% at 50%" in picture.alt
    assert "Dense 91.0%" in picture.alt
    assert "<img" in as_html(picture, look_at="the order")


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(WeightError, match="of one shape"):
        weight_histogram(W, W[1:], "stem")
    with pytest.raises(WeightError):
        weight_histogram(W[:0], W[:0], "stem")
    with pytest.raises(PruningError, match="no layers"):
        sensitivity_curves(Sensitivity(0.9, (0.5,), {}))
    with pytest.raises(PruningError, match="no curves"):
        accuracy_against_sparsity({}, 0.9, "net")
    with pytest.raises(PruningError, match="2 accuracies for 1 sparsities"):
        accuracy_against_sparsity({"a": Curve([0.5], [0.9, 0.8])}, 0.9, "net")
