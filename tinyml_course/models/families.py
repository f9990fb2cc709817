"""Mobile networks at any width and resolution: a table of stages, and how width scales it."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tinyml_course.errors import GraphError
from tinyml_course.models.network_definition import Block, NetworkDefinition, Stem


class Stage(NamedTuple):
    """Equal blocks one after the other.

    Attributes:
        expansion: expanded channels per input channel.
        channels: output channels at width 1.
        repeats: blocks.
        stride: of the first block.
        kernel: of every depthwise convolution.
    """

    expansion: int
    channels: int
    repeats: int
    stride: int
    kernel: int


# Sandler et al. 2018, table 2
MOBILENET_V2 = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 32, 3, 2, 3),
    Stage(6, 64, 4, 2, 3),
    Stage(6, 96, 3, 1, 3),
    Stage(6, 160, 3, 2, 3),
    Stage(6, 320, 1, 1, 3),
)

# Cai et al. 2019, ProxylessNAS (mobile)
PROXYLESS_MOBILE = (
    Stage(1, 16, 1, 1, 3),
    Stage(3, 32, 1, 2, 5),
    Stage(3, 32, 1, 1, 3),
    Stage(3, 40, 1, 2, 7),
    Stage(3, 40, 1, 1, 3),
    Stage(3, 40, 2, 1, 5),
    Stage(6, 80, 1, 2, 7),
    Stage(3, 80, 3, 1, 5),
    Stage(6, 96, 1, 1, 5),
    Stage(3, 96, 3, 1, 5),
    Stage(6, 192, 1, 2, 7),
    Stage(6, 192, 1, 1, 7),
    Stage(3, 192, 2, 1, 7),
    Stage(6, 320, 1, 1, 7),
)

# Tan et al. 2019, MnasNet-B1 (without squeeze and excitation)
MNASNET = (
    Stage(1, 16, 1, 1, 3),
    Stage(3, 24, 3, 2, 3),
    Stage(3, 40, 3, 2, 5),
    Stage(6, 80, 3, 2, 5),
    Stage(6, 96, 2, 1, 3),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Round channels to a multiple of ``divisor``, never more than 10 % down (MobileNetV2's code).

    >>> make_divisible(24 * 0.35)
    8
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def round_up(channels: float, divisor: int = 8) -> int:
    """Round channels up to a multiple of ``divisor`` (ProxylessNAS's code).

    >>> round_up(192 * 0.3)
    64
    """
    return math.ceil(channels / divisor) * divisor


def mobilenet_v2(
    width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> NetworkDefinition:
    """MobileNetV2 (Sandler et al. 2018, table 2).

    The last 1x1 convolution is scaled with the width too, as the networks for microcontrollers
    do; the paper keeps its 1280 channels at widths below 1.

    Args:
        width: multiplier of every channel count.
        resolution: rows and columns of the input.
        classes: outputs.
    """
    return _scaled("mbv2", MOBILENET_V2, make_divisible, width, resolution, classes)


def proxyless_mobile(
    width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> NetworkDefinition:
    """ProxylessNAS-mobile (Cai et al. 2019); arguments as for `mobilenet_v2`."""
    return _scaled("proxyless", PROXYLESS_MOBILE, round_up, width, resolution, classes)


def mnasnet(width: float = 1.0, resolution: int = 224, classes: int = 1000) -> NetworkDefinition:
    """MnasNet-B1 (Tan et al. 2019) with ReLU6 for ReLU; arguments as for `mobilenet_v2`."""
    return _scaled("mnasnet", MNASNET, make_divisible, width, resolution, classes)


def _scaled(
    family: str,
    stages: Sequence[Stage],
    rounding: Callable[[float], int],
    width: float,
    resolution: int,
    classes: int,
) -> NetworkDefinition:
    if width <= 0:
        raise GraphError(f"width must be positive, got {width}")
    channels = rounding(32 * width)
    stem = Stem(3, channels, 3, 2)
    blocks = []
    for stage in stages:
        c_out = rounding(stage.channels * width)
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            residual = stride == 1 and channels == c_out
            mid = channels * stage.expansion
            blocks.append(Block(channels, mid, c_out, stage.kernel, stride, residual))
            channels = c_out
    return NetworkDefinition(
        f"{family}-w{width:g}@{resolution}",
        resolution,
        stem,
        tuple(blocks),
        rounding(1280 * width),
        classes,
    )


def compact(
    resolution: int, channels: int, classes: int, width: float = 1.0, name: str = "compact"
) -> NetworkDefinition:
    """A MobileNetV2-style network for small images, which trains in seconds on one core.

    Args:
        resolution: rows and columns of the input, at least 4.
        channels: of the image.
        classes: outputs.
        width: multiplier of every channel count.
        name: of the network.
    """
    if resolution < 4 or width <= 0:
        raise GraphError(f"resolution >= 4 and width > 0 needed, got {resolution} and {width}")

    def c(base: int) -> int:
        return make_divisible(base * width)

    stem = Stem(channels, c(16), 3, 1 if resolution < 16 else 2)
    blocks = (
        Block(c(16), c(16), c(8), 3, 1, False),
        Block(c(8), 6 * c(8), c(16), 3, 2, False),
        Block(c(16), 4 * c(16), c(16), 3, 1, True),
        Block(c(16), 4 * c(16), c(32), 3, 2, False),
        Block(c(32), 4 * c(32), c(32), 3, 1, True),
    )
    return NetworkDefinition(f"{name}@{resolution}", resolution, stem, blocks, None, classes)
