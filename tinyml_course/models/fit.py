"""Training a float network: cross entropy, SGD with momentum, one cosine over all steps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm.auto import tqdm

from tinyml_course.data import DataSet, Split
from tinyml_course.errors import TinyMLError

Loss = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Model, images ``(N, C, H, W)`` and labels ``(N,)`` to a scalar with a gradient."""


def cross_entropy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean cross entropy of a batch."""
    return nn.functional.cross_entropy(model(images), labels)


@dataclass(frozen=True)
class Fit:
    """What training gave.

    Attributes:
        losses: mean training loss of each epoch.
        validation_accuracy: after the last epoch, in 0..1.
    """

    losses: tuple[float, ...]
    validation_accuracy: float


def fit(
    model: nn.Module,
    data: DataSet,
    *,
    epochs: int,
    seed: int,
    batch_size: int = 64,
    learning_rate: float = 0.1,
    weight_decay: float = 1e-4,
    loss: Loss = cross_entropy,
    after_step: Callable[[int], None] | None = None,
    progress: bool = True,
) -> Fit:
    """Train ``model`` in place on the training split; it is left in eval mode.

    The test split is not looked at. The order of the images comes from ``seed``.

    Args:
        model: images ``(N, C, H, W)`` to logits.
        data: the data set.
        epochs: passes over the training split.
        seed: of the shuffling.
        batch_size: images a step.
        learning_rate: at the start; the cosine ends at 0.
        weight_decay: L2.
        loss: what is made small.
        after_step: called with the number of steps done, after each: to hold a mask, to prune a
            little more.
        progress: show a progress bar.

    Raises:
        TinyMLError: the loss is no longer a number.
    """
    if epochs < 1:
        raise TinyMLError(f"epochs must be at least 1, got {epochs}")
    x, y = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    steps = -(-len(x) // batch_size)
    optimizer = torch.optim.SGD(
        model.parameters(), learning_rate, momentum=0.9, weight_decay=weight_decay, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * steps)
    order = np.random.default_rng(seed)
    losses: list[float] = []
    done = 0
    model.train()
    bar = tqdm(range(epochs), desc="training", unit="epoch", disable=not progress)
    for _ in bar:
        total = 0.0
        for batch in np.array_split(order.permutation(len(x)), steps):
            optimizer.zero_grad()
            value = loss(model, x[batch], y[batch])
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            done += 1
            if after_step is not None:
                after_step(done)
            total += float(value.detach()) * len(batch)
        losses.append(total / len(x))
        if not np.isfinite(losses[-1]):
            raise TinyMLError(
                f"training diverged in epoch {len(losses)}; "
                f"try a learning rate below {learning_rate}"
            )
        bar.set_postfix(loss=f"{losses[-1]:.3f}")
    model.eval()
    return Fit(tuple(losses), accuracy(predict(model, data.validation), data.validation.labels))


def predict(model: nn.Module, split: Split, batch_size: int = 512) -> NDArray[np.int64]:
    """The class the float network gives to every image."""
    with torch.no_grad():
        logits = [model(torch.from_numpy(part)) for part in split.batches(batch_size)]
    classes: NDArray[np.int64] = torch.cat(logits).argmax(1).numpy()
    return classes


def accuracy(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Share of right answers, in 0..1."""
    return float((predicted == labels).mean())
