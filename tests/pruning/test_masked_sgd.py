"""The fine-tuning step: torch's SGD where a weight is kept, zero where it is not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinyml_course.pruning import PruningError, WeightError, fine_tuning_step

RNG = np.random.default_rng(0)


@given(st.integers(0, 99), st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.0, 0.01]))
def test_it_is_torchs_sgd_for_kept_weights(seed: int, momentum: float, decay: float) -> None:
    rng = np.random.default_rng(seed)
    start, mask = rng.normal(size=(3, 4)), rng.random((3, 4)) < 0.5
    w = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.SGD([w], 0.1, momentum=momentum, weight_decay=decay)
    got, velocity = np.where(mask, start, 0), np.zeros((3, 4))
    for _ in range(4):
        gradient = rng.normal(size=(3, 4))
        w.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        got, velocity = fine_tuning_step(
            got, mask, gradient, velocity, learning_rate=0.1, momentum=momentum, weight_decay=decay
        )
        assert not got[~mask].any()
        assert not velocity[~mask].any()
    assert got[mask] == pytest.approx(w.detach().numpy()[mask])


def test_velocity_from_before_pruning_does_not_revive() -> None:
    mask = np.array([True, False])
    w, velocity = fine_tuning_step(
        np.array([1.0, 0.0]), mask, np.zeros(2), np.array([1.0, 5.0]), learning_rate=0.1
    )
    assert w.tolist() == [pytest.approx(0.91), 0.0]
    assert velocity.tolist() == [0.9, 0.0]


def test_a_weight_that_should_be_zero_is_zero_afterwards() -> None:
    w, _ = fine_tuning_step(
        np.ones(2), np.array([True, False]), np.zeros(2), np.zeros(2), learning_rate=0.1
    )
    assert w.tolist() == [1.0, 0.0]


def test_bad_input_is_refused() -> None:
    ones, mask = np.ones(2), np.ones(2, bool)
    with pytest.raises(PruningError, match="gradient of shape"):
        fine_tuning_step(ones, mask, np.ones(3), ones, learning_rate=0.1)
    with pytest.raises(PruningError, match="mask of shape"):
        fine_tuning_step(ones, mask[:1], ones, ones, learning_rate=0.1)
    with pytest.raises(WeightError, match="nan"):
        fine_tuning_step(ones * np.nan, mask, ones, ones, learning_rate=0.1)
