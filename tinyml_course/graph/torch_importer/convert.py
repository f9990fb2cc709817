"""`from_torch`: post-training int8 quantization of a torch network into a `Graph`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from tinyml_course.errors import GraphError, lookup, reject_unknown_keys
from tinyml_course.graph.builder import GraphBuilder
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    HardSwish,
    Logistic,
    LogSoftmax,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Quantize,
    Relu,
    Relu6,
    Reshape,
    ResizeNearestNeighbor,
    Softmax,
)
from tinyml_course.graph.quantization import (
    Quantization,
    quantize,
    quantize_bias,
    range_to_quantization,
    weight_limit,
    weight_scales,
)
from tinyml_course.graph.torch_importer.calibration import (
    CALIBRATIONS,
    check_calibration_data,
    observe,
)
from tinyml_course.graph.torch_importer.capture import Captured, FloatLayer, capture
from tinyml_course.graph.torch_importer.float_layers import WEIGHTED
from tinyml_course.graph.torch_importer.linking import quantizations
from tinyml_course.graph.torch_importer.top_bits import in_top_bits

OPERATOR_OF: dict[str, type[Operator]] = {
    "conv": Conv2D,
    "depthwise": DepthwiseConv2D,
    "linear": FullyConnected,
    "add": Add,
    "mul": Mul,
    "average_pool": AveragePool2D,
    "max_pool": MaxPool2D,
    "flatten": Reshape,
    "reshape": Reshape,
    "pad": Pad,
    "upsample": ResizeNearestNeighbor,
    "concat": Concatenation,
    "relu": Relu,
    "relu6": Relu6,
    "hard_swish": HardSwish,
    "sigmoid": Logistic,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
}
"""The graph's operator for every kind of float layer."""

_BIAS_LIMIT = 2.0**30  # half of int32, so that the accumulator has room beside the bias


def from_torch(
    module: torch.nn.Module,
    calibration: torch.Tensor,
    *,
    method: str = "minmax",
    weight_bits: int | Mapping[str, int] = 8,
    name: str | None = None,
) -> Graph:
    """Quantize ``module`` to int8 by TF-Lite's specification.

    Batch norm is folded, activations are fused, weights get one symmetric scale per output
    channel, activations one asymmetric scale from their range on the calibration images
    (integer-arithmetic-only inference, Jacob et al. 2018).

    Args:
        module: in eval mode, images in, logits out.
        calibration: ``(N, C, H, W)`` float images as the network is fed; 100 to 500 are enough.
            Take them from the training split, never from the test set.
        method: how ranges are chosen, a name in ``CALIBRATIONS``.
        weight_bits: of all weights, or of the layers that are named; 2 to 8, the others have 8.
            They are held in int8 all the same, in the top bits: fewer levels, not fewer bytes,
            unless a schedule packs them (`mcu.packed_schedule`).
        name: of the graph; by default the module's class.

    Returns:
        A graph for one image, NHWC.

    Raises:
        UnsupportedOperatorError: an operator without int8 form, with its module path.
        CalibrationError: NaN, infinity or a wrong shape in the calibration images.
        UnknownNameError: bits for a layer that is not there or has no weights.
        GraphError: the module is in training mode, or another number of bits.
    """
    lookup("calibration method", method, CALIBRATIONS)
    check_calibration_data(calibration)
    captured = capture(module, calibration)
    if captured.output == "input":
        raise GraphError("the module returns its input unchanged: there is nothing to convert")
    bits = bits_by_layer(captured, weight_bits)
    chosen = quantizations(captured, observe(captured, calibration, method))
    _, c, h, w = (int(n) for n in calibration.shape)
    return emit(captured, chosen, bits, (c, h, w), name or type(module).__name__)


