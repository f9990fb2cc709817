"""A network between its capture and its integers: folded, fused, and open to change.

`from_torch` goes through the same layers at once. Here they stay for a while as a torch module: to
train with fake quantization, to equalize, to correct, to try bits; and what comes out at the end is
the same `Graph`.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from tinyml_course.errors import lookup
from tinyml_course.graph import Graph, Quantization
from tinyml_course.graph.torch_importer.calibration import CALIBRATIONS, check_calibration_data
from tinyml_course.graph.torch_importer.capture import capture
from tinyml_course.graph.torch_importer.convert import bits_by_layer, emit
from tinyml_course.graph.torch_importer.float_layers import WEIGHTED, FloatLayer
from tinyml_course.graph.torch_importer.linking import quantizations
from tinyml_course.quantization.fake_quantization import FakeQuantizedActivation
from tinyml_course.quantization.operations import ACTIVATIONS, OPERATIONS, weighted
from tinyml_course.quantization.weight_quantizer import WeightQuantizer, output_axis


class QuantizableNetwork(nn.Module):
    """A network's float layers as a torch module.

    Args:
        module: in eval mode, images ``(N, C, H, W)`` to logits; it is not changed.
        calibration: images ``(N, C, H, W)`` of the training split.

    Raises:
        UnsupportedOperatorError, CalibrationError, GraphError: as `from_torch`.

    Attributes:
        layers: the layers by name, in execution order; their weights are the parameters here.
        weight_quantizers: what a layer's weight goes through, by layer; nothing at first.
        quantized: the quantization of the input and of each layer's output once they are fixed.
    """

    def __init__(self, module: nn.Module, calibration: Tensor) -> None:
        super().__init__()
        check_calibration_data(calibration)
        self._captured = capture(module, calibration)
        self.layers = {layer.name: layer for layer in self._captured.layers}
        self.shape = (calibration.shape[1], calibration.shape[2], calibration.shape[3])
        self._places = {name: str(index) for index, name in enumerate(self.layers)}
        held = {
            self._places[layer.name]: (_parameter(layer.weight), _parameter(layer.bias))
            for layer in self.weighted()
        }
        self._weights = nn.ParameterDict({place: weight for place, (weight, _) in held.items()})
        self._biases = nn.ParameterDict({place: bias for place, (_, bias) in held.items()})
        self._weight_quantizers = nn.ModuleDict()
        self._activations = nn.ModuleDict()
        self.quantized: dict[str, Quantization] = {}

    def weighted(self) -> list[FloatLayer]:
        """The layers with weights, in execution order."""
        return [layer for layer in self.layers.values() if layer.kind in WEIGHTED]

    def weight(self, name: str) -> nn.Parameter:
        """A layer's weight in the graph's layout, before any quantizer.

        Raises:
            UnknownNameError: no layer with weights has this name.
        """
        weight: nn.Parameter = self._weights[self._place(name)]
        return weight

    def bias(self, name: str) -> nn.Parameter:
        """A layer's bias ``(C_out,)``."""
        bias: nn.Parameter = self._biases[self._place(name)]
        return bias

    def used_weight(self, name: str) -> Tensor:
        """A layer's weight as the network computes with it: behind its quantizer."""
        weight: Tensor = self.weight(name)
        quantizer = self.weight_quantizer(name)
        if quantizer is not None:
            weight = quantizer(weight, self.layers[name])
        return weight

    def weight_quantizer(self, name: str) -> WeightQuantizer | None:
        """What a layer's weight goes through."""
        place = self._place(name)
        if place not in self._weight_quantizers:
            return None
        quantizer = self._weight_quantizers[place]
        assert isinstance(quantizer, WeightQuantizer)
        return quantizer

    def quantize_weights(self, quantizers: Mapping[str, WeightQuantizer]) -> None:
        """Let weights go through quantizers; others stay as they are.

        Raises:
            UnknownNameError: no layer with weights has this name.
        """
        for name, quantizer in quantizers.items():
            self._weight_quantizers[self._place(name)] = quantizer

    def free_weights(self) -> None:
        """Take all weight quantizers away."""
        self._weight_quantizers.clear()

    def calibrate(self, images: Tensor, method: str = "minmax") -> None:
        """Fix the range of every map by what it is on some images, and compute on those grids.

        Args:
            images: ``(N, C, H, W)`` of the training split.
            method: a name in ``CALIBRATIONS``.

        Raises:
            UnknownNameError: no such method.
            CalibrationError: images that are none.
        """
        choose = lookup("calibration method", method, CALIBRATIONS)
        check_calibration_data(images)
        self._activations.clear()
        with torch.no_grad():
            values = self.maps(images)
        ranges = {
            layer.observed: choose(values[layer.name].numpy())
            for layer in self.layers.values()
            if layer.is_observed
        }
        ranges[self._captured.input_node] = choose(images.numpy())
        self.quantized = quantizations(self._captured, ranges)
        for name, quantization in self.quantized.items():
            self._activations[self._places.get(name, name)] = FakeQuantizedActivation(quantization)

    @contextmanager
    def in_float(self) -> Iterator[None]:
        """Inside, maps and weights are not quantized."""
        held = self._weight_quantizers, self._activations
        self._weight_quantizers, self._activations = nn.ModuleDict(), nn.ModuleDict()
        try:
            yield
        finally:
            self._weight_quantizers, self._activations = held

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(N, C, H, W)`` to the output."""
        return self.maps(x)[self._captured.output]

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        """The input and every layer's output, by layer."""
        values = {"input": self._on_grid("input", x)}
        for layer in self.layers.values():
            inputs = [values[name] for name in layer.inputs]
            if layer.kind in WEIGHTED:
                y = weighted(layer, inputs[0], self.used_weight(layer.name), self.bias(layer.name))
            else:
                y = OPERATIONS[layer.kind](layer, inputs)
            values[layer.name] = self._on_grid(layer.name, ACTIVATIONS[layer.activation](y))
        return values

    def readers(self, name: str) -> list[FloatLayer]:
        """The layers that read a layer's output."""
        return [layer for layer in self.layers.values() if name in layer.inputs]

    def is_output(self, name: str) -> bool:
        """Whether a layer's output is the network's."""
        return name == self._captured.output

    def graph(
        self,
        calibration: Tensor,
        *,
        method: str = "minmax",
        weight_bits: int | Mapping[str, int] = 8,
        name: str = "network",
    ) -> Graph:
        """The int8 graph, with weights as their quantizers leave them.

        Args:
            calibration: images for the ranges, where `calibrate` has not fixed them yet.
            method: how ranges are chosen.
            weight_bits: of weights that have no quantizer with an even grid.
            name: of the graph.

        Raises:
            UnknownNameError: bits for a layer that there is not, or no such method.
            GraphError: another number of bits.
        """
        bits = bits_by_layer(self._captured, weight_bits)
        emitted = copy.copy(self._captured)
        emitted.layers = [copy.copy(layer) for layer in self.layers.values()]
        with torch.no_grad():
            for layer in emitted.layers:
                if layer.kind in WEIGHTED:
                    self._settle(layer)
        if not self.quantized:
            self.calibrate(calibration, method)
        return emit(emitted, self.quantized, bits, self.shape, name)

    def _settle(self, layer: FloatLayer) -> None:
        """Write weights, bias and scales into a layer that is about to be emitted."""
        quantizer = self.weight_quantizer(layer.name)
        original = self.layers[layer.name]
        layer.weight = self.used_weight(layer.name).double().numpy()
        layer.bias = self.bias(layer.name).double().numpy()
        if quantizer is None:
            return
        scales = quantizer.scales(self.weight(layer.name), original)
        if scales is not None:
            channels = layer.weight.shape[output_axis(layer)]
            flat = scales.detach().double().reshape(-1).numpy()
            layer.scale = np.broadcast_to(flat, (channels,))

    def _on_grid(self, name: str, x: Tensor) -> Tensor:
        place = self._places.get(name, name)
        if place not in self._activations:
            return x
        on_grid: Tensor = self._activations[place](x)
        return on_grid

    def _place(self, name: str) -> str:
        known = {layer.name: self._places[layer.name] for layer in self.weighted()}
        return lookup("weighted layer", name, known)


def _parameter(values: object) -> nn.Parameter:
    assert isinstance(values, np.ndarray)
    return nn.Parameter(torch.from_numpy(values.astype(np.float32)))
