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
