"""Values that many weights share, at the pace of a weight."""

from typing import Any

import torch
from torch import Tensor


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor | float) -> Tensor:
        """The value as it is."""
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient times the factor."""
        return gradients[0] * ctx.factor, None


def scale_gradient(x: Tensor, factor: Tensor | float) -> Tensor:
    """``x``, whose gradient is multiplied on the way back.

    The gradient of a value that n weights share is a sum of n numbers. Unscaled, a learning rate
    that suits the weights throws the value about.

    Args:
        x: any shape.
        factor: of the gradient, broadcast to ``x``.
    """
    scaled: Tensor = _ScaleGradient.apply(x, factor)  # type: ignore[no-untyped-call]
    return scaled
