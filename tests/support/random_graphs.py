"""Small int8 graphs of random structure, scales and zero points."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinyml_course.graph import Graph, GraphBuilder, Quantization
from tinyml_course.graph.operators import (
    ACTIVATIONS,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Reshape,
)

KINDS = ("conv", "pointwise", "depthwise", "add", "average_pool", "max_pool")
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
        scales = 10 ** self.rng.uniform(-3, -1, c_out if self.rng.random() < 0.8 else 1)
        scale_in = float(self.builder.tensors[source].scale_and_zero_point()[0])
        typical = scale_in * float(np.median(scales)) * _SPREAD**2 * np.sqrt(taps) / 60
        exponent = (
            self.rng.uniform(-0.5, 0.7) if self.rng.random() < 0.8 else self.rng.uniform(-3, 1)
        )
        bias = self.rng.integers(-(2**12) * taps, 2**12 * taps, c_out).astype(np.int32)
        return self.builder.weighted(
            kind,
            name,
            source,
            weight,
            scales.astype(np.float32),
            bias,
            self.quantization(typical * 10**exponent),
            **attributes,
        )


@st.composite
def int8_graphs(draw: st.DrawFn, most_operators: int = 6) -> tuple[Graph, np.ndarray]:
    """A graph and an int8 image for it."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=most_operators))
    linear = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    h, w, c = (int(n) for n in rng.integers(1, (9, 9, 5)))
    network = RandomGraph(rng, (1, h, w, c))
    for kind in kinds:
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
