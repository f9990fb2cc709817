"""Batch-norm statistics taken anew, where the weights before them have changed."""

import torch
from torch import nn


def settle_statistics(module: nn.Module, images: torch.Tensor, batch_size: int = 100) -> None:
    """Batch-norm statistics as the plain mean over some images, in place; ends in eval mode.

    Args:
        module: the network.
        images: training images ``(N, C, H, W)``.
        batch_size: images at a time.
    """
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    module.train()
    with torch.no_grad():
        for batch in images.split(batch_size):  # type: ignore[no-untyped-call]
            module(batch)
    module.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
