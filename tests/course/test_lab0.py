"""Lab 0's own facts: the design task is scored as stated, and the predictions are true."""

import math

import pytest

from tinyml_course import memory_gap, models
from tinyml_course.course import checker, lab_questions
from tinyml_course.course.lab0_memory_gap import design
from tinyml_course.errors import TinyMLError, UnknownNameError

RIGHT = {p.name: p.right for p in lab_questions("lab0").predictions}


def network(name_or_width: str | float, resolution: int = 224) -> list[memory_gap.Layer]:
    if name_or_width == "resnet50":
        return memory_gap.layers(models.random_resnet50())
    assert isinstance(name_or_width, float)
    definition = models.mobilenet_v2(name_or_width, resolution)
    return memory_gap.layers(models.random_graph(definition))


def held(layers: list[memory_gap.Layer]) -> list[int]:
    shapes = memory_gap.activation_shapes(layers)
    sizes = {name: memory_gap.activation_bytes(shape) for name, shape in shapes.items()}
    return memory_gap.live_per_step(sizes, memory_gap.steps(layers))


def test_p1_separable_convolutions_are_about_8_times_cheaper() -> None:
    dense = memory_gap.conv_macs((56, 56), 64, 64, (3, 3))
    pair = memory_gap.conv_macs((56, 56), 64, 64, (3, 3), 64)
    pair += memory_gap.conv_macs((56, 56), 64, 64, (1, 1))
    assert round(dense / pair) == 8
    assert RIGHT["p1"] == "B"


def test_p2_fewer_parameters_about_the_same_peak() -> None:
    wide, resnet = network(1.4), network("resnet50")
    params = [sum(layer["params"] for layer in layers) for layers in (resnet, wide)]
    assert params[0] / params[1] == pytest.approx(4.2, abs=0.05)
    assert max(held(wide)) / max(held(resnet)) == pytest.approx(1, abs=0.1)
    assert RIGHT["p2"] == "C"


def test_p3_the_peak_is_in_the_first_third() -> None:
    for width in (0.35, 1.0):
        bytes_held = held(network(width))
        assert bytes_held.index(max(bytes_held)) < len(bytes_held) / 3
    assert RIGHT["p3"] == "A"


def test_p4_training_takes_about_150_times_as_much() -> None:
    layers = network(0.35, 144)
    shapes = memory_gap.activation_shapes(layers)
    elements = sum(math.prod(shape) for shape in shapes.values())
    params = sum(layer["params"] for layer in layers)
    peak = max(held(layers))
    assert round(peak / 1024) == 304
    assert memory_gap.training_bytes(params, elements, 8) / peak == pytest.approx(150, abs=5)
    assert RIGHT["p4"] == "C"


def test_p5_resolution_saves_more_than_width() -> None:
    peak = max(held(network(1.0)))
    assert max(held(network(1.0, 112))) / peak == pytest.approx(1 / 4, abs=0.01)
    assert max(held(network(0.5))) / peak == pytest.approx(1 / 2, abs=0.01)
    assert RIGHT["p5"] == "A"


def test_the_best_on_the_grid_is_found_and_worth_all_points() -> None:
    width, resolution, _ = design.best_on_grid()
    best = design.evaluate({"width": width, "resolution": resolution})
    assert best.share == 1.0
    assert "nothing on the grid has more" in best.lines[0]


def test_the_halving_search_misses_nothing() -> None:
    width = design.best_on_grid()[0]
    tried = []
    for resolution in design.RESOLUTIONS:
        evaluation = design.evaluate({"width": width, "resolution": resolution})
        tried.append("It fits" in evaluation.lines[0])
    assert tried == sorted(tried, reverse=True), "what fits must be below what does not"


def test_what_does_not_fit_is_worth_nothing_and_told_the_missing_bytes() -> None:
    evaluation = design.evaluate({"width": 1.0, "resolution": 224})
    assert evaluation.share == 0.0
    assert "bytes of SRAM are missing" in evaluation.lines[0]
    evaluation = design.evaluate({"width": 0.9, "resolution": 48})
    assert "bytes of flash are missing" in evaluation.lines[0]


def test_a_small_network_is_worth_nothing_and_a_larger_one_more() -> None:
    shares = [
        design.evaluate({"width": 0.4, "resolution": resolution}).share
        for resolution in (48, 112, 128, 144)
    ]
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert 0 < shares[2] < 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0.4},
        {"width": "0.4", "resolution": 144},
        {"width": True, "resolution": 144},
        {"width": 0.4, "resolution": 144.5},
        {"width": 50, "resolution": 144},
        {"width": 0.4, "resolution": 10**9},
        {"width": float("nan"), "resolution": 144},
    ],
)
def test_designs_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TinyMLError):
        design.evaluate(wrong)
    assert checker("lab0")("final", wrong).status == "wrong"


def test_unknown_keys_raise_and_name_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="resolution"):
        design.evaluate({"width": 0.4, "resoluton": 144})


def test_nothing_filled_in_is_unsolved() -> None:
    assert checker("lab0")("final", {"width": None, "resolution": None}).status == "unsolved"
