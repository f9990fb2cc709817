"""One short function per operator of TF-Lite that has an int8 form here, or a uint8 one."""

from collections.abc import Callable
from typing import Any

from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    FullyConnected,
    HardSwish,
    Logistic,
    LogSoftmax,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Quantize,
    ReduceMax,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
    Transpose,
)
from tinyml_course.graph.tflite_importer.site import Site
from tinyml_course.graph.tflite_importer.slices import strided_slice

Converter = Callable[[Site], Operator]


def _make(site: Site, kind: type[Operator], *inputs: str, **attributes: Any) -> Operator:
    return kind(name=site.name, inputs=inputs, outputs=(site.name,), **attributes)


def _weighted(site: Site, kind: type[Operator], channel_axis: int, **attributes: Any) -> Operator:
    weight = site.tensor(1)
    has_bias = len(site.operator.inputs) > 2 and site.operator.inputs[2] >= 0
    return _make(
        site,
        kind,
        site.source(),
        site.constant(1, "weight"),
        site.constant(2, "bias") if has_bias else site.zeros(weight.shape[channel_axis]),
        **attributes,
    )


def _convolution(kind: type[Operator], channel_axis: int) -> Converter:
    def convert(site: Site) -> Operator:
        shape = site.tensor(1).shape
        if len(shape) != 4:
            raise site.fail(f"weight {shape} must have four axes")
        return _weighted(site, kind, channel_axis, **site.window((shape[1], shape[2])))

    return convert


def _fully_connected(site: Site) -> Operator:
    if len(site.tensor(1).shape) != 2 or site.option("WeightsFormat") != 0:
        raise site.unsupported("weights must be (C_out, C_in) in the default format")
    keep = bool(site.option("KeepNumDims"))
    return _weighted(site, FullyConnected, 0, activation=site.activation(), keep_num_dims=keep)


def _pool(kind: type[Operator]) -> Converter:
    def convert(site: Site) -> Operator:
        size = (int(site.option("FilterHeight")), int(site.option("FilterWidth")))
        return _make(site, kind, site.source(), size=size, **site.window(size))

    return convert


def _elementwise(kind: type[Operator]) -> Converter:
    def convert(site: Site) -> Operator:
        operands = [
            site.constant(i, "constant") if site.tensor(i).data is not None else site.source(i)
            for i in range(2)
        ]
        return _make(site, kind, *operands, activation=site.activation())

    return convert


def _reshape(site: Site) -> Operator:
    # The target may be an input, an option, or computed; the output's declared shape is final.
    return _make(site, Reshape, site.source(), shape=site.output().shape)


def _pad(site: Site) -> Operator:
    flat = site.integers(1)
    attributes: dict[str, Any] = {"paddings": tuple(zip(flat[::2], flat[1::2], strict=False))}
    if len(site.operator.inputs) > 2:  # PADV2 names the integer that it writes
        value = site.tensor(2)
        kind = site.tensor(0).dtype
        if value.data is None or value.dtype != kind or value.data.size != 1:
            raise site.unsupported(f"the padding value must be one {kind} constant")
        attributes["value"] = int(value.data.ravel()[0])
    return _make(site, Pad, site.source(), **attributes)


def _reduction(kind: type[Operator]) -> Converter:
    def convert(site: Site) -> Operator:
        axes = tuple(sorted({site.axis(axis) for axis in site.integers(1)}))
        return _make(site, kind, site.source(), axes=axes, keep_dims=bool(site.option("KeepDims")))

    return convert


def _resize(site: Site) -> Operator:
    return _make(
        site,
        ResizeNearestNeighbor,
        site.source(),
        size=site.integers(1),
        align_corners=bool(site.option("AlignCorners")),
        half_pixel_centers=bool(site.option("HalfPixelCenters")),
    )


def _same(kind: type[Operator]) -> Converter:
    """An operator with one activation and no options."""
    return lambda site: _make(site, kind, site.source())


def _concatenation(site: Site) -> Operator:
    if site.activation() != "NONE":
        raise site.unsupported("a fused activation after joining has no kernel here")
    sources = [site.source(i) for i in range(len(site.operator.inputs))]
    return _make(site, Concatenation, *sources, axis=site.axis(int(site.option("Axis"))))


CONVERTERS: dict[str, Converter] = {
    "CONV_2D": _convolution(Conv2D, 0),
    "DEPTHWISE_CONV_2D": _convolution(DepthwiseConv2D, 3),
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool(AveragePool2D),
    "MAX_POOL_2D": _pool(MaxPool2D),
    "ADD": _elementwise(Add),
    "MUL": _elementwise(Mul),
    "MEAN": _reduction(Mean),
    "REDUCE_MAX": _reduction(ReduceMax),
    "SOFTMAX": lambda s: _make(s, Softmax, s.source(), beta=float(s.option("Beta"))),
    "LOG_SOFTMAX": _same(LogSoftmax),
    "LOGISTIC": _same(Logistic),
    "RELU": _same(Relu),
    "RELU6": _same(Relu6),
    "HARD_SWISH": _same(HardSwish),
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": lambda s: _make(s, Transpose, s.source(), permutation=s.integers(1)),
    "STRIDED_SLICE": strided_slice,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "PAD": _pad,
    "PADV2": _pad,
    "CONCATENATION": _concatenation,
    "QUANTIZE": _same(Quantize),
    "DEQUANTIZE": _same(Dequantize),
}
"""By TF-Lite's name."""
