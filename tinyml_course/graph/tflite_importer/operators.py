"""One short function per operator of TF-Lite that has an int8 form here."""

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
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Quantize,
    Reshape,
    Softmax,
    Transpose,
)
from tinyml_course.graph.tflite_importer.site import Site

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
    return _weighted(site, FullyConnected, 0, activation=site.activation())


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
    return _make(site, Pad, site.source(), paddings=tuple(zip(flat[::2], flat[1::2], strict=False)))


def _mean(site: Site) -> Operator:
    axes = tuple(sorted({site.axis(axis) for axis in site.integers(1)}))
    return _make(site, Mean, site.source(), axes=axes, keep_dims=bool(site.option("KeepDims")))


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
    "MEAN": _mean,
    "SOFTMAX": lambda s: _make(s, Softmax, s.source(), beta=float(s.option("Beta"))),
    "LOGISTIC": lambda s: _make(s, Logistic, s.source()),
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": lambda s: _make(s, Transpose, s.source(), permutation=s.integers(1)),
    "PAD": _pad,
    "CONCATENATION": _concatenation,
    "QUANTIZE": lambda s: _make(s, Quantize, s.source()),
    "DEQUANTIZE": lambda s: _make(s, Dequantize, s.source()),
}
"""By TF-Lite's name."""
