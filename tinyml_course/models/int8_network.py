"""The networks as int8 graphs with random weights: for memory, MACs and timing, not accuracy.

No torch is needed. Scales are chosen so that activations neither vanish nor saturate from layer
to layer, so that a wrong byte anywhere still shows in the output.
"""

import numpy as np
from numpy.typing import NDArray

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Reshape,
)
from tinyml_course.graph.quantization import weight_limit
from tinyml_course.models.network_definition import NetworkDefinition

RELU6_QUANTIZATION = Quantization.per_tensor(6 / 255, -128)
LINEAR_QUANTIZATION = Quantization.per_tensor(8 / 255, 0)
_WEIGHT_SPREAD = 73.3  # standard deviation of a uniform int8 weight in -127..127


class RandomLayers:
    """Appends layers with random weights to a graph.

    Args:
        name: of the graph.
        shape: of the input, ``(1, H, W, C)``.
        seed: of the weights; ``None`` leaves them all the same.
        weight_bits: of the weights, 2 to 8; they lie in the top bits of their bytes.
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, int, int, int],
        seed: int | None,
        weight_bits: int = 8,
    ) -> None:
        self.limit, self.unused_bits = weight_limit(weight_bits), 8 - weight_bits
        self.builder = GraphBuilder(name)
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.builder.input(shape, LINEAR_QUANTIZATION)

    def channels(self, source: str) -> int:
        """Channels (or features) of an activation."""
        return self.builder.tensors[source].shape[-1]

    def conv(
        self,
        name: str,
        source: str,
        c_out: int,
        kernel: int = 1,
        stride: int = 1,
        activation: str = "RELU6",
    ) -> str:
        """A dense convolution with ``kernel // 2`` padding."""
        shape = (c_out, kernel, kernel, self.channels(source))
        return self._weighted(Conv2D, name, source, shape, activation, kernel, stride)

    def depthwise(self, name: str, source: str, kernel: int, stride: int = 1) -> str:
        """A depthwise convolution with ``kernel // 2`` padding and ReLU6."""
        shape = (1, kernel, kernel, self.channels(source))
        return self._weighted(DepthwiseConv2D, name, source, shape, "RELU6", kernel, stride)

    def linear(self, name: str, source: str, c_out: int) -> str:
        """A fully connected layer."""
        shape = (c_out, self.builder.tensors[source].elements)
        return self._weighted(FullyConnected, name, source, shape, "NONE", None, 1)

    def add(self, name: str, first: str, second: str, activation: str = "NONE") -> str:
        """A residual sum."""
        return self.builder.apply(
            Add, name, [first, second], LINEAR_QUANTIZATION, activation=activation
        )

    def global_pool(self, name: str, source: str) -> str:
        """The mean over height and width, flattened to ``(1, C)``."""
        _, height, width, _ = self.builder.tensors[source].shape
        size = (height, width)
        pooled = self.builder.apply(AveragePool2D, name, [source], size=size, stride=size)
        return self.flatten(f"{name}.flatten", pooled)

    def flatten(self, name: str, source: str) -> str:
        """A map as ``(1, H W C)``."""
        shape = (1, self.builder.tensors[source].elements)
        return self.builder.apply(Reshape, name, [source], shape=shape)

    def max_pool(
        self, name: str, source: str, size: int, stride: int, padding: int | None = None
    ) -> str:
        """A max pool with ``size // 2`` padding, or another one."""
        side = size // 2 if padding is None else padding
        return self.builder.apply(
            MaxPool2D,
            name,
            [source],
            size=(size, size),
            stride=(stride, stride),
            padding=((side, side), (side, side)),
        )

    def _weighted(
        self,
        kind: type[Conv2D] | type[DepthwiseConv2D] | type[FullyConnected],
        name: str,
        source: str,
        shape: tuple[int, ...],
        activation: str,
        kernel: int | None,
        stride: int,
    ) -> str:
        c_out = shape[3] if kind is DepthwiseConv2D else shape[0]
        scale_in, _ = self.builder.tensors[source].scale_and_zero_point()
        weight, scale, bias = self._constants(shape, c_out, float(scale_in))
        attributes: dict[str, object] = {"activation": activation}
        if kernel is not None:
            pad = (kernel // 2, kernel // 2)
            attributes |= {"stride": (stride, stride), "padding": (pad, pad)}
        quantization = LINEAR_QUANTIZATION if activation == "NONE" else RELU6_QUANTIZATION
        return self.builder.weighted(
            kind, name, source, weight, scale, bias, quantization, **attributes
        )

    def _constants(
        self, shape: tuple[int, ...], c_out: int, scale_in: float
    ) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.int32]]:
        """Weights, their scales and biases."""
        if self.rng is None:
            same = np.zeros(shape, np.int8)
            if self.unused_bits:  # zeros would have fewer bits
                same += 1 << self.unused_bits
            return same, np.ones(c_out, np.float32), np.zeros(c_out, np.int32)
        fan_in = int(np.prod(shape)) // c_out
        weight = self.rng.integers(-self.limit, self.limit + 1, shape, np.int8) << self.unused_bits
        spread = self.rng.uniform(0.6, 1.6, c_out) / (_WEIGHT_SPREAD * np.sqrt(fan_in))
        scale = spread.astype(np.float32)
        bias = np.rint(self.rng.normal(0.5, 0.5, c_out) / (np.float32(scale_in) * scale))
        return weight, scale, bias.astype(np.int32)


def random_graph(
    definition: NetworkDefinition, seed: int | None = 0, weight_bits: int = 8
) -> Graph:
    """A network of the MCUNet family as an int8 graph with random weights.

    Args:
        definition: the network.
        seed: of the weights. ``None`` makes them all the same, which costs no time: for plans,
            MACs and bytes, which follow from shapes (and bits) alone.
        weight_bits: of the weights, 2 to 8.

    Raises:
        GraphError: another number of bits.
    """
    size = definition.resolution
    net = RandomLayers(definition.name, (1, size, size, definition.stem.c_in), seed, weight_bits)
    stem = definition.stem
    x = net.conv("stem", "input", stem.c_out, stem.kernel, stem.stride)
    for index, block in enumerate(definition.blocks):
        before, prefix = x, f"block{index}"
        if block.has_expansion:
            x = net.conv(f"{prefix}.expand", x, block.c_mid)
        x = net.depthwise(f"{prefix}.depthwise", x, block.kernel, block.stride)
        x = net.conv(f"{prefix}.project", x, block.c_out, activation="NONE")
        if block.residual:
            x = net.add(f"{prefix}.add", x, before)
    if definition.head_mix:
        x = net.conv("head_mix", x, definition.head_mix)
    x = net.global_pool("pool", x)
    return net.builder.finish(net.linear("classifier", x, definition.classes))
