"""Lab 2's own facts: the design task is scored as stated, and the predictions are true."""

import numpy as np
import pytest
import torch

from autograder.judge import judge
from tinyml_course.course import checker, lab_questions
from tinyml_course.course.lab2_quantization import design
from tinyml_course.errors import TinyMLError, UnknownNameError
from tinyml_course.graph.fixed_point import multiply_by_quantized_multiplier
from tinyml_course.quantization import (
    BitTrial,
    least_cost_bits,
    mse_clip,
    quantize_symmetric,
    total_bytes,
)

RIGHT = {p.name: p.right for p in lab_questions("lab2").predictions}


@pytest.fixture(scope="module")
def trial() -> BitTrial:
    return design.trial()


@pytest.fixture(scope="module")
def best(trial: BitTrial) -> dict[str, int]:
    base = trial.loss({})
    costs = {n: {b: trial.loss({n: b}) - base for b in table} for n, table in trial.sizes.items()}
    return least_cost_bits(costs, trial.sizes, design.BUDGET_BYTES)


def gain(trial: BitTrial, name: str, bits: int) -> float:
    """How many times the error falls with a scale for each channel."""
    w = trial.weights[name]
    axis = 3 if "depthwise" in name else 0
    errors = [
        float(((quantize_symmetric(w, bits, a).weights() - w) ** 2).mean() ** 0.5)
        for a in (None, axis)
    ]
    return errors[0] / errors[1]


def test_p1_depthwise_layers_gain_most(trial: BitTrial) -> None:
    for bits in (2, 3, 4, 8):
        depthwise = [gain(trial, n, bits) for n in trial.layers if "depthwise" in n]
        others = [gain(trial, n, bits) for n in trial.layers if "depthwise" not in n]
        assert np.mean(depthwise) > 1.1 * np.mean(others)
    assert RIGHT["p1"] == "A"


def test_p2_a_grid_of_3_bits_ends_below_the_largest_weight(trial: BitTrial) -> None:
    w = trial.weights["block4.expand"]
    shares = [share / 20 for share in range(1, 21)]
    best = {
        bits: mse_clip(w, [share * np.abs(w).max() for share in shares], bits) / np.abs(w).max()
        for bits in (3, 8)
    }
    assert 0.6 <= best[3] <= 0.7  # 0.65, and its neighbours
    assert best[8] == pytest.approx(1)
    assert RIGHT["p2"] == "B"


def test_p3_three_bits_keep_more_than_95_percent(trial: BitTrial) -> None:
    assert trial.accuracy({}) == pytest.approx(0.986, abs=0.006)  # two of 360 images
    assert trial.accuracy(dict.fromkeys(trial.layers, 3)) > 0.955
    assert trial.accuracy(dict.fromkeys(trial.layers, 2)) < 0.5  # the knee
    assert RIGHT["p3"] == "C"


def test_p4_early_layers_suffer_most(trial: BitTrial) -> None:
    losses = {name: trial.loss({name: 2}) for name in trial.layers}
    worst = sorted(losses, key=lambda name: -losses[name])[:4]
    assert all(trial.layers.index(name) < 5 for name in worst)
    assert RIGHT["p4"] == "B"


def test_hardly_anything_reaches_6(trial: BitTrial) -> None:
    """So ReLU6 may become ReLU where channels get factors."""
    images = torch.from_numpy(trial.data.train.images)
    with torch.no_grad(), trial.network.in_float():
        maps = trial.network.maps(images)
    clipped = [n for n, layer in trial.network.layers.items() if layer.activation == "RELU6"]
    assert len(clipped) > 5
    assert max(float((maps[name] >= 6).float().mean()) for name in clipped) < 1e-4


def test_calibrations_are_as_told(trial: BitTrial) -> None:
    error = {method: trial.output_error(method) for method in ("minmax", "mse", "entropy")}
    assert error["mse"] == pytest.approx(error["minmax"], rel=0.3)  # little to gain: 0.94 times
    assert error["entropy"] > 2 * error["minmax"]  # 3.2 times
    assert trial.output_error("minmax", 4) > 3 * error["minmax"]  # 5.5 times


def test_the_keys_are_the_layers(trial: BitTrial) -> None:
    assert list(design.KEYS) == trial.layers
    assert total_bytes(trial.sizes, dict.fromkeys(design.KEYS, 8)) == 20_952
    assert total_bytes(trial.sizes, dict.fromkeys(design.KEYS, 2)) == 7_500


def test_least_cost_is_worth_all_points_and_one_number_of_bits_few(
    best: dict[str, int],
) -> None:
    evaluation = design.evaluate(dict(best))
    assert evaluation.share == 1.0
    assert "enough for all points" in evaluation.lines[0]
    assert design.evaluate(dict.fromkeys(design.KEYS, 2)).share == 0.0


def test_the_share_follows_the_accuracy(trial: BitTrial, best: dict[str, int]) -> None:
    worse = {**best, "stem": 2, "block0.depthwise": 2}
    evaluation = design.evaluate(worse)
    accuracy = trial.accuracy(worse)
    expected = (accuracy - design.FLOOR) / (design.FULL - design.FLOOR)
    assert evaluation.share == pytest.approx(min(1, max(0, expected)))
    assert evaluation.share < 1


def test_what_does_not_fit_is_worth_nothing_and_told_the_missing_bytes() -> None:
    evaluation = design.evaluate(dict.fromkeys(design.KEYS, 3))
    assert evaluation.share == 0.0
    assert f"{9_742 - design.BUDGET_BYTES:,} more" in evaluation.lines[0]


@pytest.mark.parametrize("value", [None, "4", True, 1, 9, 2.5, float("nan")])
def test_bits_that_there_are_not_are_refused(value: object) -> None:
    wrong = {**dict.fromkeys(design.KEYS, 4), "stem": value}
    with pytest.raises(TinyMLError, match="stem"):
        design.evaluate(wrong)
    assert checker("lab2")("final", wrong).status == "wrong"


def test_missing_and_unknown_layers() -> None:
    with pytest.raises(TinyMLError, match="classifier"):
        design.evaluate({name: 2 for name in design.KEYS if name != "classifier"})
    with pytest.raises(UnknownNameError, match="stem"):
        design.evaluate({**dict.fromkeys(design.KEYS, 2), "stern": 2})


def test_nothing_filled_in_is_unsolved() -> None:
    assert checker("lab2")("final", dict.fromkeys(design.KEYS)).status == "unsolved"


def test_what_requantize_is_made_of_is_no_answer() -> None:
    def requantize(sums: object, multiplier: object, shift: object, zero_point: int) -> object:
        scaled = multiply_by_quantized_multiplier(sums, multiplier, shift)  # type: ignore[arg-type]
        return np.clip(scaled + zero_point, -128, 127)

    found = checker("lab2")("q7", requantize)
    assert found.status == "wrong"
    assert "the library's version" in found.lines[0]
    assert judge("lab2", "q7", requantize) == 0


def test_every_visible_mistake_is_named() -> None:
    """A learner who makes a planted mistake reads its message, and no other one's."""
    check = checker("lab2")
    for question in lab_questions("lab2").questions:
        for mistake in question.mistakes:
            found = check(question.name, mistake.wrong)
            assert found.status == "wrong", mistake.message
            assert found.lines[0] == f"Likely cause: {mistake.message}"
