"""Lab 1's own facts: the design task is scored as stated, and the predictions are true."""

import copy

import numpy as np
import pytest
import torch

from tinyml_course import pruning
from tinyml_course.course import checker, lab_questions
from tinyml_course.course.lab1_pruning import design
from tinyml_course.data import load
from tinyml_course.errors import TinyMLError, UnknownNameError
from tinyml_course.graph import from_torch
from tinyml_course.mcu import plan, report
from tinyml_course.models.fit import accuracy, predict
from tinyml_course.models.trained import load_trained
from tinyml_course.pruning.digit_candidates import BOARD, BUDGET, CHANNELS, candidate, costs

RIGHT = {p.name: p.right for p in lab_questions("lab1").predictions}
DIGITS = load("digits")
DENSE = load_trained("digit_resnet")
WEIGHTS = pruning.weight_arrays(DENSE)
CONVS = [name for name, w in WEIGHTS.items() if w.ndim == 4 and w.shape[1] > 1]
FOUND = {  # by the random search of the lab's solution
    "stem": 8,
    "block0.first": 5,
    "block1.first": 4,
    "down": 19,
    "block2.first": 8,
    "block3.first": 7,
}


def equal_shares(share: float) -> dict[str, int]:
    return {name: round(share * size) for name, size in CHANNELS.items()}


def validation(masks: dict[str, np.ndarray]) -> float:
    network = copy.deepcopy(DENSE)
    pruning.apply_masks(network, {name: torch.as_tensor(mask) for name, mask in masks.items()})
    pruning.settle_statistics(network, torch.from_numpy(DIGITS.train.images[:256]))
    return accuracy(predict(network, DIGITS.validation), DIGITS.validation.labels)


def test_the_checkpoint_is_as_accurate_as_its_maker_says() -> None:
    # 98.6 % and 98.9 %; a point is 4 images, in case another machine rounds otherwise.
    for split, least in ((DIGITS.validation, 0.976), (DIGITS.test, 0.979)):
        assert accuracy(predict(DENSE, split), split.labels) > least


def test_p1_half_a_layer_costs_less_than_two_points() -> None:
    dense = accuracy(predict(DENSE, DIGITS.validation), DIGITS.validation.labels)
    for name in CONVS:
        mask = pruning.fine_grained_mask(WEIGHTS[name], 0.5)
        assert dense - validation({name: mask}) < 0.02
    assert RIGHT["p1"] == "A"


def test_p2_any_weight_keeps_more_than_channels() -> None:
    any_weight = {name: pruning.fine_grained_mask(WEIGHTS[name], 5 / 9) for name in CONVS}
    channels = {name: pruning.channel_mask(WEIGHTS[name], 5 / 9) for name in CONVS}
    assert validation(any_weight) > validation(channels) + 0.1
    assert RIGHT["p2"] == "A"


def test_p3_half_of_the_weights_take_three_quarters_of_the_bytes() -> None:
    runs = [
        (WEIGHTS[name] * pruning.fine_grained_mask(WEIGHTS[name], 0.5)).reshape(-1, 1)
        for name in CONVS
    ]
    stored = sum(pruning.relative_index_bytes(run) for run in runs)
    assert stored / sum(run.size for run in runs) == pytest.approx(0.75, abs=0.01)
    assert RIGHT["p3"] == "B"


def test_p4_zeros_change_nothing_of_the_latency() -> None:
    masked = copy.deepcopy(DENSE)
    masks = {n: torch.as_tensor(pruning.fine_grained_mask(WEIGHTS[n], 0.8)) for n in CONVS}
    pruning.apply_masks(masked, masks)
    images = torch.from_numpy(DIGITS.train.images[:8])
    before, after = (report(plan(from_torch(n, images)), BOARD) for n in (DENSE, masked))
    assert after.latency_ms_estimate == before.latency_ms_estimate
    assert (after.macs, after.flash_used_bytes) == (before.macs, before.flash_used_bytes)
    assert RIGHT["p4"] == "C"


def test_what_a_search_finds_has_all_points_and_equal_shares_have_some() -> None:
    assert design.evaluate(FOUND).share == 1.0
    assert 0 < design.evaluate(equal_shares(0.4)).share < 1
    assert design.evaluate(equal_shares(0.3)).share == 0.0


def test_above_the_budget_there_are_no_points() -> None:
    assert costs(CHANNELS)["macs"] > (BUDGET.macs or 0)
    evaluation = design.evaluate(dict(CHANNELS))
    assert evaluation.share == 0.0
    assert "MACs too many" in evaluation.lines[0]
    assert "bytes of flash too many" in evaluation.lines[0]


def test_a_candidate_has_one_answer_and_its_costs_fall() -> None:
    assert candidate(FOUND) == candidate(dict(reversed(FOUND.items())))
    spent = [costs(equal_shares(share)) for share in (0.3, 0.5, 0.8, 1.0)]
    for key in ("macs", "flash_bytes", "sram_bytes", "latency_ms"):
        values = [each[key] for each in spent]
        assert values == sorted(values)
        assert candidate(FOUND)[key] == costs(FOUND)[key]


@pytest.mark.parametrize("wrong", [0, 17, 1.5, True, "8", None])
def test_designs_that_make_no_sense_are_refused(wrong: object) -> None:
    with pytest.raises(TinyMLError, match="whole number of channels from 1 to 16"):
        design.evaluate({**FOUND, "stem": wrong})
    assert checker("lab1")("final", {**FOUND, "stem": wrong}).status == "wrong"


def test_missing_and_unknown_groups() -> None:
    with pytest.raises(TinyMLError, match="down stay is missing"):
        design.evaluate({name: n for name, n in FOUND.items() if name != "down"})
    with pytest.raises(UnknownNameError, match="stem"):
        design.evaluate({**FOUND, "stme": 4})


def test_nothing_filled_in_is_unsolved() -> None:
    assert checker("lab1")("final", dict.fromkeys(CHANNELS)).status == "unsolved"
