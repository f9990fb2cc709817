"""`from_torch`: post-training int8 quantization of a torch network into a `Graph`."""

from typing import Any

import numpy as np
import torch

from tinyml_course.errors import GraphError, lookup
from tinyml_course.graph.builder import GraphBuilder
from tinyml_course.graph.graph import Graph
from tinyml_course.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Reshape,
)
from tinyml_course.graph.quantization import (
    WEIGHT_MAX,
    Quantization,
    range_to_quantization,
    weight_scales,
)
from tinyml_course.graph.torch_importer.calibration import (
    CALIBRATIONS,
    check_calibration_data,
    observe,
)
from tinyml_course.graph.torch_importer.capture import FloatLayer, capture

_WEIGHTED: dict[str, type[Operator]] = {
    "conv": Conv2D,
    "depthwise": DepthwiseConv2D,
    "linear": FullyConnected,
}
_POOLS: dict[str, type[Operator]] = {"average_pool": AveragePool2D, "max_pool": MaxPool2D}
_BIAS_LIMIT = 2.0**30  # half of int32, so that the accumulator has room beside the bias


def from_torch(
    module: torch.nn.Module,
    calibration: torch.Tensor,
    *,
    method: str = "minmax",
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
        name: of the graph; by default the module's class.

    Returns:
        A graph for one image, NHWC.

    Raises:
        UnsupportedOperatorError: an operator without int8 form, with its module path.
        CalibrationError: NaN, infinity or a wrong shape in the calibration images.
        GraphError: the module is in training mode.
    """
    lookup("calibration method", method, CALIBRATIONS)
    check_calibration_data(calibration)
    captured = capture(module, calibration)
    ranges = observe(captured, calibration, method)
    builder = GraphBuilder(name or type(module).__name__)
    _, c, h, w = (int(n) for n in calibration.shape)
    names = {"input": builder.input((1, h, w, c), _quantization(ranges[captured.input_node]))}
    for layer in captured.layers:
        names[layer.name] = _emit(builder, layer, names, ranges)
    if captured.output == "input":
        raise GraphError("the module returns its input unchanged: there is nothing to convert")
    return builder.finish(names[captured.output])


def _quantization(bounds: tuple[float, float]) -> Quantization:
    return range_to_quantization(*bounds)


def _emit(
    builder: GraphBuilder,
    layer: FloatLayer,
    names: dict[str, str],
    ranges: dict[str, tuple[float, float]],
) -> str:
    inputs = [names[i] for i in layer.inputs]
    source = builder.tensors[inputs[0]]
    if layer.kind in _WEIGHTED:
        return _emit_weighted(builder, layer, inputs[0], _quantization(ranges[layer.observed]))
    if layer.kind in _POOLS:
        return builder.apply(_POOLS[layer.kind], layer.name, inputs, **layer.attributes)
    if layer.kind == "add":
        quantization = _quantization(ranges[layer.observed])
        return builder.apply(Add, layer.name, inputs, quantization, activation=layer.activation)
    return builder.apply(Reshape, layer.name, inputs, shape=(1, source.elements))


def _emit_weighted(
    builder: GraphBuilder, layer: FloatLayer, source: str, quantization: Quantization
) -> str:
    assert layer.weight is not None
    assert layer.bias is not None
    axis = 3 if layer.kind == "depthwise" else 0
    scale_in = float(builder.tensors[source].scale_and_zero_point()[0])
    # A channel whose weights have vanished still has a bias, which must fit int32.
    least = np.abs(layer.bias) / (scale_in * _BIAS_LIMIT)
    scale = weight_scales(layer.weight, axis, least)
    along = [1] * layer.weight.ndim
    along[axis] = -1
    integers = np.rint(layer.weight / scale.reshape(along).astype(np.float64))
    bias = np.rint(layer.bias / (scale_in * scale.astype(np.float64)))
    attributes: dict[str, Any] = {**layer.attributes, "activation": layer.activation}
    return builder.weighted(
        _WEIGHTED[layer.kind],
        layer.name,
        source,
        np.clip(integers, -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8),
        scale,
        bias.astype(np.int32),
        quantization,
        **attributes,
    )
