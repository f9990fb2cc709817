"""The networks as torch modules, to be trained."""

import torch
from torch import Tensor, nn

from tinyml_course.models.definition import Block, NetworkDefinition


def conv_bn(c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    """A convolution without bias, padded to keep the size at stride 1, and its batch norm."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


class InvertedBottleneck(nn.Module):
    """1x1 expansion, depthwise, linear 1x1 projection (MobileNetV2, section 3.3)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if block.has_expansion:
            layers += [*conv_bn(block.c_in, block.c_mid, 1, 1), nn.ReLU6()]
        layers += conv_bn(block.c_mid, block.c_mid, block.kernel, block.stride, block.c_mid)
        layers += [nn.ReLU6(), *conv_bn(block.c_mid, block.c_out, 1, 1)]
        self.layers = nn.Sequential(*layers)
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C_in, H, W)`` to ``(N, C_out, H / stride, W / stride)``."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class MobileNetwork(nn.Module):
    """Stem, inverted bottlenecks, pool, classifier."""

    def __init__(self, definition: NetworkDefinition) -> None:
        super().__init__()
        stem = definition.stem
        self.stem = nn.Sequential(
            *conv_bn(stem.c_in, stem.c_out, stem.kernel, stem.stride), nn.ReLU6()
        )
        self.blocks = nn.Sequential(*map(InvertedBottleneck, definition.blocks))
        self.head_mix: nn.Module = nn.Identity()
        if definition.head_mix:
            last = definition.blocks[-1].c_out
            self.head_mix = nn.Sequential(*conv_bn(last, definition.head_mix, 1, 1), nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(definition.features, definition.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(N, C, H, W)`` to logits ``(N, classes)``."""
        x = self.head_mix(self.blocks(self.stem(x)))
        logits: Tensor = self.classifier(self.pool(x).flatten(1))
        return logits


def build(definition: NetworkDefinition, seed: int) -> MobileNetwork:
    """The network with random weights drawn from ``seed``; torch's global state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MobileNetwork(definition)
