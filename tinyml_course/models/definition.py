"""Networks of the MCUNet family as facts: a stem, inverted bottlenecks, a classifier."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from tinyml_course.errors import GraphError, lookup, reject_unknown_keys


@dataclass(frozen=True)
class Stem:
    """The first convolution.

    Attributes:
        c_in: image channels.
        c_out: output channels.
        kernel: rows and columns.
        stride: step.
    """

    c_in: int
    c_out: int
    kernel: int
    stride: int


@dataclass(frozen=True)
class Block:
    """An inverted bottleneck: 1x1 expansion, depthwise, 1x1 projection (MobileNetV2, section 3.3).

    Attributes:
        c_in: input channels.
        c_mid: expanded channels; no expansion convolution where it equals ``c_in``.
        c_out: output channels.
        kernel: of the depthwise convolution.
        stride: of the depthwise convolution.
        residual: whether the input is added to the output.
    """

    c_in: int
    c_mid: int
    c_out: int
    kernel: int
    stride: int
    residual: bool

    @property
    def has_expansion(self) -> bool:
        """Whether the block starts with a 1x1 expansion."""
        return self.c_mid != self.c_in


@dataclass(frozen=True)
class NetworkDefinition:
    """Everything that decides a network's shapes.

    Attributes:
        name: ``network@resolution``.
        resolution: rows and columns of the input.
        stem: the first convolution.
        blocks: inverted bottlenecks.
        head_mix: channels of a 1x1 convolution before the pool, or ``None``.
        classes: outputs.
    """

    name: str
    resolution: int
    stem: Stem
    blocks: tuple[Block, ...]
    head_mix: int | None
    classes: int

    def __post_init__(self) -> None:
        channels = self.stem.c_out
        for index, block in enumerate(self.blocks):
            if block.c_in != channels:
                raise GraphError(
                    f"{self.name}: block {index} reads {block.c_in} channels, gets {channels}"
                )
            if block.residual and (block.stride != 1 or block.c_in != block.c_out):
                raise GraphError(f"{self.name}: block {index} cannot have a residual")
            channels = block.c_out

    @property
    def features(self) -> int:
        """Channels that the classifier reads."""
        return self.head_mix or (self.blocks[-1].c_out if self.blocks else self.stem.c_out)

    def at(self, resolution: int) -> "NetworkDefinition":
        """The same network for another input resolution."""
        name = f"{self.name.split('@')[0]}@{resolution}"
        return replace(self, name=name, resolution=resolution)


_KEYS = ("resolution", "stem", "blocks", "head_mix", "classes")


def definition(name: str) -> NetworkDefinition:
    """A published network by name, such as ``"vww1@80"`` or ``"in3@176"``.

    Raises:
        UnknownNameError: listing the known names.
    """
    return lookup("network", name, definitions())


@cache
def definitions() -> Mapping[str, NetworkDefinition]:
    """Every network of ``architectures.json``."""
    table = json.loads(files("tinyml_course.models").joinpath("architectures.json").read_text())
    return {name: from_record(name, record) for name, record in table.items()}


def from_record(name: str, record: Mapping[str, Any]) -> NetworkDefinition:
    """A definition from plain data, as ``architectures.json`` holds it.

    Raises:
        UnknownNameError: a key the format does not have.
    """
    reject_unknown_keys(f"network {name}", record, _KEYS)
    return NetworkDefinition(
        name,
        record["resolution"],
        Stem(*record["stem"]),
        tuple(_block(row) for row in record["blocks"]),
        record["head_mix"],
        record["classes"],
    )


def _block(row: list[int]) -> Block:
    c_in, c_mid, c_out, kernel, stride, residual = row
    return Block(c_in, c_mid, c_out, kernel, stride, bool(residual))


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Round channels to a multiple of ``divisor``, never more than 10 % down (MobileNetV2's code).

    >>> make_divisible(24 * 0.35)
    8
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


# expansion, channels, repeats, first stride (MobileNetV2, table 2)
_MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> NetworkDefinition:
    """MobileNetV2 at any width and resolution (Sandler et al. 2018, table 2).

    The last 1x1 convolution is scaled with the width too, as the networks for microcontrollers
    do; the paper keeps its 1280 channels at widths below 1.

    Args:
        width: multiplier of every channel count.
        resolution: rows and columns of the input.
        classes: outputs.
    """
    if width <= 0:
        raise GraphError(f"width must be positive, got {width}")
    channels = make_divisible(32 * width)
    stem = Stem(3, channels, 3, 2)
    blocks = []
    for expansion, c, repeats, first_stride in _MOBILENET_V2:
        c_out = make_divisible(c * width)
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            residual = stride == 1 and channels == c_out
            mid = channels * expansion
            blocks.append(Block(channels, mid, c_out, 3, stride, residual))
            channels = c_out
    return NetworkDefinition(
        f"mbv2-w{width:g}@{resolution}",
        resolution,
        stem,
        tuple(blocks),
        make_divisible(1280 * width),
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