def emit(
    captured: Captured,
    chosen: Mapping[str, Quantization],
    bits: Mapping[str, int],
    shape: tuple[int, int, int],
    name: str,
) -> Graph:
    """The graph of float layers.

    Args:
        captured: the layers.
        chosen: quantization of the input and of every layer's output, by layer.
        bits: of the weights of every weighted layer.
        shape: of an image, ``(C, H, W)``.
        name: of the graph.
    """
    builder = GraphBuilder(name)
    c, h, w = shape
    names = {"input": builder.input((1, h, w, c), chosen["input"])}
    for layer in captured.layers:
        inputs = [names[i] for i in layer.inputs]
        if layer.kind in WEIGHTED:
            output = _emit_weighted(builder, layer, inputs[0], chosen[layer.name], bits[layer.name])
        else:
            output = _emit(builder, layer, inputs, chosen[layer.name])
        names[layer.name] = output
    return builder.finish(names[captured.output])


def bits_by_layer(captured: Captured, weight_bits: int | Mapping[str, int]) -> dict[str, int]:
    """Bits of every weighted layer's weights: one number for all, or 8 but for those named.

    Raises:
        UnknownNameError: a name that is no weighted layer's.
    """
    weighted = [layer.name for layer in captured.layers if layer.kind in WEIGHTED]
    if isinstance(weight_bits, int):
        return dict.fromkeys(weighted, weight_bits)
    reject_unknown_keys("weighted layer", weight_bits, weighted)
    return dict.fromkeys(weighted, 8) | dict(weight_bits)


def _emit(
    builder: GraphBuilder, layer: FloatLayer, inputs: list[str], quantization: Quantization
) -> str:
    attributes = dict(layer.attributes)
    if layer.kind in ("add", "mul"):
        attributes["activation"] = layer.activation
        if layer.constant is not None:
            inputs = [*inputs, _number(builder, layer, inputs[0])]
    elif layer.kind == "flatten":
        attributes = {"shape": (1, builder.tensors[inputs[0]].elements)}
    elif layer.kind == "concat":
        inputs = _of_one_scale(builder, layer, inputs, quantization)
    return builder.apply(OPERATOR_OF[layer.kind], layer.name, inputs, quantization, **attributes)


def _number(builder: GraphBuilder, layer: FloatLayer, source: str) -> str:
    """A constant operand, at the largest integer or the smallest of a scale of its own."""
    assert layer.constant is not None
    scale = range_to_quantization(layer.constant, layer.constant)
    value = np.full((1,) * len(builder.tensors[source].shape), layer.constant)
    return builder.constant(f"{layer.name}/constant", quantize(value, scale), scale)


def _of_one_scale(
    builder: GraphBuilder, layer: FloatLayer, inputs: list[str], quantization: Quantization
) -> list[str]:
    """The maps to be joined, those of another scale rescaled."""
    agreeing: dict[str, str] = {}
    for name in dict.fromkeys(inputs):
        own = builder.tensors[name].quantization
        if own is not None and not own.same_as(quantization):
            rescaled = f"{layer.name}.rescale{len(agreeing)}"
            agreeing[name] = builder.apply(Quantize, rescaled, [name], quantization)
        else:
            agreeing[name] = name
    return [agreeing[name] for name in inputs]


def _emit_weighted(
    builder: GraphBuilder, layer: FloatLayer, source: str, quantization: Quantization, bits: int
) -> str:
    assert layer.weight is not None
    assert layer.bias is not None
    axis = 3 if layer.kind == "depthwise" else 0
    scale_in = float(builder.tensors[source].scale_and_zero_point()[0])
    # A channel whose weights have vanished still has a bias, which must fit int32.
    least = np.abs(layer.bias) / (scale_in * _BIAS_LIMIT)
    if layer.scale is None:
        scale = weight_scales(layer.weight, axis, least, bits)
    else:
        scale = np.maximum(layer.scale, least).astype(np.float32)
    along = [1] * layer.weight.ndim
    along[axis] = -1
    integers = np.rint(layer.weight / scale.reshape(along).astype(np.float64))
    limit = weight_limit(bits)
    weight = np.clip(integers, -limit, limit).astype(np.int8)
    weight, scale = in_top_bits(weight, scale, least, axis)
    attributes: dict[str, Any] = {**layer.attributes, "activation": layer.activation}
    return builder.weighted(
        OPERATOR_OF[layer.kind],
        layer.name,
        source,
        weight,
        scale,
        quantize_bias(layer.bias, scale_in, scale),
        quantization,
        **attributes,
    )
