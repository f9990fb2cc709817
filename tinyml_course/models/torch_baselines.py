"""The baselines as torch modules: SmallCifar here, ResNets from torchvision."""

from collections import OrderedDict

import torch
from torch import nn

from tinyml_course.errors import lookup
from tinyml_course.models.baselines import RESNETS

SMALL_CIFAR_CHANNELS = (32, 32, 64)


def small_cifar(seed: int) -> nn.Sequential:
    """SmallCifar (MCUNet, appendix): images ``(N, 3, 32, 32)`` to logits ``(N, 10)``.

    Random weights drawn from ``seed``; torch's global state is untouched.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for index, width in enumerate(SMALL_CIFAR_CHANNELS):
            layers[f"conv{index}"] = nn.Conv2d(channels, width, 5, padding=2)
            layers[f"relu{index}"] = nn.ReLU()
            layers[f"pool{index}"] = nn.MaxPool2d(2)
            channels = width
        layers["flatten"] = nn.Flatten()
        layers["classifier"] = nn.Linear(channels * 4 * 4, 10)
        return nn.Sequential(layers)


def resnet(depth: int, classes: int, seed: int) -> nn.Module:
    """ResNet-18 or ResNet-50 of torchvision, random weights drawn from ``seed``.

    Raises:
        UnknownNameError: another depth.
    """
    from tinyml_course.torchvision_repair import import_torchvision

    lookup("ResNet depth", str(depth), {str(known): known for known in RESNETS})
    import_torchvision()
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module: nn.Module = getattr(models, f"resnet{depth}")(num_classes=classes)
        return module
