"""Small int8 graphs of random structure, scales and zero points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    ACTIVATIONS,
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    HardSwish,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Quantize,
    Relu,
    Reshape,
    ResizeNearestNeighbor,
)

KINDS = ("conv", "pointwise", "depthwise", "add", "average_pool", "max_pool")
MORE_KINDS = (*KINDS, "concatenation", "concatenation", "mul", "pad", "mean", "unary", "resize")
"""What makes graphs branch, join and grow, too."""
GROWING = ("pad", "resize", "concatenation")
MOST_ELEMENTS = 2000
"""Of what grows further; examples stay quick."""
_SPREAD = 73.0  # standard deviation of a uniform int8


class RandomGraph:
    """Appends random operators to a graph; each draws its own parameters from ``rng``."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int, int]) -> None:
        self.rng = rng
        self.builder = GraphBuilder("random")
        self.maps = [self.builder.input(shape, self.quantization())]

    def zero_point(self) -> int:
        """An int8 zero point, often one of the extremes."""
        return int(self.rng.choice([-128, 127, 0, self.rng.integers(-128, 128)]))

    def quantization(self, scale: float | None = None) -> Quantization:
        """Random, of the given scale if there is one."""
        exponent = self.rng.uniform(-3, 0)
        return Quantization.per_tensor(scale or 10**exponent, self.zero_point())

    def append(self, kind: str) -> None:
        """Append one operator that reads a random map, usually the last."""
        source = self.maps[-1] if self.rng.random() < 0.7 else str(self.rng.choice(self.maps))
        name = f"{kind}{len(self.builder.operators)}"
        tensor = self.builder.tensors[source]
        too_large = tensor.elements > MOST_ELEMENTS and kind in GROWING
        # Products of products have scales that no fixed point of 16 bits holds.
        if too_large or (kind == "unary" and tensor.scale_and_zero_point()[0] > 1e3):
            kind = "pointwise"
        getattr(self, kind)(name, source)
        self.maps.append(name)

    def finish(self, linear: bool) -> Graph:
        """The graph, with a flattening and a linear layer at its end if asked for."""
        last = self.maps[-1]
        if linear:
            elements = self.builder.tensors[last].elements
            flat = self.builder.apply(Reshape, "flatten", [last], shape=(1, elements))
            weight = self.weights((int(self.rng.integers(1, 6)), elements))
            last = self.weighted(FullyConnected, "linear", flat, weight, 0)
        return self.builder.finish(last)

    def conv(self, name: str, source: str) -> None:
        """Any kernel, stride and padding."""
        size, c_in = self.size(source)
        kernel, attributes = self.window(size)
        weight = self.weights((int(self.rng.integers(1, 6)), *kernel, c_in))
        self.weighted(Conv2D, name, source, weight, 0, **attributes)

    def pointwise(self, name: str, source: str) -> None:
        """1x1, stride 1."""
        weight = self.weights((int(self.rng.integers(1, 6)), 1, 1, self.size(source)[1]))
        self.weighted(Conv2D, name, source, weight, 0)

    def depthwise(self, name: str, source: str) -> None:
        """Depth multiplier 1 or 2."""
        size, c_in = self.size(source)
        kernel, attributes = self.window(size)
        weight = self.weights((1, *kernel, c_in * int(self.rng.choice([1, 1, 2]))))
        self.weighted(DepthwiseConv2D, name, source, weight, 3, **attributes)

    def add(self, name: str, source: str) -> None:
        """Two maps of one shape, possibly the same one twice."""
        shape = self.builder.tensors[source].shape
        others = [m for m in self.maps if self.builder.tensors[m].shape == shape]
        pair = [source, str(self.rng.choice(others))]
        scales = [float(self.builder.tensors[m].scale_and_zero_point()[0]) for m in pair]
        quantization = self.quantization(max(scales) * 10 ** self.rng.uniform(-1, 1))
        self.builder.apply(Add, name, pair, quantization, activation=self.activation())

    def mul(self, name: str, source: str) -> None:
        """A map and another of its shape, or a gate of one number a channel."""
        tensors = self.builder.tensors
        shape = tensors[source].shape
        gates = (shape, (1, 1, 1, shape[3]))
        pair = [source, str(self.rng.choice([m for m in self.maps if tensors[m].shape in gates]))]
        self.rng.shuffle(pair)
        scales = [float(tensors[m].scale_and_zero_point()[0]) for m in pair]
        quantization = self.quantization(scales[0] * scales[1] * 10 ** self.rng.uniform(0, 3))
        self.builder.apply(Mul, name, pair, quantization, activation=self.activation())

    def concatenation(self, name: str, source: str) -> None:
        """Up to three maps side by side, rescaled to one quantization where they differ."""
        tensors = self.builder.tensors
        axis = int(self.rng.integers(1, 4))

        def others(shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape[:axis] + shape[axis + 1 :]

        shape = tensors[source].shape
        fitting = [m for m in self.maps if others(tensors[m].shape) == others(shape)]
        parts = [source, *map(str, self.rng.choice(fitting, int(self.rng.integers(1, 3))))]
        target = tensors[source].quantization
        for index, part in enumerate(parts):
            if not tensors[part].quantization.same_as(target):
                rescaled = f"{name}.rescale{index}"
                parts[index] = self.builder.apply(Quantize, rescaled, [part], target)
        self.builder.apply(Concatenation, name, parts, axis=axis)

    def pad(self, name: str, source: str) -> None:
        """A border on some sides, mostly of zeros."""
        pads = [tuple(int(n) for n in self.rng.integers(0, 3, 2)) for _ in range(3)]
        value = None if self.rng.random() < 0.7 else int(self.rng.integers(-128, 128))
        self.builder.apply(Pad, name, [source], paddings=((0, 0), *pads), value=value)

    def mean(self, name: str, source: str) -> None:
        """One number a channel, which keeps its place as a map."""
        scale = float(self.builder.tensors[source].scale_and_zero_point()[0])
        quantization = self.quantization(scale * 10 ** self.rng.uniform(-1, 1))
        self.builder.apply(Mean, name, [source], quantization, axes=(1, 2), keep_dims=True)

    def unary(self, name: str, source: str) -> None:
        """A clamp or a gate of its own."""
        kind = Relu if self.rng.random() < 0.5 else HardSwish
        scale = float(self.builder.tensors[source].scale_and_zero_point()[0])
        quantization = self.quantization(scale * 10 ** self.rng.uniform(-1, 1))
        self.builder.apply(kind, name, [source], quantization)

    def resize(self, name: str, source: str) -> None:
        """To any size."""
        size = tuple(int(n) for n in self.rng.integers(1, 12, 2))
        self.builder.apply(ResizeNearestNeighbor, name, [source], size=size)

    def average_pool(self, name: str, source: str) -> None:
        """Any window."""
        self.pool(AveragePool2D, name, source)

    def max_pool(self, name: str, source: str) -> None:
        """Any window."""
        self.pool(MaxPool2D, name, source)

    def pool(self, kind: type[Operator], name: str, source: str) -> None:
        """A pool whose windows all touch the map."""
        kernel, attributes = self.window(self.size(source)[0], pool=True)
        self.builder.apply(kind, name, [source], size=kernel, **attributes)

    def size(self, source: str) -> tuple[tuple[int, int], int]:
        """``(H, W), C``."""
        _, h, w, c = self.builder.tensors[source].shape
        return (h, w), c

    def activation(self) -> str:
        """A fused activation."""
        return str(self.rng.choice(["NONE", *ACTIVATIONS]))

    def window(
        self, size: tuple[int, int], pool: bool = False
    ) -> tuple[tuple[int, int], dict[str, Any]]:
        """Kernel, and stride, asymmetric padding and activation that go with it."""
        kernel, padding = [], []
        for extent in size:
            k = int(self.rng.integers(1, 5))
            # A kernel may be larger than the map if padding makes up for it.
            most = k - 1 if pool else 3
            pads = [int(p) for p in self.rng.integers(0, most + 1, 2)]
            k = min(k, extent + sum(pads))
            if pool:
                pads = [min(p, k - 1) for p in pads]
                k = min(k, extent + sum(pads))
                pads = [min(p, k - 1) for p in pads]
            kernel.append(min(k, extent + sum(pads)))
            padding.append(tuple(pads))
        stride = tuple(int(s) for s in self.rng.integers(1, 4, 2))
        attributes = {"stride": stride, "padding": tuple(padding), "activation": self.activation()}
        return (kernel[0], kernel[1]), attributes

    def weights(self, shape: tuple[int, ...]) -> np.ndarray:
        """int8; sometimes all at an extreme."""
        if self.rng.random() < 0.1:
            return np.full(shape, self.rng.choice([-127, 127]), np.int8)
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def weighted(
        self,
        kind: type[Operator],
        name: str,
        source: str,
        weight: np.ndarray,
        axis: int,
        **attributes: Any,
    ) -> str:
        """A layer that mostly uses its output's range; some saturate, some are nearly constant."""
        c_out = weight.shape[axis]
        taps = weight.size // c_out
        scales = self.scales(c_out)
        scale_in = float(self.builder.tensors[source].scale_and_zero_point()[0])
        typical = scale_in * float(np.median(scales)) * _SPREAD**2 * np.sqrt(taps) / 60
        spread, bias = self.spread(), self.biases(taps, c_out)
        return self.builder.weighted(
            kind,
            name,
            source,
            weight,
            scales.astype(np.float32),
            bias,
            self.quantization(typical * spread),
            **attributes,
        )

    def scales(self, c_out: int) -> np.ndarray:
        """Of the weights: mostly one a channel."""
        return 10 ** self.rng.uniform(-3, -1, c_out if self.rng.random() < 0.8 else 1)

    def spread(self) -> float:
        """The output's range over what is typical."""
        often = self.rng.random() < 0.8
        return 10 ** (self.rng.uniform(-0.5, 0.7) if often else self.rng.uniform(-3, 1))

    def biases(self, taps: int, c_out: int) -> np.ndarray:
        """int32, of the size of the sums."""
        return self.rng.integers(-(2**12) * taps, 2**12 * taps, c_out).astype(np.int32)


@st.composite
def int8_graphs(
    draw: st.DrawFn, most_operators: int = 6, kinds: Sequence[str] = KINDS
) -> tuple[Graph, np.ndarray]:
    """A graph and an int8 image for it."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=most_operators))
    linear = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    h, w, c = (int(n) for n in rng.integers(1, (9, 9, 5)))
    network = RandomGraph(rng, (1, h, w, c))
    for kind in chosen:
        network.append(kind)
    graph = network.finish(linear)
    return graph, random_image(graph, rng)


def random_image(graph: Graph, rng: np.random.Generator) -> np.ndarray:
    """int8, with the extremes in it."""
    image = rng.integers(-128, 128, graph.input.shape)
    return np.where(rng.random(image.shape) < 0.1, rng.choice([-128, 127]), image).astype(np.int8)


def prefix(graph: Graph, length: int) -> Graph:
    """The graph of the first ``length`` operators; the last one's output leaves."""
    operators = graph.operators[:length]
    used = {name for o in operators for name in (*o.inputs, *o.outputs)} | set(graph.inputs)
    tensors = [t for t in graph.tensors.values() if t.name in used]
    return Graph(graph.name, tensors, operators, graph.inputs, operators[-1].outputs)
