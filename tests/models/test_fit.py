"""Training: it learns, repeats, says when it fails, and never sees the test split."""

import numpy as np
import pytest
import torch
from torch import nn

from tinyml_course import data
from tinyml_course.data import DataSet, Split
from tinyml_course.errors import DataError, TinyMLError
from tinyml_course.models.fit import accuracy, cross_entropy, fit, predict


def tiny_data() -> DataSet:
    """Two classes that a line separates: bright left or bright right half."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count) % 2
        images = rng.uniform(0, 0.4, (count, 1, 4, 4)).astype(np.float32)
        images[labels == 0, :, :, :2] += 0.6
        images[labels == 1, :, :, 2:] += 0.6
        return Split(images, labels.astype(np.int64))

    card = data.load("digits").card
    return DataSet("tiny", split(40), split(20), split(20), ("left", "right"), card)


class NoTest(DataSet):
    """A data set whose test split nobody may touch."""

    def __getattribute__(self, name: str) -> object:
        if name == "test":
            raise AssertionError("training looked at the test split")
        return super().__getattribute__(name)


TINY = tiny_data()


def model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
        return nn.Sequential(*layers, nn.Linear(16, 2))


def test_it_learns() -> None:
    network = model()
    result = fit(network, TINY, epochs=10, seed=0, batch_size=8, progress=False)
    assert len(result.losses) == 10
    assert result.losses[-1] < result.losses[0] / 2
    assert result.validation_accuracy == 1.0  # a line separates the classes
    assert not network.training


def test_it_repeats_by_its_seed() -> None:
    first, again, other = (
        fit(model(), TINY, epochs=2, seed=seed, batch_size=8, progress=False).losses
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_loss_is_the_mean_over_the_images() -> None:
    """With a learning rate of 0 nothing moves, so the mean can be computed from outside."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    x, y = torch.from_numpy(TINY.train.images), torch.from_numpy(TINY.train.labels)
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(network(x), y))
    # 40 images in batches of 7 and 6: unequal batches must be weighted.
    losses = fit(
        network,
        TINY,
        epochs=1,
        seed=0,
        batch_size=7,
        learning_rate=0.0,
        weight_decay=0.0,
        progress=False,
    ).losses
    assert losses[0] == pytest.approx(expected, rel=1e-5)  # single precision


def test_the_test_split_is_not_looked_at() -> None:
    guarded = NoTest(*(getattr(TINY, f) for f in ("name", "train", "validation")), *_rest())
    fit(model(), guarded, epochs=1, seed=0, progress=False)


def _rest() -> tuple[object, ...]:
    return TINY.test, TINY.class_names, TINY.card


def test_divergence_is_an_error_with_a_way_out() -> None:
    with pytest.raises(
        TinyMLError, match=r"diverged in epoch \d+; try a learning rate below 1e\+3"
    ):
        fit(model(), TINY, epochs=5, seed=0, learning_rate=1e30, progress=False)


def test_no_epoch_is_no_training() -> None:
    with pytest.raises(TinyMLError, match="epochs must be at least 1, got 0"):
        fit(model(), TINY, epochs=0, seed=0)


@pytest.mark.parametrize("batch_size", [1, 7, 20, 100])
def test_prediction_does_not_depend_on_the_batch(batch_size: int) -> None:
    network = model().eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(TINY.test.images)).argmax(1).numpy()
    assert np.array_equal(predict(network, TINY.test, batch_size), expected)


def test_accuracy_is_a_share() -> None:
    labels = np.array([0, 1, 2, 3])
    assert accuracy(labels, labels) == 1.0
    assert accuracy(labels, labels[::-1]) == 0.0
    assert accuracy(np.array([0, 1, 2, 0]), labels) == 0.75


def test_a_split_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no split"):
        Split(np.zeros((0, 1, 4, 4), np.float32), np.zeros(0, np.int64))


def test_a_loss_of_ones_own_and_a_word_behind_each_step() -> None:
    def nothing(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return 0 * cross_entropy(network, images, labels)

    network, steps = model(), list[int]()
    before = {name: value.clone() for name, value in network.named_parameters()}
    fit(
        network,
        TINY,
        epochs=2,
        seed=0,
        batch_size=16,
        weight_decay=0.0,
        loss=nothing,
        after_step=steps.append,
        progress=False,
    )
    assert steps == [1, 2, 3, 4, 5, 6]  # 40 images make three batches
    assert all(torch.equal(before[name], value) for name, value in network.named_parameters())
