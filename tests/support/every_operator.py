"""Random small graphs of every operator, with other types at their ends, and twins in uint8."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from random_graphs import MORE_KINDS, RandomGraph

from tinyml_course.graph import Graph, Quantization, Tensor
from tinyml_course.graph.operators import (
    Add,
    Dequantize,
    Logistic,
    LogSoftmax,
    Operator,
    Pad,
    Quantize,
    ReduceMax,
    Relu6,
    Reshape,
    Softmax,
    StridedSlice,
    Transpose,
)

ALL_KINDS = (
    *MORE_KINDS, "reduce_max", "relu6", "softmax", "log_softmax", "logistic", "transpose",
    "strided_slice", "requantize", "many_axes", "average_pool", "max_pool",
)  # fmt: skip
UNSIGNED_KINDS = tuple(k for k in ALL_KINDS if k not in ("log_softmax", "logistic"))
ENDS = ("plain", "real", "other")


class EveryOperator(RandomGraph):
    """Appends what `RandomGraph` has, and all others; maps stay ``(1, H, W, C)``."""

    def reduce_max(self, name: str, source: str) -> None:
        """Over one or two axes, which stay."""
        axes = tuple(int(a) for a in np.flatnonzero(self.rng.random(3) < 0.5) + 1) or (2,)
        self.builder.apply(ReduceMax, name, [source], axes=axes, keep_dims=True)

    def relu6(self, name: str, source: str) -> None:
        """Of the input's scale."""
        self.builder.apply(Relu6, name, [source])

    def softmax(self, name: str, source: str) -> None:
        """Along the channels."""
        beta = float(10 ** self.rng.uniform(-1, 1))
        unit = Quantization.per_tensor(1 / 256, -128)
        self.builder.apply(Softmax, name, [source], unit, beta=beta)

    def log_softmax(self, name: str, source: str) -> None:
        """Along the channels."""
        self.builder.apply(LogSoftmax, name, [source], Quantization.per_tensor(1 / 16, 127))

    def logistic(self, name: str, source: str) -> None:
        """Of every element."""
        self.builder.apply(Logistic, name, [source], Quantization.per_tensor(1 / 256, -128))

    def transpose(self, name: str, source: str) -> None:
        """Any order of the axes behind the batch."""
        order = (0, *(int(axis) for axis in self.rng.permutation(3) + 1))
        self.builder.apply(Transpose, name, [source], permutation=order)

    def strided_slice(self, name: str, source: str) -> None:
        """Every one or every other element, from either end."""
        shape = self.builder.tensors[source].shape
        strides = [1, *(int(s) for s in self.rng.choice([1, 1, 2, -1], 3))]
        begin = tuple(0 if s > 0 else n - 1 for n, s in zip(shape, strides, strict=True))
        size = tuple(-(-n // abs(s)) for n, s in zip(shape, strides, strict=True))
        self.builder.apply(
            StridedSlice, name, [source], begin=begin, size=size, strides=tuple(strides)
        )

    def requantize(self, name: str, source: str) -> None:
        """To another scale."""
        scale = float(self.builder.tensors[source].scale_and_zero_point()[0])
        quantization = self.quantization(scale * 10 ** self.rng.uniform(-1, 1))
        self.builder.apply(Quantize, name, [source], quantization)

    def many_axes(self, name: str, source: str) -> None:
        """Split into seven axes, moved, broadcast, padded, and a map again."""
        builder, shape = self.builder, self.builder.tensors[source].shape
        split = [n for extent in shape[1:] for n in _factors(extent)]
        apart = builder.apply(Reshape, f"{name}.apart", [source], shape=(1, *split))
        order = (0, *(int(axis) for axis in self.rng.permutation(6) + 1))
        moved = builder.apply(Transpose, f"{name}.moved", [apart], permutation=order)
        extents = builder.tensors[moved].shape
        gate = [n if i % 2 else 1 for i, n in enumerate(extents)]
        values = self.rng.integers(-128, 128, gate).astype(np.int8)
        scale = float(builder.tensors[source].scale_and_zero_point()[0])
        constant = builder.constant(f"{name}.gate", values, self.quantization(scale))
        added = builder.apply(Add, f"{name}.added", [moved, constant], self.quantization(3 * scale))
        pads = [(0, 0)] * len(extents)
        pads[3] = (1, 0)
        padded = builder.apply(Pad, f"{name}.padded", [added], paddings=tuple(pads))
        c = extents[-1]
        whole = builder.tensors[padded].elements // c
        builder.apply(Reshape, name, [padded], shape=(1, whole, 1, c))


def _factors(extent: int) -> tuple[int, int]:
    small = next((n for n in (2, 3) if extent % n == 0), 1)
    return small, extent // small


@st.composite
def every_graph(draw: st.DrawFn, dtype: str = "int8", most_operators: int = 6) -> Graph:
    """A graph of any operators whose maps are of ``dtype``."""
    kinds = ALL_KINDS if dtype == "int8" else UNSIGNED_KINDS
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=most_operators))
    linear, ends = draw(st.booleans()), draw(st.sampled_from(ENDS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    h, w, c = (int(n) for n in rng.integers(1, (9, 9, 5)))
    network = EveryOperator(rng, (1, h, w, c))
    for kind in chosen:
        network.append(kind)
    graph = network.finish(linear)
    if dtype == "uint8":
        graph = unsigned_twin(graph, rng)
    return with_ends(graph, ends)


def with_ends(graph: Graph, ends: str) -> Graph:
    """The graph between a QUANTIZE and a DEQUANTIZE, or another QUANTIZE; or as it is."""
    if ends == "plain":
        return graph
    source, target = graph.input, graph.output
    if ends == "real":
        first = replace(source, name="outside", dtype="float32", quantization=None)
        last = replace(target, name="result", dtype="float32", quantization=None)
        leave: type[Operator] = Dequantize
    else:
        other = "int8" if source.dtype == "uint8" else "uint8"
        first = replace(_shifted(source, other), name="outside")
        last = replace(_shifted(target, other), name="result")
        leave = Quantize
    operators = [
        Quantize("enter", ("outside",), (source.name,)),
        *graph.operators,
        leave("leave", (target.name,), ("result",)),
    ]
    tensors = [first, *graph.tensors.values(), last]
    return Graph(graph.name, tensors, operators, ["outside"], ["result"])


def unsigned_twin(graph: Graph, rng: np.random.Generator) -> Graph:
    """The same with everything in uint8; weights get one scale and any zero point."""
    weights = {
        o.inputs[1]: o for o in graph.operators if len(o.inputs) == 3 and o.kind != "CONCATENATION"
    }
    tensors: dict[str, Tensor] = {}
    for tensor in graph.tensors.values():
        if tensor.name in weights:
            assert tensor.quantization is not None
            scale = float(np.median(tensor.quantization.scale))
            zero_point = int(rng.choice([0, 128, 255, rng.integers(0, 256)]))
            tensors[tensor.name] = replace(
                tensor,
                dtype="uint8",
                quantization=Quantization.per_tensor(scale, zero_point),
                data=tensor.values().view(np.uint8) ^ np.uint8(128),
            )
        elif tensor.dtype == "int8":
            tensors[tensor.name] = _shifted(tensor, "uint8")
        else:
            tensors[tensor.name] = replace(tensor, quantization=None)  # a bias
    operators = [
        replace(o, value=o.value + 128) if isinstance(o, Pad) and o.value is not None else o
        for o in graph.operators
    ]
    return Graph(graph.name, tensors.values(), operators, graph.inputs, graph.outputs)


def _shifted(tensor: Tensor, dtype: str) -> Tensor:
    """The same numbers in the other byte type."""
    scale, zero_point = tensor.scale_and_zero_point()
    zero_point += 128 if dtype == "uint8" else -128
    data: Any = tensor.data
    if data is not None:
        data = (data.view(np.uint8) ^ np.uint8(128)).view(dtype)
    quantization = Quantization.per_tensor(float(scale), zero_point)
    return replace(tensor, dtype=dtype, quantization=quantization, data=data)
