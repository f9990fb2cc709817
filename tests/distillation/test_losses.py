"""The losses: by formula, and by the laws that their papers state."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from tinyml_course.distillation import (
    Term,
    attention_loss,
    attention_map,
    hint_loss,
    soft_label_loss,
    soft_labels,
)
from tinyml_course.errors import CompressionError


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def test_soft_labels_by_hand() -> None:
    # Teacher (3/4, 1/4), student (1/2, 1/2) at T = 2: logits twice the logarithms.
    teacher = 2 * torch.tensor([[math.log(3.0), 0.0]])
    loss = soft_label_loss(torch.zeros(1, 2), teacher, 2.0)
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(loss) == pytest.approx(4 * divergence, rel=1e-6)


def test_no_loss_for_the_teacher_itself_and_none_below_zero() -> None:
    student, teacher = normal(8, 5), normal(8, 5, seed=1)
    assert float(soft_label_loss(teacher, teacher, 3.0)) == pytest.approx(0, abs=1e-6)
    assert float(soft_label_loss(student, teacher, 3.0)) > 0
    shifted = teacher + 7.0  # probabilities do not know a common shift
    assert float(soft_label_loss(shifted, teacher, 3.0)) == pytest.approx(0, abs=1e-5)


def test_at_a_high_temperature_it_is_half_the_squared_distance_of_centred_logits() -> None:
    # Section 2.1 of the paper: matching logits is the limit, with 1/classes for the mean.
    student, teacher = normal(6, 4), normal(6, 4, seed=1)
    centred = [x - x.mean(1, keepdim=True) for x in (student, teacher)]
    limit = (centred[0] - centred[1]).square().sum(1).mean() / (2 * 4)
    loss = soft_label_loss(student.double(), teacher.double(), 1e3)
    assert float(loss) == pytest.approx(float(limit), rel=1e-2)


def test_attention_does_not_ask_how_much_only_where() -> None:
    features = normal(3, 4, 5, 6)
    torch.testing.assert_close(attention_map(7 * features), attention_map(features))
    torch.testing.assert_close(attention_map(features).norm(dim=1), torch.ones(3))
    torch.testing.assert_close(attention_map(-features[:, [3, 1, 0, 2]]), attention_map(features))
    by_hand = (features.numpy() ** 2).sum(1).reshape(3, -1)
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(attention_map(features).numpy(), by_hand, rtol=1e-5)


def test_attention_may_compare_other_channels_and_dead_maps() -> None:
    student, teacher = normal(3, 4, 5, 6), normal(3, 9, 5, 6, seed=1)
    distance = attention_map(student) - attention_map(teacher)
    assert float(attention_loss(student, teacher)) == pytest.approx(
        float(distance.square().sum() / 3), rel=1e-6
    )
    assert float(attention_loss(torch.zeros(3, 4, 5, 6), teacher)) == pytest.approx(1.0)


def test_hints_are_a_mean_square() -> None:
    student, teacher = normal(2, 3, 4, 4), normal(2, 3, 4, 4, seed=1)
    assert float(hint_loss(student, teacher)) == float(functional.mse_loss(student, teacher))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive(temperature: float) -> None:
    with pytest.raises(CompressionError, match="temperature must be above 0"):
        soft_label_loss(normal(2, 3), normal(2, 3), temperature)
    with pytest.raises(CompressionError, match="temperature must be above 0"):
        soft_labels(temperature)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(CompressionError, match="same classes"):
        soft_label_loss(normal(2, 3), normal(2, 4), 1.0)
    with pytest.raises(CompressionError, match="same rows and columns"):
        attention_loss(normal(2, 3, 4, 4), normal(2, 3, 2, 2))
    with pytest.raises(CompressionError, match="has 3 channels, the teacher's 5"):
        hint_loss(normal(2, 3, 4, 4), normal(2, 5, 4, 4))
    with pytest.raises(CompressionError, match="must be at least 0"):
        Term(hint_loss, -1.0)
