"""Distillation: what is learned comes from the teacher, and the teacher does not change."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course import data
from tinyml_course.data import DataSet, Split
from tinyml_course.distillation import attention_transfer, distill, hint, soft_labels
from tinyml_course.errors import CompressionError, UnknownNameError
from tinyml_course.models.fit import predict


def network(width: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, 3),
        )


def images(count: int, seed: int) -> Split:
    """Noise with labels that say nothing."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(size=(count, 1, 6, 6)).astype(np.float32)
    return Split(pixels, rng.integers(0, 3, count))


@pytest.fixture(scope="module")
def noise() -> DataSet:
    card = data.load("digits").card
    return DataSet("noise", images(384, 0), images(192, 1), images(2, 2), ("a", "b", "c"), card)


def agreement(student: nn.Module, teacher: nn.Module, split: Split) -> float:
    return float((predict(student, split) == predict(teacher.eval(), split)).mean())


def teacher_of(noise: DataSet) -> nn.Module:
    """Decides about evenly among the classes."""
    teacher = network(8, 1)
    teacher[0].weight.data *= 3
    teacher.train()(torch.from_numpy(noise.train.images))  # statistics for its batch norm
    for _ in range(60):
        teacher(torch.from_numpy(noise.train.images))
    teacher[5].bias.data -= teacher(torch.from_numpy(noise.train.images)).mean(0)
    teacher[5].weight.data *= 10
    teacher[5].bias.data *= 10
    return teacher.eval()


def test_without_labels_the_student_learns_what_the_teacher_says(noise: DataSet) -> None:
    teacher, student = teacher_of(noise), network(8, 0)
    said = predict(teacher, noise.validation)
    assert np.bincount(said, minlength=3).max() < 0.5 * len(said)  # no constant answer will do
    distill(
        student,
        teacher,
        noise,
        [soft_labels(2.0)],
        epochs=20,
        seed=0,
        batch_size=32,
        learning_rate=0.02,
        label_weight=0.0,
        progress=False,
    )
    # Images that neither was trained on; the labels are noise, only the teacher can have said it.
    # Five seeds: 0.69 to 0.74, and 0.23 to 0.33 from the labels alone.
    assert agreement(student, teacher, noise.validation) > 0.6


def test_the_teacher_stays_as_it_is(noise: DataSet) -> None:
    teacher = network(4, 1).train()
    before = copy.deepcopy(teacher.state_dict())
    distill(network(4, 0), teacher, noise, [soft_labels()], epochs=1, seed=0, progress=False)
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    assert teacher.training
    assert not teacher[0]._forward_hooks


def test_hints_and_attention_bring_maps_together(noise: DataSet) -> None:
    teacher = teacher_of(noise)

    def distances(student: nn.Module) -> list[float]:
        x = torch.from_numpy(noise.validation.images)
        with torch.no_grad():
            own, other = student[:3](x), teacher[:3](x)
            return [
                float(term.loss(own, other))
                for term in (attention_transfer("2", "2"), hint("2", "2"))
                if not term.regress or own.shape == other.shape
            ]

    for width, term in ((4, attention_transfer("2", "2", 10.0)), (8, hint("2", "2", 10.0))):
        student = network(width, 0).eval()
        before = distances(student)[0]
        distill(
            student,
            teacher,
            noise,
            [term],
            epochs=20,
            seed=0,
            batch_size=32,
            learning_rate=0.05,
            progress=False,
        )
        assert distances(student)[0] < 0.8 * before
        assert set(student.state_dict()) == set(network(width, 0).state_dict())


def test_it_repeats_by_its_seed(noise: DataSet) -> None:
    teacher, losses = teacher_of(noise), []
    for seed in (3, 3, 4):
        terms = [hint("2", "2"), soft_labels()]
        fitted = distill(network(4, 0), teacher, noise, terms, epochs=1, seed=seed, progress=False)
        losses.append(fitted.losses)
    assert losses[0] == losses[1] != losses[2]


def test_what_weighs_nothing_counts_nothing(noise: DataSet) -> None:
    terms = [soft_labels(weight=0.0), hint("2", "2", 0.0)]
    teacher = network(8, 1)
    fitted = distill(
        network(4, 0), teacher, noise, terms, epochs=1, seed=0, label_weight=0.0, progress=False
    )
    assert fitted.losses == (0.0,)


def test_regressors_start_from_the_seed(noise: DataSet) -> None:
    first = [  # one step: its loss comes before anything is learned
        distill(
            network(4, 0),
            network(8, 1),
            noise,
            [hint("2", "2")],
            epochs=1,
            seed=seed,
            batch_size=384,
            label_weight=0.0,
            progress=False,
        ).losses[0]
        for seed in (0, 1)
    ]
    assert first[0] != pytest.approx(first[1], rel=1e-3)


def test_bad_input(noise: DataSet) -> None:
    student, teacher = network(4, 0), network(8, 1)
    with pytest.raises(CompressionError, match="at least one term"):
        distill(student, teacher, noise, [], epochs=1, seed=0)
    with pytest.raises(UnknownNameError, match="unknown layer 'conv'"):
        distill(student, teacher, noise, [hint("conv", "2")], epochs=1, seed=0)
    with pytest.raises(CompressionError, match="same rows and columns"):
        distill(student, teacher, noise, [attention_transfer("2", "3")], epochs=1, seed=0)
    assert not student[2]._forward_hooks
