"""Images changed while they are learned from, so that fewer of them are learned by heart."""

import torch
from torch import nn

from tinyml_course.models.fit import Loss, cross_entropy


def mirrored(seed: int, loss: Loss = cross_entropy) -> Loss:
    """The loss of batches of which about half of the images are mirrored left to right.

    For images that mean the same either way: scenes, clothes; not digits.

    Args:
        seed: of the draws; a loss draws anew at every call.
        loss: of the batch that comes out.
    """
    draws = torch.Generator().manual_seed(seed)

    def of_mirrored(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        chosen = torch.rand(len(images), generator=draws) < 0.5
        return loss(model, torch.where(chosen[:, None, None, None], images.flip(3), images), labels)

    return of_mirrored
