"""A residual network for 8x8 digits: small enough to be fine-tuned in a lab, with shortcuts.

Its trained weights come with `tinyml_course.models.trained`.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

STAGES = ((16, 2), (32, 2))
"""Channels and residual blocks of each stage; the second begins with a stride of 2."""
CLASSES = 10


def _conv_bn(name: str, c_in: int, c_out: int, stride: int = 1) -> list[tuple[str, nn.Module]]:
    conv = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
    return [(name, conv), (f"{name}_bn", nn.BatchNorm2d(c_out))]


class ResidualBlock(nn.Sequential):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016, figure 2)."""

    def __init__(self, channels: int) -> None:
        first = [*_conv_bn("first", channels, channels), ("relu", nn.ReLU())]
        super().__init__(OrderedDict([*first, *_conv_bn("second", channels, channels)]))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        return torch.relu(x + super().forward(x))  # type: ignore[no-untyped-call]


class DigitResNet(nn.Sequential):
    """Images ``(N, 1, 8, 8)`` to logits ``(N, 10)``."""

    def __init__(self) -> None:
        layers: list[tuple[str, nn.Module]] = []
        c_in, number = 1, 0
        for stage, (channels, blocks) in enumerate(STAGES):
            name = "stem" if stage == 0 else "down"
            layers += _conv_bn(name, c_in, channels, 1 if stage == 0 else 2)
            layers.append((f"{name}_relu", nn.ReLU()))
            for _ in range(blocks):
                layers.append((f"block{number}", ResidualBlock(channels)))
                number += 1
            c_in = channels
        layers += [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())]
        super().__init__(OrderedDict([*layers, ("classifier", nn.Linear(c_in, CLASSES))]))


def digit_resnet(seed: int) -> DigitResNet:
    """The network with random weights drawn from ``seed``; torch's global state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DigitResNet()
