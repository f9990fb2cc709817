"""The networks as torch modules, to be trained. Their layers are called as in the int8 graphs."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from tinyml_course.models.network_definition import Block, NetworkDefinition

Layers = OrderedDict[str, nn.Module]


def conv_bn(
    name: str,
    c_in: int,
    c_out: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    depthwise: bool = False,
    relu: bool = True,
) -> Layers:
    """A convolution without bias that keeps the size at stride 1, batch norm, and ReLU6.

    Returns:
        ``name``, ``name_bn`` and, with ``relu``, ``name_relu``.
    """
    groups = c_in if depthwise else 1
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    layers: Layers = OrderedDict([(name, conv), (f"{name}_bn", nn.BatchNorm2d(c_out))])
    if relu:
        layers[f"{name}_relu"] = nn.ReLU6()
    return layers


class InvertedBottleneck(nn.Sequential):
    """1x1 expansion, depthwise, linear 1x1 projection (MobileNetV2, section 3.3)."""

    def __init__(self, block: Block) -> None:
        c_mid = block.c_mid
        layers = conv_bn("expand", block.c_in, c_mid) if block.has_expansion else OrderedDict()
        layers |= conv_bn("depthwise", c_mid, c_mid, block.kernel, block.stride, depthwise=True)
        layers |= conv_bn("project", c_mid, block.c_out, relu=False)
        super().__init__(layers)
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C_in, H, W)`` to ``(N, C_out, H / stride, W / stride)``."""
        out: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + out if self.residual else out


class MobileNetwork(nn.Sequential):
    """Stem, inverted bottlenecks, pool, classifier: images ``(N, C, H, W)`` to logits."""

    def __init__(self, definition: NetworkDefinition) -> None:
        stem = definition.stem
        layers = conv_bn("stem", stem.c_in, stem.c_out, stem.kernel, stem.stride)
        for index, block in enumerate(definition.blocks):
            layers[f"block{index}"] = InvertedBottleneck(block)
        if definition.head_mix:
            last = definition.blocks[-1].c_out if definition.blocks else stem.c_out
            layers |= conv_bn("head_mix", last, definition.head_mix)
        layers["pool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["classifier"] = nn.Linear(definition.features, definition.classes)
        super().__init__(layers)


def build(definition: NetworkDefinition, seed: int) -> MobileNetwork:
    """The network with random weights drawn from ``seed``; torch's global state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MobileNetwork(definition)
