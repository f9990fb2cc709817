"""Mirrored batches."""

import torch
from torch import nn

from tinyml_course.models.augmentation import mirrored


def batches(seed: int, count: int = 2) -> list[torch.Tensor]:
    """What a model is shown of one batch, call after call."""
    seen = []

    def keep(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return labels.sum()

    loss = mirrored(seed, keep)
    for _ in range(count):
        assert loss(nn.Identity(), IMAGES, LABELS) == LABELS.sum()
    return seen


IMAGES = torch.arange(400 * 2 * 3 * 4).reshape(400, 2, 3, 4)
LABELS = torch.arange(400)


def test_about_half_are_mirrored_and_no_pixel_is_lost() -> None:
    (shown,) = batches(0, 1)
    same = (shown == IMAGES).flatten(1).all(1)
    turned = (shown == IMAGES.flip(3)).flatten(1).all(1)
    assert (same ^ turned).all()
    assert 150 < turned.sum() < 250  # five standard deviations around 200


def test_the_seed_decides_and_every_call_draws_anew() -> None:
    first, again, other = batches(3), batches(3), batches(4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], other[0])
